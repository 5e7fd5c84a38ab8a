// explain_address.h — what Sallyport takes an address for, and why: the chain of reasons that `explain
// ADDRESS` shows.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "mgmt/peers/peer_views.h"
#include "mgmt/registrations/registration_pages.h"
#include "policy/base/ip_address.h"
#include "policy/decide/blocklist.h"

namespace sallyport::mgmt {

// What is known at the moment.
struct AddressFacts {
  const std::vector<PeerView>& peers;
  const EndpointsAt& endpoints;                // registered from there
  std::vector<policy::BlockView> blocks = {};  // around it
  ClockPair clocks = {};                       // for their times
};

// {"address","realms":[{"realm","class","peer","blocked"}],"blocks":[as in blocks_json.h],
//   "reasons":[{"text"}]}
// Blocks come first; then each realm that has an address of its family says whom it takes the source for;
// then what is known of the peers' targets at that address, and who registered from there.
[[nodiscard]] nlohmann::ordered_json explain_address(const IpAddress& address, const SbcConfig& config,
                                                     const AddressFacts& facts);

}  // namespace sallyport::mgmt
