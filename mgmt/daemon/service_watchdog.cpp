// service_watchdog.cpp — see service_watchdog.h.
#include "mgmt/daemon/service_watchdog.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "mgmt/cli/service_notify.h"

namespace sallyport::mgmt {
namespace {

constexpr int kLooksPerInterval = 4;

// Digits and nothing else; 0 for any other text.
[[nodiscard]] std::uint64_t number_of(const std::string& text) {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return error == std::errc{} && stop == end ? value : 0;
}

}  // namespace

Duration watchdog_interval(const std::string& usec, const std::string& watched_pid, long pid) {
  constexpr std::uint64_t kDayUsec = 86'400'000'000;  // longer is a mistake, and would overflow
  const std::uint64_t interval = number_of(usec);
  const bool is_ours = watched_pid.empty() || number_of(watched_pid) == static_cast<std::uint64_t>(pid);
  if (!is_ours || interval > kDayUsec) return Duration::zero();
  return std::chrono::microseconds(interval);
}

ServiceWatchdog::ServiceWatchdog(Duration interval, ServiceWatchdogPlaces places)
    : interval_(interval), places_(std::move(places)) {}

// The name of a thread that made no turn since the last look; empty: each made one.
std::string ServiceWatchdog::first_at_rest(const std::vector<dataplane::ThreadTurns>& turns) const {
  for (std::size_t i = 0; i < std::min(turns.size(), turns_.size()); ++i)
    if (turns[i].turns == turns_[i].turns) return turns[i].name;
  return {};
}

void ServiceWatchdog::tick(Timestamp now) {
  if (interval_ == Duration::zero() || now < next_) return;
  next_ = now + interval_ / kLooksPerInterval;
  std::vector<dataplane::ThreadTurns> turns = places_.turns();
  std::string at_rest = first_at_rest(turns);
  turns_ = std::move(turns);
  if (at_rest != at_rest_) {
    at_rest_ = std::move(at_rest);
    if (at_rest_.empty())
      places_.log.write(LogLevel::Warning, "management", "threads_move", "every thread moves again");
    else
      places_.log.write(LogLevel::Error, "management", "thread_stuck",
                        "a thread does not move: the service manager's watchdog is not fed",
                        {{"thread", at_rest_}});
  }
  if (at_rest_.empty()) service_notify(places_.notify_socket, "WATCHDOG=1");
}

}  // namespace sallyport::mgmt
