// engine_counters.cpp — sums of the counters of several engines.
#include "sipalg/engine/engine_counters.h"

namespace sallyport::sip {

void RealmSipCounts::add(const RealmSipCounters& counters) noexcept {
  for (std::size_t direction = 0; direction < requests.size(); ++direction) {
    for (std::size_t i = 0; i < requests[direction].size(); ++i)
      requests[direction][i] += counters.requests[direction][i].value();
    for (std::size_t i = 0; i < responses[direction].size(); ++i)
      responses[direction][i] += counters.responses[direction][i].value();
  }
  for (std::size_t i = 0; i < dropped.size(); ++i)
    dropped[i] += counters.dropped.value(static_cast<SipDropReason>(i));
  retransmissions_in += counters.retransmissions_in.value();
  retransmissions_out += counters.retransmissions_out.value();
}

void PeerCallCounters::reset() noexcept {
  for (std::size_t direction = 0; direction < results.size(); ++direction) {
    results[direction].reset();
    for (Counter& bucket : setup[direction]) bucket.set(0);
    for (Counter& bucket : duration[direction]) bucket.set(0);
    setup_milliseconds[direction].set(0);
    duration_milliseconds[direction].set(0);
  }
}

}  // namespace sallyport::sip
