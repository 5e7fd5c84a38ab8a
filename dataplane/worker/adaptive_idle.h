// adaptive_idle.h — how long an lcore may sleep when a turn moved nothing: not at all for a moment after
// traffic, then longer and longer, never so long that the first packet after idle waits for 2 ms.
#pragma once

#include <algorithm>
#include <cstddef>

#include "policy/base/time.h"

namespace sallyport::dataplane {

class AdaptiveIdle {
 public:
  static constexpr Duration kSpinAfterTraffic = 50us;
  static constexpr Duration kFirstSleep = 20us;
  // Each nap costs a timer and two context switches, which is all that an idle lcore costs.
  static constexpr Duration kLongestSleep = 1400us;
  // Where there are several lcores a packet may have to wake two, one after the other.
  static constexpr Duration kLongestSleepOfSeveral = 700us;

  explicit AdaptiveIdle(std::size_t lcores) noexcept
      : longest_(lcores > 1 ? kLongestSleepOfSeveral : kLongestSleep) {}

  // After each turn. Zero: poll again at once.
  [[nodiscard]] Duration after_turn(Timestamp now, bool moved) noexcept {
    if (moved) {
      last_traffic_ = now;
      next_sleep_ = kFirstSleep;
      return Duration::zero();
    }
    if (now - last_traffic_ < kSpinAfterTraffic) return Duration::zero();
    const Duration sleep = next_sleep_;
    next_sleep_ = std::min(4 * next_sleep_, longest_);
    return sleep;
  }

 private:
  Duration longest_;
  Timestamp last_traffic_{};
  Duration next_sleep_ = kFirstSleep;
};

}  // namespace sallyport::dataplane
