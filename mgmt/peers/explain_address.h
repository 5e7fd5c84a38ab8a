// explain_address.h — what Sallyport takes an address for, and why: the chain of reasons that `explain
// ADDRESS` shows.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <vector>

#include "dataplane/data_plane_snapshot.h"
#include "mgmt/detections/detection_log.h"
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
  ClockPair clocks = {};                       // for their times, and those of what follows
  // What the detectors found of it, as of DetectionLog; nothing: none looks.
  std::optional<DetectionLog::Page> detections = {};
  // Packets of it that the data plane dropped of late, by lcore and port.
  std::vector<dataplane::DroppedSource> drops = {};
};

// {"address","realms":[{"realm","class","peer","blocked"}],"blocks":[as in blocks_json.h],
//   "detections":[as in detections_json.h],
//   "drops":[{"port","reason","packets","since","last"}],"reasons":[{"text"}]}
// Blocks come first, what detectors found, and what the data plane drops of it, in the order in which it was;
// then each realm that has an address of its family says whom it takes the source for; then what is known of
// the peers' targets at that address, and who registered from there.
[[nodiscard]] nlohmann::ordered_json explain_address(const IpAddress& address, const SbcConfig& config,
                                                     const AddressFacts& facts);

}  // namespace sallyport::mgmt
