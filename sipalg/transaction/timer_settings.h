// timer_settings.h — the base times that all transaction timers are made of: RFC 3261 §17, Table 4.
#pragma once

#include "policy/base/time.h"
#include "policy/model/transport.h"

namespace sallyport::sip {

enum class Reliability : std::uint8_t { Unreliable, Reliable };  // UDP; TCP and TLS
[[nodiscard]] constexpr Reliability reliability_of(Transport transport) noexcept {
  return is_stream(transport) ? Reliability::Reliable : Reliability::Unreliable;
}

struct TimerSettings {
  Duration t1 = 500ms;  // round-trip estimate
  Duration t2 = 4s;     // longest retransmission interval
  Duration t4 = 5s;     // longest life of a message in the network

  // Timers B, F, H and L: how long the other side is waited for. RFC 3261 §17, RFC 6026 §7.1
  [[nodiscard]] constexpr Duration patience() const noexcept { return 64 * t1; }
  // Timer D: how long a failure may come again, which its sender's T1 decides: 32 s at least. RFC 3261
  // §17.1.1.2
  [[nodiscard]] constexpr Duration timer_d(Reliability reliability) const noexcept {
    if (reliability == Reliability::Reliable) return Duration::zero();
    return 64 * t1 > Duration(32s) ? 64 * t1 : Duration(32s);
  }
  // Timers I and K: until nothing of the transaction is left in the network. RFC 3261 §17.1.2.2, §17.2.1
  [[nodiscard]] constexpr Duration timer_i_or_k(Reliability reliability) const noexcept {
    return reliability == Reliability::Reliable ? Duration::zero() : t4;
  }
  // An interval of 0 would send for ever; what is read from outside is held to this.
  [[nodiscard]] constexpr bool is_sane() const noexcept {
    const auto sane = [](Duration time) { return time >= Duration(1ms) && time <= Duration(60s); };
    return sane(t1) && sane(t2) && sane(t4);
  }
  template <class Archive>
  void archive(Archive& a) {
    a(t1, t2, t4);
  }

  // Timer J: how long a final response is kept for requests that come again. RFC 3261 §17.2.2
  [[nodiscard]] constexpr Duration timer_j(Reliability reliability) const noexcept {
    return reliability == Reliability::Reliable ? Duration::zero() : 64 * t1;
  }
};

// An interval that is read may be doubled.
template <class Archive>
void keep_sane(Duration interval, Archive& a) {
  if constexpr (Archive::kReads)
    if (interval < Duration::zero() || interval > Duration(2h)) a.fail();
}

}  // namespace sallyport::sip
