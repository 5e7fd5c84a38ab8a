// session_id.h — the value of Session-ID: RFC 7989 §5; the single value of its forerunner, RFC 7329.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include "policy/base/keyed_hash.h"

namespace sallyport::sip {

inline constexpr std::size_t kUuidDigits = 32;
using UuidText = std::array<char, kUuidDigits>;

struct SessionIdValue {
  Hash128 local, remote;
  bool has_remote = false;  // false: RFC 7329
};
// Nothing unless both are UUIDs of 32 digits; other parameters do not count.
[[nodiscard]] std::optional<SessionIdValue> parse_session_id(std::string_view value) noexcept;
void write_uuid(const Hash128& uuid, UuidText& text) noexcept;

}  // namespace sallyport::sip
