// chance.h — choices in proportion to weights, out of a random number that comes in.
#pragma once

#include <cmath>
#include <cstdint>

namespace sallyport::policy {

// A further random number out of one: the finish of SplitMix64 (Steele, Lea, Flood, 2014).
[[nodiscard]] constexpr std::uint64_t mixed(std::uint64_t random, std::uint64_t number) noexcept {
  std::uint64_t z = random + (number + 1) * 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

// A weight of zero is a very small chance, not none. RFC 2782
[[nodiscard]] constexpr double share_of(std::uint32_t weight) noexcept {
  return weight == 0 ? 1.0 / 65536 : static_cast<double>(weight);
}

// The lowest rank wins in proportion to its weight, and taking one away changes nothing among the others:
// exponential ranks, which serve a choice by chance and rendezvous hashing alike.
[[nodiscard]] inline double rank_of(std::uint32_t weight, std::uint64_t bits) noexcept {
  const double between_0_and_1 = (static_cast<double>(bits >> 11) + 0.5) * 0x1p-53;
  return -std::log(between_0_and_1) / share_of(weight);
}

}  // namespace sallyport::policy
