// show_tables.h — the answers of `show` as tables. They take the daemon's JSON, so client and daemon need not
// be of one version: what is missing shows as "-".
#pragma once

#include <string>
#include <string_view>

#include "policy/base/result.h"

namespace sallyport::mgmt {

// The error says why `json` can't be drawn.
[[nodiscard]] Result<std::string, std::string> ports_tables(std::string_view json, bool colour);
[[nodiscard]] Result<std::string, std::string> stats_tables(std::string_view json, bool colour);

}  // namespace sallyport::mgmt
