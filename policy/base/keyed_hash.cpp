// keyed_hash.cpp — SipHash-2-4 with 64 and 128 bits of output.
#include "policy/base/keyed_hash.h"

#include <bit>
#include <cstring>

#include "policy/base/siphash.h"

namespace sallyport {
namespace {

using SipHash24 = SipHash<2, 4>;

void absorb_all(SipHash24& state, const std::byte* bytes, std::size_t size) noexcept {
  std::uint64_t word = 0;
  std::size_t done = 0;
  for (; done + 8 <= size; done += 8) {
    std::memcpy(&word, bytes + done, 8);
    state.absorb(word);
  }
  word = 0;
  if (size > done) std::memcpy(&word, bytes + done, size - done);
  state.absorb(word | (static_cast<std::uint64_t>(size) << 56));
}

static_assert(std::endian::native == std::endian::little, "words are read as they lie in memory");

}  // namespace

std::uint64_t keyed_hash(const HashKey& key, std::span<const std::byte> input) noexcept {
  SipHash24 state(key);
  absorb_all(state, input.data(), input.size());
  state.v2 ^= 0xff;
  return state.finish();
}

std::uint64_t keyed_hash(const HashKey& key, std::string_view input) noexcept {
  return keyed_hash(key, std::as_bytes(std::span(input.data(), input.size())));
}

Hash128 keyed_hash128(const HashKey& key, std::string_view input) noexcept {
  SipHash24 state(key);
  state.v1 ^= 0xee;
  absorb_all(state, reinterpret_cast<const std::byte*>(input.data()), input.size());
  state.v2 ^= 0xee;
  Hash128 hash;
  hash.low = state.finish();
  state.v1 ^= 0xdd;
  hash.high = state.finish();
  return hash;
}

}  // namespace sallyport
