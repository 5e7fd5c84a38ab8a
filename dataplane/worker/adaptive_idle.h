// adaptive_idle.h — how long an lcore may sleep when a turn moved nothing: not at all for a moment after
// traffic that must not wait, then longer and longer, never so long that the first packet after idle waits
// for 2 ms.
//
// SIP alone is patient: nobody hears a fraction of a millisecond in the setting up of a call, but to spin
// after each datagram, and to wake the shard for each, costs more than all that is done with it. So after SIP
// an lcore sleeps a little at once, and what comes meanwhile is one burst.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "policy/base/time.h"

namespace sallyport::dataplane {

// What a turn of an lcore moved.
enum class Moved : std::uint8_t {
  Nothing,
  Patient,  // SIP and nothing else
  Urgent,   // media, what Linux sends or is sent, or what is not known yet
};

class AdaptiveIdle {
 public:
  static constexpr Duration kSpinAfterTraffic = 50us;
  static constexpr Duration kFirstSleep = 20us;
  static constexpr Duration kPatientSleep = 1000us;
  // So many packets and messages since the last nap halve it: at a high rate a nap must not fill a queue.
  static constexpr std::int64_t kPatientBurst = 16;
  // As long after urgent traffic nothing is patient: the next of it may be near.
  static constexpr Duration kUrgentFor = 5ms;
  // Each nap costs a timer and two context switches, which is all that an idle lcore costs.
  static constexpr Duration kLongestSleep = 1400us;
  // Where there are several lcores a packet may have to wake two, one after the other.
  static constexpr Duration kLongestSleepOfSeveral = 700us;

  explicit AdaptiveIdle(std::size_t lcores) noexcept
      : longest_(lcores > 1 ? kLongestSleepOfSeveral : kLongestSleep) {}

  // After each turn. Zero: poll again at once.
  [[nodiscard]] Duration after_turn(Timestamp now, Moved moved, std::size_t count = 1) noexcept {
    if (moved == Moved::Urgent) last_urgent_ = now;
    if (moved != Moved::Nothing) {
      burst_ += static_cast<std::int64_t>(count);
      next_sleep_ = now - last_urgent_ < kUrgentFor ? kFirstSleep : patient_sleep();
      return Duration::zero();
    }
    if (now - last_urgent_ < kSpinAfterTraffic) return Duration::zero();
    burst_ = 0;
    const Duration sleep = next_sleep_;
    next_sleep_ = std::min(4 * next_sleep_, longest_);
    return sleep;
  }

 private:
  [[nodiscard]] Duration patient_sleep() const noexcept {
    return std::min(kPatientSleep * kPatientBurst / (kPatientBurst + burst_), longest_);
  }

  Duration longest_;
  std::int64_t burst_ = 0;  // moved since the last nap
  Timestamp last_urgent_{-kUrgentFor};
  Duration next_sleep_ = kFirstSleep;
};

}  // namespace sallyport::dataplane
