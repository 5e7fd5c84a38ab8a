// keyed_hash.cpp — SipHash-2-4 with 64 and 128 bits of output.
#include "policy/base/keyed_hash.h"

#include <bit>
#include <cstring>

namespace sallyport {
namespace {

struct SipState {
  std::uint64_t v0, v1, v2, v3;

  explicit SipState(const HashKey& key) noexcept
      : v0(key.k0 ^ 0x736f6d6570736575u),
        v1(key.k1 ^ 0x646f72616e646f6du),
        v2(key.k0 ^ 0x6c7967656e657261u),
        v3(key.k1 ^ 0x7465646279746573u) {}

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
    round();
    v0 ^= word;
  }

  void absorb_all(const std::byte* bytes, std::size_t size) noexcept {
    std::uint64_t word = 0;
    std::size_t done = 0;
    for (; done + 8 <= size; done += 8) {
      std::memcpy(&word, bytes + done, 8);
      absorb(word);
    }
    word = 0;
    if (size > done) std::memcpy(&word, bytes + done, size - done);
    absorb(word | (static_cast<std::uint64_t>(size) << 56));
  }

  std::uint64_t finish() noexcept {
    for (int i = 0; i < 4; ++i) round();
    return v0 ^ v1 ^ v2 ^ v3;
  }
};

static_assert(std::endian::native == std::endian::little, "words are read as they lie in memory");

}  // namespace

std::uint64_t keyed_hash(const HashKey& key, std::span<const std::byte> input) noexcept {
  SipState state(key);
  state.absorb_all(input.data(), input.size());
  state.v2 ^= 0xff;
  return state.finish();
}

std::uint64_t keyed_hash(const HashKey& key, std::string_view input) noexcept {
  return keyed_hash(key, std::as_bytes(std::span(input.data(), input.size())));
}

Hash128 keyed_hash128(const HashKey& key, std::string_view input) noexcept {
  SipState state(key);
  state.v1 ^= 0xee;
  state.absorb_all(reinterpret_cast<const std::byte*>(input.data()), input.size());
  state.v2 ^= 0xee;
  Hash128 hash;
  hash.low = state.finish();
  state.v1 ^= 0xdd;
  hash.high = state.finish();
  return hash;
}

}  // namespace sallyport
