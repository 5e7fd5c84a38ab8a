// address_hash.h — SipHash-1-3 of an address and a number, inline for the fast path.
//
// The variant with fewer rounds is still a keyed function whose collisions a stranger cannot find without
// the key; hash tables ask for no more. Tokens take keyed_hash.h.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

#include "policy/base/ip_address.h"
#include "policy/base/keyed_hash.h"

namespace sallyport {

struct ShortSipState {
  std::uint64_t v0, v1, v2, v3;

  ShortSipState(const HashKey& key, const IpAddress& address) noexcept
      : v0(key.k0 ^ 0x736f6d6570736575u),
        v1(key.k1 ^ 0x646f72616e646f6du),
        v2(key.k0 ^ 0x6c7967656e657261u),
        v3(key.k1 ^ 0x7465646279746573u) {
    std::uint64_t words[2];
    std::memcpy(words, address.bytes().data(), 16);
    absorb(words[0]);
    absorb(words[1]);
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
  void absorb(std::uint64_t word) noexcept {
    v3 ^= word;
    round();
    v0 ^= word;
  }
  [[nodiscard]] std::uint64_t finish() noexcept {
    v2 ^= 0xff;
    round();
    round();
    round();
    return v0 ^ v1 ^ v2 ^ v3;
  }
};

[[nodiscard]] inline std::uint64_t address_hash(const HashKey& key, const IpAddress& address,
                                                std::uint64_t number) noexcept {
  ShortSipState state(key, address);
  state.absorb(number);
  state.absorb(std::uint64_t{24} << 56);
  return state.finish();
}

// Of a number of 16 bits, which shares the last word with the length of the input.
[[nodiscard]] inline std::uint64_t address_hash16(const HashKey& key, const IpAddress& address,
                                                  std::uint16_t number) noexcept {
  ShortSipState state(key, address);
  state.absorb(std::uint64_t{18} << 56 | number);
  return state.finish();
}

}  // namespace sallyport
