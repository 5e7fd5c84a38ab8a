// time_span.h — "mon-fri 08:00-18:00": days and hours of a route's match, in UTC.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "policy/route/week_minute.h"

namespace sallyport::policy {

// Days alone mean whole days, hours alone mean every day. Days may run over the end of the week (fri-mon) and
// hours over midnight: "mon-fri 22:00-06:00" ends on Saturday at 06:00. The end does not belong to the span;
// an end that equals the beginning means 24 hours.
class TimeSpan {
 public:
  // Nothing for a text that the configuration's check would not have let through.
  [[nodiscard]] static std::optional<TimeSpan> parse(std::string_view text) noexcept;

  [[nodiscard]] bool contains(WeekMinute now) const noexcept;

 private:
  std::uint8_t days_ = 0x7f;  // bit 0: Monday; the days on which the span begins
  std::uint16_t first_ = 0;   // minute of the day
  std::uint16_t minutes_ = 24 * 60;
};

}  // namespace sallyport::policy
