// wake_latency.h — how soon an lcore runs once a packet has woken it.
//
// A processor that has halted takes tens of microseconds to wake, in a virtual machine most of what a relayed
// packet waits for. While much media flows Linux is asked not to halt those that idle: they wait awake, which
// takes power and no time of anybody (admin-guide/pm/cpuidle.rst of Linux, "Power Management Quality of
// Service"; /dev/cpu_dma_latency). And a thread with a short slice that wakes goes before one that is in the
// middle of a long one (sched(7), sched_setattr(2); Linux 6.12, which older ones do not know and ignore).
#pragma once

#include <cstddef>
#include <cstdint>

#include "dataplane/net/unique_fd.h"
#include "policy/base/time.h"

namespace sallyport::dataplane {

// Judged four times a second, with a gap between more and less: what changes with every packet helps nobody.
class MediaPace {
 public:
  static constexpr Duration kWindow = 250ms;
  static constexpr std::size_t kMany = 500, kFew = 250;  // packets of a window

  // After each turn. True: much media flows.
  [[nodiscard]] bool after_turn(Timestamp now, std::size_t media_packets) noexcept {
    count_ += media_packets;
    if (now - begin_ < kWindow) return is_much_;
    is_much_ = count_ >= (is_much_ ? kFew : kMany);
    begin_ = now;
    count_ = 0;
    return is_much_;
  }

 private:
  Timestamp begin_{};
  std::size_t count_ = 0;
  bool is_much_ = false;
};

// One lcore's word in it; the kernel takes the strictest of all, and forgets it when the program ends.
class WakeLatency {
 public:
  // Without right to the device, or where there is none (containers): nothing is asked for.
  [[nodiscard]] static WakeLatency of_machine() noexcept;
  WakeLatency() = default;
  explicit WakeLatency(UniqueFd file) noexcept : file_(std::move(file)) {}

  // A system call where the answer is another than before.
  void keep_awake(bool is_wanted) noexcept;

 private:
  UniqueFd file_;
  bool is_kept_ = false;
};

// For the calling thread; its niceness stays. False: not permitted.
bool ask_for_short_slices() noexcept;

}  // namespace sallyport::dataplane
