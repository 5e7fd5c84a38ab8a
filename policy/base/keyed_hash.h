// keyed_hash.h — SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed pseudo-random function over short input.
//
// Everything that a stranger can choose (Call-IDs, branches, source addresses) is hashed under a secret, so
// that nobody can fill one bucket of a table on purpose (threats R6). The 128-bit form also makes tokens.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace sallyport {

struct HashKey {
  std::uint64_t k0 = 0;
  std::uint64_t k1 = 0;
};

struct Hash128 {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  friend constexpr bool operator==(const Hash128&, const Hash128&) = default;
};

[[nodiscard]] std::uint64_t keyed_hash(const HashKey& key, std::span<const std::byte> input) noexcept;
[[nodiscard]] std::uint64_t keyed_hash(const HashKey& key, std::string_view input) noexcept;
[[nodiscard]] Hash128 keyed_hash128(const HashKey& key, std::string_view input) noexcept;

}  // namespace sallyport
