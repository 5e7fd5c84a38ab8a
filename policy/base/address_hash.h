// address_hash.h — SipHash-1-3 of an address and a number, inline for the fast path.
//
// The variant with fewer rounds is still a keyed function whose collisions a stranger cannot find without
// the key; hash tables ask for no more. Tokens take keyed_hash.h.
#pragma once

#include <cstdint>
#include <cstring>

#include "policy/base/ip_address.h"
#include "policy/base/keyed_hash.h"
#include "policy/base/siphash.h"

namespace sallyport {

// SipHash-1-3 that has taken an address.
struct AddressHash : SipHash<1, 3> {
  AddressHash(const HashKey& key, const IpAddress& address) noexcept : SipHash(key) {
    std::uint64_t words[2];
    std::memcpy(words, address.bytes().data(), 16);
    absorb(words[0]);
    absorb(words[1]);
  }
  // `last`: the last word, with the length of the input in its highest octet.
  [[nodiscard]] std::uint64_t with(std::uint64_t last) noexcept {
    absorb(last);
    v2 ^= 0xff;
    return finish();
  }
};

[[nodiscard]] inline std::uint64_t address_hash(const HashKey& key, const IpAddress& address,
                                                std::uint64_t number) noexcept {
  AddressHash state(key, address);
  state.absorb(number);
  return state.with(std::uint64_t{24} << 56);
}

// Of a number of 16 bits, which shares the last word with the length of the input.
[[nodiscard]] inline std::uint64_t address_hash16(const HashKey& key, const IpAddress& address,
                                                  std::uint16_t number) noexcept {
  return AddressHash(key, address).with(std::uint64_t{18} << 56 | number);
}

}  // namespace sallyport
