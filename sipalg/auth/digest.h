// digest.h — the client's side of Digest authentication: RFC 7616 §3, RFC 8760, RFC 3261 §22; RFC 2617 and
// RFC 2069 for those who still speak them.
//
// A challenge is a stranger's text: what can't be read, names a scheme or an algorithm that is not built, or
// says a parameter twice is as if it were not there (threats P12). Pure: what is random comes in.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "policy/base/fixed_vector.h"
#include "sipalg/message/header_name.h"
#include "sipalg/message/sip_message.h"

namespace sallyport::sip {

// The stronger the later. RFC 8760 §2.1
enum class DigestAlgorithm : std::uint8_t { Md5, Sha256, Sha512_256 };
// None: as RFC 2069 had it, for challenges without qop.
enum class DigestQop : std::uint8_t { None, Auth, AuthInt };

inline constexpr std::size_t kChallengesMax = 8;         // of one response; further ones are not looked at
inline constexpr std::size_t kChallengeBytesMax = 1024;  // of realm, nonce and opaque, each

// Views point into the message. Quoted strings are without their quotes, escapes untouched: that is what is
// hashed and sent back. RFC 7616 §3.4.1
struct DigestChallenge {
  std::string_view realm, nonce, opaque;
  DigestAlgorithm algorithm = DigestAlgorithm::Md5;
  DigestQop qop = DigestQop::None;
  bool is_session = false;  // -sess
  bool names_algorithm = false, has_opaque = false;
  bool is_stale = false;
};
using DigestChallenges = FixedVector<DigestChallenge, kChallengesMax>;

// All that one header field value holds and that could be answered.
void parse_challenges(std::string_view value, DigestChallenges& out) noexcept;
// Those of WWW-Authenticate in a 401, of Proxy-Authenticate in a 407. RFC 3261 §22.2, §22.3
[[nodiscard]] DigestChallenges challenges_of(const SipMessage& response) noexcept;
// Value of nextnonce in Authentication-Info; empty: none. RFC 7616 §3.5
[[nodiscard]] std::string_view next_nonce_of(const SipMessage& response) noexcept;

struct DigestUser {
  std::string_view name, password;
};
struct DigestSubject {
  std::string_view method, uri;
  std::string_view body{};  // for auth-int
};
struct DigestTurn {
  std::string_view cnonce;
  std::uint32_t count = 1;  // nc
};

// `response` of the credentials, in small hexadecimal digits; empty when the library has no such hash.
[[nodiscard]] std::string digest_response(const DigestChallenge& challenge, const DigestUser& user,
                                          const DigestSubject& subject, const DigestTurn& turn);
// Value of Authorization or Proxy-Authorization; empty when it can't be made.
[[nodiscard]] std::string digest_credentials(const DigestChallenge& challenge, const DigestUser& user,
                                             const DigestSubject& subject, const DigestTurn& turn);

}  // namespace sallyport::sip
