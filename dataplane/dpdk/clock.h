// clock.h — the only place that reads a clock; everything else is told what time it is.
#pragma once

#include "policy/base/time.h"

namespace sallyport::dataplane {

// The kernel's monotonic clock. Threads read it once for each turn of their loop, never for each packet.
[[nodiscard]] Timestamp read_clock() noexcept;
// How long the processor has worked for this thread.
[[nodiscard]] Duration read_thread_time() noexcept;

}  // namespace sallyport::dataplane
