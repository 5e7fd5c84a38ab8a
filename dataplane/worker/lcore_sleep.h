// lcore_sleep.h — how an lcore sleeps: for a time, or until a packet comes if that is sooner.
#pragma once

#include <poll.h>

#include <vector>

#include "dataplane/worker/adaptive_idle.h"
#include "policy/base/time.h"

namespace sallyport::dataplane {

class LcoreSleep {
 public:
  // One socket for each receive queue of the lcore; -1: that queue has none, and no packet can end a sleep.
  explicit LcoreSleep(const std::vector<int>& sockets);

  [[nodiscard]] bool can_packets_wake() const noexcept { return !sockets_.empty(); }

  void take(const Rest& rest) noexcept;

 private:
  static void nap(Duration length) noexcept;
  void wait(Duration longest) noexcept;

  std::vector<pollfd> sockets_;  // empty: no packet can end a sleep
};

}  // namespace sallyport::dataplane
