// peers_json.h — peers as JSON: what the control socket and REST answer.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>

#include "mgmt/peers/peer_views.h"

namespace sallyport::mgmt {

// {"peers":[{"name","realm","profile","transport","balance","up","probed","retired",
//   "calls":{"in":{"active","limit"},"out":{...}},
//   "targets":[{"target","address","transport","state","since","round_trip_ms","last_code","calls","weight"}],
//   "registration":{"aor","state","registrar","expires","next","last_code"} or null}],
//  "next":"cursor" or null}
// What is not known is null. `after`: the cursor, the number of peers before the page.
[[nodiscard]] nlohmann::ordered_json peers_json(std::span<const PeerView> peers, std::size_t after,
                                                std::size_t limit);

}  // namespace sallyport::mgmt
