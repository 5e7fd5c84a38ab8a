// token.cpp — content, mask and proof of a token, in base 32 (RFC 4648 §6, small letters).
#include "sipalg/token/token.h"

namespace sallyport::sip {
namespace {

constexpr std::size_t kContentBytes = 11;
constexpr std::size_t kProofBytes = 16;
using Content = std::array<std::uint8_t, kContentBytes>;
using Bytes = std::array<std::uint8_t, kContentBytes + kProofBytes>;

constexpr std::string_view kDigits = "abcdefghijklmnopqrstuvwxyz234567";
constexpr std::uint8_t kNoDigit = 0xff;
constexpr auto kDigitValues = [] {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNoDigit);
  for (std::size_t i = 0; i < kDigits.size(); ++i)
    values[static_cast<unsigned char>(kDigits[i])] = static_cast<std::uint8_t>(i);
  return values;
}();

// The kind is part of what is proved, so a tag can never pass for a branch.
Hash128 proof_of(const HashKey& key, TokenKind kind, const Content& content) noexcept {
  std::array<char, kContentBytes + 1> text{};
  text[0] = static_cast<char>(kind);
  for (std::size_t i = 0; i < kContentBytes; ++i) text[i + 1] = static_cast<char>(content[i]);
  return keyed_hash128(key, {text.data(), text.size()});
}

// The content is hidden by a PRF of the proof, as in a synthetic initialisation vector.
void mask(const HashKey& key, const Hash128& proof, Content& content) noexcept {
  std::array<char, kProofBytes + 1> text{};
  text[0] = static_cast<char>(0xff);  // no kind
  for (std::size_t i = 0; i < 8; ++i) {
    text[1 + i] = static_cast<char>(proof.low >> (8 * i));
    text[9 + i] = static_cast<char>(proof.high >> (8 * i));
  }
  const Hash128 stream = keyed_hash128(key, {text.data(), text.size()});
  for (std::size_t i = 0; i < kContentBytes; ++i) {
    const std::uint64_t word = i < 8 ? stream.low : stream.high;
    content[i] ^= static_cast<std::uint8_t>(word >> (8 * (i % 8)));
  }
}

}  // namespace

TokenText write_token(const HashKey& key, TokenKind kind, const Token& token) noexcept {
  Content content{token.shard, static_cast<std::uint8_t>(token.part >> 8),
                  static_cast<std::uint8_t>(token.part)};
  for (std::size_t i = 0; i < 8; ++i)
    content[3 + i] = static_cast<std::uint8_t>(token.number >> (56 - 8 * i));
  const Hash128 proof = proof_of(key, kind, content);
  mask(key, proof, content);
  Bytes bytes{};
  for (std::size_t i = 0; i < kContentBytes; ++i) bytes[i] = content[i];
  for (std::size_t i = 0; i < 8; ++i) {
    bytes[kContentBytes + i] = static_cast<std::uint8_t>(proof.low >> (8 * i));
    bytes[kContentBytes + 8 + i] = static_cast<std::uint8_t>(proof.high >> (8 * i));
  }
  TokenText text{};
  std::size_t at = 0;
  std::uint32_t bits = 0;
  unsigned have = 0;
  for (const std::uint8_t byte : bytes) {
    bits = bits << 8 | byte;
    for (have += 8; have >= 5; have -= 5) text[at++] = kDigits[bits >> (have - 5) & 31];
  }
  text[at] = kDigits[bits << (5 - have) & 31];  // 216 bits are 43 digits and one bit
  return text;
}

std::optional<Token> read_token(const HashKey& key, TokenKind kind, std::string_view text) noexcept {
  if (text.size() != kTokenChars) return std::nullopt;
  Bytes bytes{};
  std::size_t at = 0;
  std::uint32_t bits = 0;
  unsigned have = 0;
  for (const char c : text) {
    const std::uint8_t digit = kDigitValues[static_cast<unsigned char>(c)];
    if (digit == kNoDigit) return std::nullopt;
    bits = bits << 5 | digit;
    have += 5;
    if (have >= 8 && at < bytes.size()) {
      have -= 8;
      bytes[at++] = static_cast<std::uint8_t>(bits >> have);
    }
  }
  if ((bits & 15) != 0) return std::nullopt;  // one spelling only
  Content content{};
  for (std::size_t i = 0; i < kContentBytes; ++i) content[i] = bytes[i];
  Hash128 proof;
  for (std::size_t i = 0; i < 8; ++i) {
    proof.low |= std::uint64_t{bytes[kContentBytes + i]} << (8 * i);
    proof.high |= std::uint64_t{bytes[kContentBytes + 8 + i]} << (8 * i);
  }
  mask(key, proof, content);
  if (proof_of(key, kind, content) != proof) return std::nullopt;
  Token token{content[0], static_cast<std::uint16_t>(content[1] << 8 | content[2]), 0};
  for (std::size_t i = 0; i < 8; ++i) token.number = token.number << 8 | content[3 + i];
  return token;
}

}  // namespace sallyport::sip
