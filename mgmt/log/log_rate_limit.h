// log_rate_limit.h — how many lines one event may write in a stretch of time; the rest is counted and told
// in one line, so that a flood of packets is not also a flood of the disk (threats R11).
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mgmt/log/wall_clock.h"

namespace sallyport::mgmt {

struct SuppressedLines {
  std::string event;
  std::uint64_t lines = 0;
};

class LogRateLimit {
 public:
  static constexpr std::uint64_t kLinesPerWindow = 20;
  static constexpr std::chrono::milliseconds kWindow{10'000};
  // Events are constants of the program; should there ever be more, those beyond share one entry.
  static constexpr std::size_t kEventsMax = 256;

  // False: do not write this line; it has been counted.
  [[nodiscard]] bool allow(std::string_view event, WallTime now);
  // What was held back in windows that have ended by `now` (all of it when nothing is given).
  [[nodiscard]] std::vector<SuppressedLines> take_suppressed(std::optional<WallTime> now);
  [[nodiscard]] bool holds_back() const noexcept { return events_holding_back_ != 0; }

 private:
  struct Window {
    WallTime start;
    std::uint64_t written = 0, suppressed = 0;
  };
  std::map<std::string, Window, std::less<>> windows_;
  std::size_t events_holding_back_ = 0;
};

}  // namespace sallyport::mgmt
