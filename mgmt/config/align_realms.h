// align_realms.h — a reloaded configuration keeps the number of each realm that it still has, and for calls
// that are up what a realm has lost, because calls, counters and streams know realms by number.
#pragma once

#include <string>
#include <vector>

#include "policy/base/result.h"
#include "policy/model/sbc_config.h"
#include "sipalg/engine/engine_output.h"

namespace sallyport::mgmt {

// Puts the realms of `next` into the places that `running` has for their names; new ones go behind them. A
// listener that `next` has no more stays as a former one, and a realm as a retired one whose listeners are
// all former: what is up goes on by them, nothing new does. A former listener goes with the next reload that
// does not find it `in_use` (engines' listeners_in_use()); the place of a realm is kept for its name. The
// error: a realm on another port than it was before it was taken out, or more realms than there are places
// (running.realm_places).
[[nodiscard]] Result<void, std::string> align_realms(const SbcConfig& running,
                                                     const std::vector<sip::Path>& in_use, SbcConfig& next);

}  // namespace sallyport::mgmt
