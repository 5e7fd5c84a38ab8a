// virtual_time.h — how time goes by for an engine under test: from deadline to deadline.
#pragma once

#include <algorithm>

#include "sipalg/engine/sip_engine.h"

namespace sallyport::tests {

// Moves `now` on by `time`. At each deadline on the way the engine does what is due; `take_out` then empties
// `out`, and may put further messages into the engine.
template <class TakeOut>
void pass_time(sip::SipEngine& engine, Timestamp& now, Duration time, sip::EngineOutput& out,
               TakeOut&& take_out) {
  const Timestamp end = now + time;
  while (const auto deadline = engine.next_deadline()) {
    if (*deadline > end) break;
    now = std::max(now, *deadline);
    engine.on_deadline(now, out);
    take_out();
  }
  now = end;
}

}  // namespace sallyport::tests
