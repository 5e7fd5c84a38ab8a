// memif_rejoin.h — keeps a memif client joined to its server, which may appear later than the client, and
// may be killed and started again. The driver itself connects only when the device is started.
//
//   state    each tick
//   Joined   link down for longer than the patience: close the gate; Leaving
//   Leaving  the lcore has left: stop the device; Apart
//   Apart    a server is there: start the device, open the gate; Joined
#pragma once

#include "dataplane/dpdk/device.h"

namespace sallyport::dataplane {

// Its ticks run on EAL's interrupt thread, as does the driver's own handling of its control socket: the two
// never meet.
class MemifRejoin {
 public:
  static constexpr Duration kTick = 250ms;

  // A memif client that was started (perhaps in vain) and whose lcore turns. It outlives this.
  explicit MemifRejoin(Device& device);
  ~MemifRejoin();  // waits for a tick that runs
  MemifRejoin(const MemifRejoin&) = delete;
  MemifRejoin& operator=(const MemifRejoin&) = delete;

 private:
  enum class State { Joined, Leaving, Apart };
  static constexpr int kPatienceForHandshake = 4, kPatienceForLoss = 1;  // ticks

  static void on_alarm(void* self) noexcept;
  void arm() noexcept;
  void tick() noexcept;
  void watch_link() noexcept;
  void leave() noexcept;
  void join() noexcept;

  Device& device_;
  State state_;
  int patience_ = kPatienceForHandshake;
};

}  // namespace sallyport::dataplane
