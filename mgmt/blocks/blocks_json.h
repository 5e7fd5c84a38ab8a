// blocks_json.h — blocked prefixes as JSON: what the control socket and REST answer.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "mgmt/blocks/block_desk.h"

namespace sallyport::mgmt {

// {"prefix","origin","reason","touches","since","until","expires_in_s","hits","last_hit"}
// `touches`: all; unconfigured (all but configured peers); untrusted. `until` null: until it is unblocked, or
// the feed leaves it out. `hits`: packets dropped for the prefix, whoever blocks it.
[[nodiscard]] nlohmann::ordered_json block_json(const policy::BlockView& view, const ClockPair& clocks);
// {"blocked":[...],"prefixes":N,"capacity":N,"next":"cursor" or null}
[[nodiscard]] nlohmann::ordered_json blocks_json(const policy::Blocklist::Page& page, const BlockDesk& desk);

// A sentence of `explain`.
[[nodiscard]] std::string block_text(const policy::BlockView& view, const ClockPair& clocks);

}  // namespace sallyport::mgmt
