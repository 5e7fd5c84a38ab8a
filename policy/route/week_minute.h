// week_minute.h — a minute of the week, for what a configuration says of days and hours.
#pragma once

#include <cstdint>

namespace sallyport::policy {

// Minutes since Monday 00:00 UTC. The core has no clock: the rim hands the value in.
struct WeekMinute {
  static constexpr std::uint16_t kDayMinutes = 24 * 60;
  static constexpr std::uint16_t kWeekMinutes = 7 * kDayMinutes;
  static constexpr std::uint16_t kUnknown = 0xffff;

  std::uint16_t value = kUnknown;  // kUnknown: matches no span

  // Seconds since 1970-01-01, which was a Thursday.
  [[nodiscard]] static constexpr WeekMinute of_unix(std::int64_t seconds) noexcept {
    const std::int64_t week = std::int64_t{kWeekMinutes} * 60;
    const std::int64_t into = ((seconds + std::int64_t{3} * kDayMinutes * 60) % week + week) % week;
    return {static_cast<std::uint16_t>(into / 60)};
  }
};

}  // namespace sallyport::policy
