// timer_settings.h — the base times that all transaction timers are made of: RFC 3261 §17, Table 4.
#pragma once

#include "policy/base/time.h"

namespace sallyport::sip {

enum class Reliability : std::uint8_t { Unreliable, Reliable };  // UDP; TCP and TLS

struct TimerSettings {
  Duration t1 = 500ms;  // round-trip estimate
  Duration t2 = 4s;     // longest retransmission interval
  Duration t4 = 5s;     // longest life of a message in the network

  // Timer J: how long a final response is kept for requests that come again. RFC 3261 §17.2.2
  [[nodiscard]] constexpr Duration timer_j(Reliability reliability) const noexcept {
    return reliability == Reliability::Reliable ? Duration::zero() : 64 * t1;
  }
};

}  // namespace sallyport::sip
