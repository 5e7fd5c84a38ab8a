// The simulator's own random numbers (splitmix64): the same on every machine, so that a seed replays.
#pragma once

#include <cstdint>
#include <string>

#include "policy/base/time.h"

namespace sallyport::sim {

class SimRandom {
 public:
  explicit SimRandom(std::uint64_t seed) noexcept : state_(seed) {}

  std::uint64_t next() noexcept {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  // 0 .. count-1; count is not 0.
  std::uint64_t below(std::uint64_t count) noexcept { return next() % count; }
  bool chance(double probability) noexcept {
    return static_cast<double>(next() >> 11) * 0x1p-53 < probability;
  }
  Duration between(Duration least, Duration most) noexcept {
    if (most <= least) return least;
    return least +
           Duration(static_cast<std::int64_t>(below(static_cast<std::uint64_t>((most - least).count()))));
  }
  std::string letters(std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += "abcdefghjkmnpqrstuvwxyz0123456789"[below(33)];
    return text;
  }
  // A stream of its own for one part of the world: what one part draws does not move the others.
  [[nodiscard]] SimRandom fork(std::uint64_t salt) const noexcept {
    SimRandom child(state_ ^ (salt * 0xd1342543de82ef95u));
    (void)child.next();
    return child;
  }

 private:
  std::uint64_t state_;
};

}  // namespace sallyport::sim
