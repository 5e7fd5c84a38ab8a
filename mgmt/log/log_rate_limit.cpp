// log_rate_limit.cpp — a window of lines for each event.
#include "mgmt/log/log_rate_limit.h"

namespace sallyport::mgmt {
namespace {

// A clock that was set back ends the window too; else the event could be silent for years.
[[nodiscard]] bool has_ended(WallTime start, WallTime now) {
  return now < start || now - start >= LogRateLimit::kWindow;
}

}  // namespace

bool LogRateLimit::allow(std::string_view event, WallTime now) {
  auto found = windows_.find(event);
  if (found == windows_.end()) {
    const std::string name(windows_.size() < kEventsMax ? event : "other");
    found = windows_.try_emplace(name, Window{now, 0, 0}).first;
  }
  Window& window = found->second;
  if (has_ended(window.start, now) && window.suppressed == 0) window = Window{now, 0, 0};
  if (window.written < kLinesPerWindow) {
    ++window.written;
    return true;
  }
  if (window.suppressed++ == 0) ++events_holding_back_;
  return false;
}

std::vector<SuppressedLines> LogRateLimit::take_suppressed(std::optional<WallTime> now) {
  std::vector<SuppressedLines> out;
  if (!holds_back()) return out;
  for (auto& [event, window] : windows_) {
    if (window.suppressed == 0 || (now && !has_ended(window.start, *now))) continue;
    out.push_back({event, window.suppressed});
    window = Window{now.value_or(window.start), 0, 0};
    --events_holding_back_;
  }
  return out;
}

}  // namespace sallyport::mgmt
