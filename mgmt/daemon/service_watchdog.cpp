// service_watchdog.cpp — see service_watchdog.h.
#include "mgmt/daemon/service_watchdog.h"

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

// The position of an lcore that made no turn since the last look; their number: each made one.
std::size_t ServiceWatchdog::first_at_rest(const std::vector<std::uint64_t>& turns) const noexcept {
  for (std::size_t i = 0; i < turns.size(); ++i)
    if (i < turns_.size() && turns[i] == turns_[i]) return i;
  return turns.size();
}

void ServiceWatchdog::tick(Timestamp now) {
  if (interval_ == Duration::zero() || now < next_) return;
  next_ = now + interval_ / kLooksPerInterval;
  std::vector<std::uint64_t> turns = places_.turns();
  const std::size_t at_rest = first_at_rest(turns);
  const bool do_all_move = at_rest == turns.size();
  turns_ = std::move(turns);
  if (do_all_move == is_at_rest_) {
    is_at_rest_ = !do_all_move;
    if (is_at_rest_)
      places_.log.write(LogLevel::Error, "management", "lcore_stuck",
                        "an lcore does not move: the service manager's watchdog is not fed",
                        {{"lcore", std::uint64_t{at_rest}}});
    else
      places_.log.write(LogLevel::Warning, "management", "lcores_move", "every lcore moves again");
  }
  if (do_all_move) service_notify(places_.notify_socket, "WATCHDOG=1");
}

}  // namespace sallyport::mgmt
