// rule_head.h — the head of a rule: action, protocol, addresses and ports, direction.
//
// Only what arrives at Sallyport is looked at, so a destination is always an address of its own: $HOME_NET is
// any destination and no source, $EXTERNAL_NET any source and no destination, $SIP_PORTS as a destination
// any port (a listener's) and as a source 5060 and 5061.
#pragma once

#include <string_view>

#include "policy/signatures/rule_text.h"
#include "policy/signatures/signature.h"

namespace sallyport::policy {

inline constexpr std::size_t kAddressesMax = 256;  // of one list; of ports too

// Fills action, protocol and ways.
[[nodiscard]] Result<Signature, RuleFault> parse_rule_head(std::string_view head);

}  // namespace sallyport::policy
