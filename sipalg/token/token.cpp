// token.cpp — content, mask and proof of a token, in base 32 (RFC 4648 §6, small letters).
#include "sipalg/token/token.h"

#include <tmmintrin.h>

#include <bit>
#include <cstring>

#include "policy/base/siphash.h"

namespace sallyport::sip {
namespace {

// 11 octets of content, then the proof: shard, part and number with the highest octet first, low and high
// half of the proof with the lowest first.
constexpr std::size_t kContentBytes = 11;
constexpr std::size_t kProofBytes = 16;
constexpr std::size_t kBytes = kContentBytes + kProofBytes;
static_assert(std::endian::native == std::endian::little, "words are read as they lie in memory");

constexpr std::string_view kDigits = "abcdefghijklmnopqrstuvwxyz234567";
// Two digits for each value of ten bits.
constexpr auto kDigitPairs = [] {
  std::array<std::array<char, 2>, 1024> pairs{};
  for (std::size_t i = 0; i < pairs.size(); ++i) pairs[i] = {kDigits[i >> 5], kDigits[i & 31]};
  return pairs;
}();

// Five octets are eight digits. The last group has two octets, four digits and four bits that are 0.
constexpr std::size_t kGroupBytes = 5, kGroupDigits = 8;
constexpr std::size_t kGroups = kBytes / kGroupBytes;
constexpr std::size_t kLastDigits = kTokenChars - kGroups * kGroupDigits;
static_assert(kBytes - kGroups * kGroupBytes == 2 && kLastDigits == 4);
using Bytes = std::array<char, kGroups * kGroupBytes + sizeof(std::uint64_t)>;  // with room to read words

// The 11 octets as they lie in memory: the first eight, and three.
struct Content {
  std::uint64_t first;
  std::uint32_t last;
};
constexpr std::uint32_t kLastMask = 0xffffff;

Content content_of(const Token& token) noexcept {
  const std::uint64_t number = __builtin_bswap64(token.number);
  const std::uint64_t part = __builtin_bswap16(token.part);
  return {token.shard | part << 8 | number << 24, static_cast<std::uint32_t>(number >> 40)};
}
Token token_of(const Content& content) noexcept {
  const std::uint64_t number = content.first >> 24 | static_cast<std::uint64_t>(content.last) << 40;
  return {static_cast<std::uint8_t>(content.first),
          __builtin_bswap16(static_cast<std::uint16_t>(content.first >> 8)), __builtin_bswap64(number)};
}

// SipHash-2-4 with 128 bits, as keyed_hash128() does it, over words that are known already.
template <class... Words>
Hash128 hash_words(const HashKey& key, Words... words) noexcept {
  SipHash<2, 4> state(key);
  state.v1 ^= 0xee;
  (state.absorb(words), ...);
  state.v2 ^= 0xee;
  Hash128 hash;
  hash.low = state.finish();
  state.v1 ^= 0xdd;
  hash.high = state.finish();
  return hash;
}
constexpr std::uint64_t size_word(std::uint64_t size) noexcept { return size << 56; }

// Over the kind and the content. The kind is part of what is proved, so a tag can never pass for a branch.
Hash128 proof_of(const HashKey& key, TokenKind kind, const Content& content) noexcept {
  return hash_words(key, static_cast<std::uint64_t>(kind) | content.first << 8,
                    content.first >> 56 | std::uint64_t{content.last} << 8 | size_word(kContentBytes + 1));
}

// Over what is no kind and the proof. The content is hidden by a PRF of the proof, as in a synthetic
// initialisation vector.
void mask(const HashKey& key, const Hash128& proof, Content& content) noexcept {
  constexpr std::uint64_t kNoKind = 0xff;
  const Hash128 stream = hash_words(key, kNoKind | proof.low << 8, proof.low >> 56 | proof.high << 8,
                                    proof.high >> 56 | size_word(kProofBytes + 1));
  content.first ^= stream.low;
  content.last ^= static_cast<std::uint32_t>(stream.high) & kLastMask;
}

// The group's octets, the first one highest.
std::uint64_t group_at(const Bytes& bytes, std::size_t group) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes.data() + group * kGroupBytes, sizeof word);
  return __builtin_bswap64(word) >> 24;
}
void put_group(Bytes& bytes, std::size_t group, std::uint64_t value) noexcept {
  const std::uint64_t word = __builtin_bswap64(value << 24);  // what lies behind is written later
  std::memcpy(bytes.data() + group * kGroupBytes, &word, sizeof word);
}

