// show_tables.h — the answers of `show ports` and `show stats` as tables. They take the daemon's JSON, so
// client and daemon need not be of one version: what is missing shows as "-".
#pragma once

#include <string_view>

#include "mgmt/cli/drawn.h"

namespace sallyport::mgmt {

[[nodiscard]] Drawn ports_tables(std::string_view json, bool colour);
[[nodiscard]] Drawn stats_tables(std::string_view json, bool colour);

}  // namespace sallyport::mgmt
