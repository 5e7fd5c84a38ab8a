// aor.h — addresses of record, the names under which endpoints register: RFC 3261 §10.3 step 5, §19.1.4.
//
// An AOR is kept as "user@domain": the user as policy::unescaped_user writes it, the domain in small letters,
// no port, no parameters. Everything about one AOR happens in one shard, that of its keyed hash, whatever
// Call-ID a REGISTER comes with.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "policy/base/keyed_hash.h"
#include "sipalg/message/uri.h"

namespace sallyport::sip {

inline constexpr std::size_t kAorBytesMax = 384;

// Empty: the URI names no user at a host by SIP or SIPS, or is too long.
[[nodiscard]] std::string aor_of(const Uri& uri);
// Its parts; views into `aor`.
[[nodiscard]] std::string_view user_of(std::string_view aor) noexcept;
[[nodiscard]] std::string_view domain_of(std::string_view aor) noexcept;
// "sip:user@domain", fit for a message.
[[nodiscard]] std::string uri_of_aor(std::string_view aor);
// `key`: the node's token key.
[[nodiscard]] std::uint8_t shard_of_aor(const HashKey& key, std::string_view aor) noexcept;

}  // namespace sallyport::sip
