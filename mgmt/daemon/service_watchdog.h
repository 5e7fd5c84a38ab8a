// service_watchdog.h — feeds the watchdog of the service manager (WatchdogSec of systemd,
// sd_watchdog_enabled(3)): only while every lcore, every signalling thread and the stream thread moves. A
// node whose media or signalling stands still is better started anew, which takes its calls with it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "dataplane/data_plane.h"
#include "mgmt/log/event_log.h"
#include "policy/base/time.h"

namespace sallyport::mgmt {

// Of WATCHDOG_USEC, where WATCHDOG_PID is empty or `pid`; zero: nobody watches.
[[nodiscard]] Duration watchdog_interval(const std::string& usec, const std::string& watched_pid, long pid);

struct ServiceWatchdogPlaces {
  std::string notify_socket;
  // A count for each thread that grows until the next question, unless the thread stands. The threads are the
  // same each time, in the same order.
  std::function<std::vector<dataplane::ThreadTurns>()> turns;
  EventLog& log;
};

class ServiceWatchdog {
 public:
  ServiceWatchdog(Duration interval, ServiceWatchdogPlaces places);
  // Often; four times in an interval it looks at the threads.
  void tick(Timestamp now);

 private:
  [[nodiscard]] std::string first_at_rest(const std::vector<dataplane::ThreadTurns>& turns) const;

  const Duration interval_;
  const ServiceWatchdogPlaces places_;
  Timestamp next_{};
  std::vector<dataplane::ThreadTurns> turns_;  // as the last look found them
  std::string at_rest_;                        // the thread that stood then; empty: none
};

}  // namespace sallyport::mgmt
