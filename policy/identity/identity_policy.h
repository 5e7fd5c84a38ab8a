// identity_policy.h — who the caller is said to be on the far side: the trust border of RFC 3325 (asserted
// identity) and the privacy that a caller asks for, RFC 3323 §4, §5; Remote-Party-ID by
// draft-ietf-sip-privacy-04.
//
// Decides over views of header field values; sipalg takes them apart and writes them anew, so that no host of
// the near side crosses.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "policy/base/fixed_vector.h"
#include "policy/model/profile.h"
#include "policy/model/realm.h"

namespace sallyport::policy {

// priv-values, RFC 3323 §4.2, RFC 3325 §9.3, RFC 7044 §10.1. Words that are not known count for nothing.
struct PrivacyWish {
  bool header = false, session = false, user = false, none = false, critical = false, id = false,
       history = false;
  [[nodiscard]] bool is_empty() const noexcept {
    return !(header || session || user || none || critical || id || history);
  }
};
// All Privacy fields joined by ';' or ','. Linear, without regard to case.
[[nodiscard]] PrivacyWish parse_privacy(std::string_view value) noexcept;

inline constexpr std::size_t kAssertedMax = 2;  // one sip or sips URI and one tel URI, RFC 3325 §9.1

// What the request said. Each value is one name-addr or addr-spec (of Remote-Party-ID: with parameters).
struct IdentityFacts {
  FixedVector<std::string_view, kAssertedMax> asserted;  // P-Asserted-Identity
  std::string_view preferred;                            // P-Preferred-Identity
  std::string_view remote_party;                         // Remote-Party-ID, the first
  std::string_view privacy;                              // Privacy
};

// What the two sides' profiles say.
struct IdentityTerms {
  IdentityAccept accept = IdentityAccept::None;  // of the near side
  IdentitySend send = IdentitySend::Pai;         // of the far side
  bool honour_privacy = true;                    // of the far side
  bool far_is_trusted = false;                   // RFC 3325 §2.3: within our trust domain
};
// A neighbour whose assertions are believed, or one in a trusted realm, is in our trust domain.
[[nodiscard]] constexpr bool is_in_trust_domain(RealmTrust realm, IdentityAccept accept) noexcept {
  return realm == RealmTrust::Trusted || accept != IdentityAccept::None;
}

struct IdentityDecision {
  // The identity that crosses, as views into the facts; empty: none does. Written as P-Asserted-Identity
  // (one field each) or, the first alone, as Remote-Party-ID with `remote_party_params`.
  FixedVector<std::string_view, kAssertedMax> identity;
  IdentitySend write = IdentitySend::None;
  std::string_view remote_party_params;  // ";party=calling;screen=yes;privacy=off"
  std::string privacy;                   // the Privacy value to write; empty: none
  // From, Contact and display names say kAnonymousFrom.
  bool hide_from = false;
  // The caller asked for privacy that was given here, so Diversion, History-Info, Call-Info, Subject,
  // Organization, Reply-To and In-Reply-To do not cross either. RFC 3323 §5.1, §5.3
  bool hide_headers = false;
};

// RFC 3323 §4.1.1.3; the tag is added behind it.
inline constexpr std::string_view kAnonymousFrom = "\"Anonymous\" <sip:anonymous@anonymous.invalid>";

[[nodiscard]] IdentityDecision decide_identity(const IdentityFacts& facts, const IdentityTerms& terms);

}  // namespace sallyport::policy
