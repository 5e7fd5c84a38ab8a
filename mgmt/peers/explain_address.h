// explain_address.h — what Sallyport takes an address for, and why: the chain of reasons that `explain
// ADDRESS` shows.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "mgmt/peers/peer_views.h"
#include "policy/base/ip_address.h"

namespace sallyport::mgmt {

// {"address","realms":[{"realm","class","peer"}],"reasons":[{"text"}]}
// Each realm that has an address of its family says whom it takes the source for; then what is known of the
// peers' targets at that address.
[[nodiscard]] nlohmann::ordered_json explain_address(const IpAddress& address, const SbcConfig& config,
                                                     const std::vector<PeerView>& peers);

}  // namespace sallyport::mgmt
