// time.h — points and lengths of time for the whole program.
//
// The core never reads a clock: `now` comes in as an argument (only dataplane/dpdk/clock.cpp reads one).
// So MonotonicClock has no now(); it exists only to keep these values apart from other clocks' values.
#pragma once

#include <chrono>
#include <cstdint>

namespace sallyport {

using namespace std::chrono_literals;

using Duration = std::chrono::nanoseconds;

// Tag of a clock that starts at an arbitrary point and never steps back.
struct MonotonicClock {
  using rep = std::int64_t;
  using period = std::nano;
  using duration = Duration;
  using time_point = std::chrono::time_point<MonotonicClock>;
  static constexpr bool is_steady = true;
};

using Timestamp = MonotonicClock::time_point;

}  // namespace sallyport