// Sixteen digits: two groups, the first one low. False: one is none.
struct TwoGroups {
  std::uint64_t first, second;
};
bool read_digits(const char* text, TwoGroups& groups) noexcept {
  const __m128i octets = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text));
  const auto between = [octets](char first, char last) {
    return _mm_and_si128(_mm_cmpgt_epi8(octets, _mm_set1_epi8(static_cast<char>(first - 1))),
                         _mm_cmplt_epi8(octets, _mm_set1_epi8(static_cast<char>(last + 1))));
  };
  const __m128i letters = between('a', 'z'), numbers = between('2', '7');
  if (_mm_movemask_epi8(_mm_or_si128(letters, numbers)) != 0xffff) return false;
  constexpr char kFirstNumber = 26;  // its value
  const __m128i values =
      _mm_or_si128(_mm_and_si128(letters, _mm_sub_epi8(octets, _mm_set1_epi8('a'))),
                   _mm_and_si128(numbers, _mm_sub_epi8(octets, _mm_set1_epi8('2' - kFirstNumber))));
  // Neighbours come together: ten bits, then twenty.
  const __m128i tens = _mm_maddubs_epi16(values, _mm_set1_epi16(1 << 8 | 32));
  const __m128i twenties = _mm_madd_epi16(tens, _mm_set1_epi32(1 << 16 | 1024));
  const auto whole = [](std::uint64_t halves) { return (halves & 0xffffffff) << 20 | halves >> 32; };
  groups.first = whole(static_cast<std::uint64_t>(_mm_cvtsi128_si64(twenties)));
  groups.second =
      whole(static_cast<std::uint64_t>(_mm_cvtsi128_si64(_mm_unpackhi_epi64(twenties, twenties))));
  return true;
}

}  // namespace

TokenText write_token(const HashKey& key, TokenKind kind, const Token& token) noexcept {
  Content content = content_of(token);
  const Hash128 proof = proof_of(key, kind, content);
  mask(key, proof, content);
  Bytes bytes{};
  std::memcpy(bytes.data(), &content.first, sizeof content.first);
  std::memcpy(bytes.data() + sizeof content.first, &content.last, sizeof content.last);
  std::memcpy(bytes.data() + kContentBytes, &proof.low, sizeof proof.low);
  std::memcpy(bytes.data() + kContentBytes + sizeof proof.low, &proof.high, sizeof proof.high);
  TokenText text;
  char* out = text.data();
  for (std::size_t group = 0; group < kGroups; ++group) {
    const std::uint64_t value = group_at(bytes, group);
    for (unsigned shift = 40; shift != 0; out += 2)
      std::memcpy(out, kDigitPairs[value >> (shift -= 10) & 1023].data(), 2);
  }
  const std::uint64_t last = group_at(bytes, kGroups) >> 20;
  for (unsigned shift = 20; shift != 0; out += 2)
    std::memcpy(out, kDigitPairs[last >> (shift -= 10) & 1023].data(), 2);
  return text;
}

std::optional<Token> read_token(const HashKey& key, TokenKind kind, std::string_view text) noexcept {
  if (text.size() != kTokenChars) return std::nullopt;
  Bytes bytes;
  TwoGroups groups;
  static_assert(kGroups == 5);
  for (std::size_t group = 0; group < 4; group += 2) {
    if (!read_digits(text.data() + group * kGroupDigits, groups)) return std::nullopt;
    put_group(bytes, group, groups.first);
    put_group(bytes, group + 1, groups.second);
  }
  // The last sixteen digits: four that were read before, the fifth group, and the four behind it.
  if (!read_digits(text.data() + kTokenChars - 16, groups)) return std::nullopt;
  constexpr std::uint64_t kHalf = (1 << 20) - 1;
  const std::uint64_t last = groups.second & kHalf;
  if ((last & 15) != 0) return std::nullopt;  // one spelling only
  put_group(bytes, 4, (groups.first & kHalf) << 20 | groups.second >> 20);
  put_group(bytes, kGroups, last << 20);
  Content content{};
  Hash128 proof;
  std::memcpy(&content.first, bytes.data(), sizeof content.first);
  std::memcpy(&content.last, bytes.data() + sizeof content.first, sizeof content.last);
  content.last &= kLastMask;
  std::memcpy(&proof.low, bytes.data() + kContentBytes, sizeof proof.low);
  std::memcpy(&proof.high, bytes.data() + kContentBytes + sizeof proof.low, sizeof proof.high);
  mask(key, proof, content);
  if (proof_of(key, kind, content) != proof) return std::nullopt;
  return token_of(content);
}

}  // namespace sallyport::sip
