// registered_contact.h — under which Contact we are registered at a peer, and whom a request for that Contact
// calls: RFC 3261 §10.2.1, RFC 6140 §5.2, RFC 7315 §4.2.
//
// The user part is a token: only we and the registrar know it, and it is the same after a restart, so that
// the old binding leads to us. Every engine knows all of them without being told.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "policy/base/keyed_hash.h"
#include "policy/model/sbc_config.h"
#include "sipalg/message/sip_message.h"
#include "sipalg/token/token.h"

namespace sallyport::sip {

// Parts of tokens that name a registration in place of a call's leg.
inline constexpr std::uint16_t kRegistrationPart = 0x7fff;

// The number in the tokens of the registration at that peer; the same in every life of the node.
[[nodiscard]] std::uint64_t registration_number(const HashKey& token_key, const PeerConfig& peer) noexcept;
[[nodiscard]] TokenText registered_user(const HashKey& token_key, const PeerConfig& peer) noexcept;
// User part of an AOR; empty: it has none.
[[nodiscard]] std::string_view user_of_aor(std::string_view aor) noexcept;

class RegisteredContacts {
 public:
  RegisteredContacts(const SbcConfig& config, const HashKey& token_key);
  // User part of who is called. Where the Request-URI has a Contact of ours the registrar put it there, and
  // the number that was dialled stands in P-Called-Party-ID or in To; else it is the one registered. The view
  // points into the request or into this.
  [[nodiscard]] std::string_view called_user(const SipMessage& request) const noexcept;

 private:
  struct Entry {
    std::uint64_t number;
    std::string aor_user;
  };
  HashKey key_;
  std::vector<Entry> entries_;
};

}  // namespace sallyport::sip
