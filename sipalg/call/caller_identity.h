// caller_identity.h — between header fields and the identity policy: RFC 3323, RFC 3325 §9.
#pragma once

#include <string_view>
#include <vector>

#include "policy/identity/identity_policy.h"
#include "policy/route/rule_set.h"
#include "sipalg/message/sip_message.h"

namespace sallyport::sip {

// What the request says of its caller, as views into it.
[[nodiscard]] policy::IdentityFacts identity_facts(const SipMessage& request,
                                                   const StrictnessPolicy& strictness) noexcept;

// The decision as header fields for the far side. Each identity is taken apart and written anew with
// `own_host` in place of its host; `identity` is what the rules made of the number (empty: as it came).
void add_identity(const policy::IdentityDecision& decision, std::string_view identity,
                  std::string_view own_host, std::vector<policy::HeaderEdit>& edits);

// The first value of a header field as a name-addr; false when there is none that can be read.
[[nodiscard]] bool first_address(const SipMessage& message, HeaderName name, NameAddr& out) noexcept;

}  // namespace sallyport::sip
