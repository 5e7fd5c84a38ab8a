// calls_tables.h — answers about calls, for people. They take the daemon's JSON, so client and daemon need
// not be of one version: what is missing shows as "-".
#pragma once

#include <string_view>

#include "mgmt/cli/drawn.h"

namespace sallyport::mgmt {

[[nodiscard]] Drawn calls_table(std::string_view json, bool colour);
[[nodiscard]] Drawn call_tables(std::string_view json, bool colour);
// The chain of reasons of one call.
[[nodiscard]] Drawn explanation(std::string_view json, bool colour);
[[nodiscard]] Drawn alarms_table(std::string_view json, bool colour);
[[nodiscard]] Drawn hangup_line(std::string_view json, bool colour);
[[nodiscard]] Drawn drain_line(std::string_view json, bool colour);

}  // namespace sallyport::mgmt
