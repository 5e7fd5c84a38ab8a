// units.h — values with the unit that a configuration writes behind them (500ms, 200/s, 64KB, 1Gbit).
#pragma once

#include <compare>
#include <cstdint>

#include "policy/base/time.h"

namespace sallyport {

// Events in a stretch of time: "200/s", "10/m", "10/h".
struct Rate {
  std::uint64_t events = 0;
  Duration per = std::chrono::seconds(1);
  [[nodiscard]] double per_second() const noexcept {
    return static_cast<double>(events) * 1e9 / static_cast<double>(per.count());
  }
  friend constexpr auto operator<=>(const Rate&, const Rate&) = default;
};

// A token bucket: `rate` refills it, `burst` is how much it holds.
struct BucketLimit {
  Rate rate;
  std::uint64_t burst = 0;
  friend constexpr auto operator<=>(const BucketLimit&, const BucketLimit&) = default;
};

struct ByteCount {
  std::uint64_t bytes = 0;
  friend constexpr auto operator<=>(const ByteCount&, const ByteCount&) = default;
};

struct BitRate {
  std::uint64_t bits_per_second = 0;
  friend constexpr auto operator<=>(const BitRate&, const BitRate&) = default;
};

struct PortRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;  // inclusive
  friend constexpr auto operator<=>(const PortRange&, const PortRange&) = default;
};

// Differentiated services code point, 0..63.
struct Dscp {
  std::uint8_t value = 0;
  friend constexpr auto operator<=>(const Dscp&, const Dscp&) = default;
};

}  // namespace sallyport
