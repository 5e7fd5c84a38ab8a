// align_peers.h — a reloaded configuration keeps the number of each peer that it still has, because calls,
// counters and limits know peers by number.
#pragma once

#include <string>
#include <vector>

#include "policy/base/result.h"
#include "policy/model/sbc_config.h"

namespace sallyport::mgmt {

// Puts the peers of `next` into the places that `running` has for their names. A peer that `next` has no more
// stays in its place as it was, retired: no call of its own and no route leads to it, but calls through it go
// on, for which its sources are still known, until the next reload that finds it without one (`is_idle` says
// so by its number); a new peer takes the place of such a one, or the next free one. What a peer that stays
// has lost of its targets and sources becomes its `former_sources`, for as long. The error: more peers than
// there are places (running.peer_places).
[[nodiscard]] Result<void, std::string> align_peers(const SbcConfig& running,
                                                    const std::vector<bool>& is_idle, SbcConfig& next);

}  // namespace sallyport::mgmt
