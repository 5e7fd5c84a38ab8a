// token.h — the names that Sallyport gives to its own things in SIP: Call-IDs, tags, branches, Contacts.
//
// A token says which shard and which object it belongs to, and proves that we made it: 88 bits of content,
// masked, and 128 bits of a keyed PRF over them (RFC 3261 §8.1.1.7, §19.3; threats D4, section 6). Nobody
// without the key can make one or read the counters in it. Equal content gives the equal token, so nothing
// has to be kept to make it again, and a restart with the same key finds its calls by their tokens.
// Lower-case letters and digits only: no element on the way can break it by folding case.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "policy/base/keyed_hash.h"

namespace sallyport::sip {

enum class TokenKind : std::uint8_t { CallId, Tag, Branch, Contact };

struct Token {
  std::uint8_t shard = 0;    // one of kShardCount, in which its call lives
  std::uint16_t part = 0;    // which leg or fork of the call; 0 for branches
  std::uint64_t number = 0;  // of the call; of the transaction for branches
  friend bool operator==(const Token&, const Token&) = default;
};

inline constexpr std::size_t kTokenChars = 44;
using TokenText = std::array<char, kTokenChars>;
[[nodiscard]] inline std::string_view view(const TokenText& text) noexcept {
  return {text.data(), text.size()};
}

[[nodiscard]] TokenText write_token(const HashKey& key, TokenKind kind, const Token& token) noexcept;
// Nothing when it is not one that we made for that kind under that key.
[[nodiscard]] std::optional<Token> read_token(const HashKey& key, TokenKind kind,
                                              std::string_view text) noexcept;

}  // namespace sallyport::sip
