// turns.h — which turn each lcore is in, for whoever must wait until no lcore uses what it used before.
//
// The memif driver unmaps a ring on EAL's interrupt thread the moment its neighbour dies, and an lcore may be
// reading it just then: DPDK leaves that to the application. The driver marks the device as closed first; so
// turns.cpp holds such an unmapping up until every lcore has begun another turn. No lcore ever waits.
#pragma once

#include <cstddef>

namespace sallyport::dataplane {

inline constexpr std::size_t kTurningLcoresMax = 128;  // RTE_MAX_LCORE

// A polling thread makes one of these for as long as it polls.
class Turns {
 public:
  explicit Turns(std::size_t lcore) noexcept;
  ~Turns();
  Turns(const Turns&) = delete;
  Turns& operator=(const Turns&) = delete;

  // At the start of each turn: nothing read in an earlier one is used any more.
  void begin() noexcept;

 private:
  std::size_t lcore_;
};

// Returns once every lcore that was in a turn has begun another, or has ended. Never on an lcore.
void wait_for_turns() noexcept;

}  // namespace sallyport::dataplane
