// adaptive_idle.h — how long an lcore may rest when a turn moved nothing: not at all for a moment after
// traffic that must not wait, then longer and longer, never so long that the first packet after idle waits
// for 2 ms.
//
// SIP alone is patient: nobody hears a fraction of a millisecond in the setting up of a call, but to spin
// after each datagram, and to wake the shard for each, costs more than all that is done with it. So after SIP
// an lcore sleeps a little at once, and what comes meanwhile is one burst.
//
// Where packets can end a rest (worker/lcore_sleep.h) there is little to spin for after media: the next of it
// comes as a packet, and its coming wakes the lcore sooner than any timer. Only what comes by a mailbox waits
// until the rest is over: answers of Linux after what was handed to it, packets of other lcores.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "policy/base/time.h"

namespace sallyport::dataplane {

// What a turn of an lcore moved: the most urgent of it.
enum class Moved : std::uint8_t {
  Nothing,
  Patient,  // SIP
  Media,    // what was relayed
  Urgent,   // what Linux sends or is sent, or what is not known yet
};

// Zero: poll again at once.
struct Rest {
  Duration length{};
  bool until_packet = false;  // or less, when a packet comes
};

class AdaptiveIdle {
 public:
  static constexpr Duration kSpinAfterTraffic = 50us;
  // Long enough for the next of a burst of packets; who waits longer is woken about as soon.
  static constexpr Duration kSpinAfterMedia = 3us;
  static constexpr Duration kFirstSleep = 20us;
  static constexpr Duration kFirstSleepAfterMedia = 320us;
  static constexpr Duration kPatientSleep = 1000us;
  // So many packets and messages since the last nap halve it: at a high rate a nap must not fill a queue.
  static constexpr std::int64_t kPatientBurst = 16;
  // As long after urgent traffic nothing is patient: the next of it may be near.
  static constexpr Duration kUrgentFor = 5ms;
  // Each nap costs a timer and two context switches, which is all that an idle lcore costs.
  static constexpr Duration kLongestSleep = 1400us;
  // Where there are several lcores a packet may have to wake two, one after the other.
  static constexpr Duration kLongestSleepOfSeveral = 700us;

  AdaptiveIdle(std::size_t lcores, bool can_packets_wake) noexcept
      : can_packets_wake_(can_packets_wake),
        longest_(lcores > 1 ? kLongestSleepOfSeveral : kLongestSleep),
        first_after_media_(can_packets_wake && lcores <= 1 ? kFirstSleepAfterMedia : kFirstSleep) {}

  // After each turn.
  [[nodiscard]] Rest after_turn(Timestamp now, Moved moved, std::size_t count = 1) noexcept {
    if (moved == Moved::Nothing) return after_nothing(now);
    if (moved == Moved::Media) media_until_ = now + kUrgentFor;
    if (moved == Moved::Urgent || (moved == Moved::Media && !can_packets_wake_))
      urgent_until_ = now + kUrgentFor;
    spin_until_ = std::max(spin_until_, now + spin_after(moved));
    burst_ += static_cast<std::int64_t>(count);
    is_patient_ = now >= urgent_until_ && now >= media_until_;
    next_sleep_ = is_patient_ ? patient_sleep() : now < urgent_until_ ? kFirstSleep : first_after_media_;
    return {};
  }

 private:
  [[nodiscard]] Rest after_nothing(Timestamp now) noexcept {
    if (now < spin_until_) return {};
    burst_ = 0;
    // What comes while an lcore is patient is to be one burst.
    const Rest rest{next_sleep_, can_packets_wake_ && !is_patient_};
    is_patient_ = false;
    next_sleep_ = std::min(4 * next_sleep_, longest_);
    return rest;
  }

  [[nodiscard]] Duration spin_after(Moved moved) const noexcept {
    if (moved == Moved::Patient) return Duration::zero();
    return moved == Moved::Media && can_packets_wake_ ? kSpinAfterMedia : kSpinAfterTraffic;
  }

  [[nodiscard]] Duration patient_sleep() const noexcept {
    return std::min(kPatientSleep * kPatientBurst / (kPatientBurst + burst_), longest_);
  }

  bool can_packets_wake_;
  Duration longest_, first_after_media_;
  std::int64_t burst_ = 0;  // moved since the last rest
  Timestamp urgent_until_{}, media_until_{}, spin_until_{};
  bool is_patient_ = false;
  Duration next_sleep_ = kFirstSleep;
};

}  // namespace sallyport::dataplane
