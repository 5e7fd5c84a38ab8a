// siphash.h — the rounds of SipHash-c-d (Aumasson and Bernstein, 2012), for keyed_hash.* and address_hash.h.
#pragma once

#include <bit>
#include <cstdint>

#include "policy/base/keyed_hash.h"

namespace sallyport {

// Rounds are unrolled by the template, not by a loop: -O2 would keep the loop, and the fast path pays for it.
template <unsigned kRoundsOfWord, unsigned kRoundsOfFinish>
struct SipHash {
  std::uint64_t v0, v1, v2, v3;

  explicit SipHash(const HashKey& key) noexcept
      : v0(key.k0 ^ 0x736f6d6570736575u),
        v1(key.k1 ^ 0x646f72616e646f6du),
        v2(key.k0 ^ 0x6c7967656e657261u),
        v3(key.k1 ^ 0x7465646279746573u) {}

  void absorb(std::uint64_t word) noexcept {
    v3 ^= word;
    rounds<kRoundsOfWord>();
    v0 ^= word;
  }
  // What distinguishes the outputs (0xff, or 0xee and 0xdd for 128 bits) has been mixed in before.
  [[nodiscard]] std::uint64_t finish() noexcept {
    rounds<kRoundsOfFinish>();
    return v0 ^ v1 ^ v2 ^ v3;
  }

 private:
  template <unsigned kCount>
  void rounds() noexcept {
    round();
    if constexpr (kCount > 1) rounds<kCount - 1>();
  }
  void round() noexcept {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }
};

}  // namespace sallyport
