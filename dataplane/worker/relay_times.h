// relay_times.h — how long relayed packets take from the poll of the queue that brought them to the device
// that takes them: a histogram, filled from a sample of bursts by one lcore.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "policy/base/counters.h"
#include "policy/base/time.h"

namespace sallyport::dataplane {

// Upper bounds of buckets; what is beyond the last has a bucket of its own.
inline constexpr std::array<Duration, 12> kRelayTimeBounds{1us,   2us,   5us,   10us, 20us, 50us,
                                                           100us, 200us, 500us, 1ms,  2ms,  5ms};

struct RelayTimes {
  std::array<Counter, kRelayTimeBounds.size() + 1> bursts;
  Counter nanoseconds;

  void add(Duration time) noexcept {
    const auto bound = std::lower_bound(kRelayTimeBounds.begin(), kRelayTimeBounds.end(), time);
    bursts[static_cast<std::size_t>(bound - kRelayTimeBounds.begin())].add();
    nanoseconds.add(static_cast<std::uint64_t>(std::max(time, Duration::zero()).count()));
  }
};

}  // namespace sallyport::dataplane
