// peers_table.h — peers, and what an address is, for people. They take the daemon's JSON: what is missing
// shows as "-".
#pragma once

#include <string_view>

#include "mgmt/cli/drawn.h"

namespace sallyport::mgmt {

// A row for each target of each peer, and those peers where we register.
[[nodiscard]] Drawn peers_table(std::string_view json, bool colour);
// What the daemon said of an address.
[[nodiscard]] Drawn address_lines(std::string_view json, bool colour);

}  // namespace sallyport::mgmt
