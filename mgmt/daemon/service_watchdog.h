// service_watchdog.h — feeds the watchdog of the service manager (WatchdogSec of systemd,
// sd_watchdog_enabled(3)): only while every lcore moves. A node whose media stands still is better started
// anew, which takes its calls with it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "mgmt/log/event_log.h"
#include "policy/base/time.h"

namespace sallyport::mgmt {

// Of WATCHDOG_USEC, where WATCHDOG_PID is empty or `pid`; zero: nobody watches.
[[nodiscard]] Duration watchdog_interval(const std::string& usec, const std::string& watched_pid, long pid);

struct ServiceWatchdogPlaces {
  std::string notify_socket;
  // A count for each lcore that grows with its turns, idle ones too.
  std::function<std::vector<std::uint64_t>()> turns;
  EventLog& log;
};

class ServiceWatchdog {
 public:
  ServiceWatchdog(Duration interval, ServiceWatchdogPlaces places);
  // Often; four times in an interval it looks at the lcores.
  void tick(Timestamp now);

 private:
  [[nodiscard]] std::size_t first_at_rest(const std::vector<std::uint64_t>& turns) const noexcept;

  const Duration interval_;
  const ServiceWatchdogPlaces places_;
  Timestamp next_{};
  std::vector<std::uint64_t> turns_;  // as the last look found them
  bool is_at_rest_ = false;
};

}  // namespace sallyport::mgmt
