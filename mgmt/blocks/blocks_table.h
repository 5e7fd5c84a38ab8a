// blocks_table.h — blocked prefixes, and what became of `block` and `unblock`, for people. It takes the
// daemon's JSON: what is missing shows as "-".
#pragma once

#include <string_view>

#include "mgmt/cli/drawn.h"

namespace sallyport::mgmt {

[[nodiscard]] Drawn blocks_table(std::string_view json, bool colour);
[[nodiscard]] Drawn block_line(std::string_view json, bool colour);
[[nodiscard]] Drawn unblock_line(std::string_view json, bool colour);

}  // namespace sallyport::mgmt
