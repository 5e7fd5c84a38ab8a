// schema_table.h — the rows of the table of keys in three parts, each in the order of the sample file.
#pragma once

#include <span>

#include "mgmt/config/schema.h"

namespace sallyport::mgmt {

[[nodiscard]] std::span<const Option> network_options();    // version to realms
[[nodiscard]] std::span<const Option> neighbour_options();  // profiles to emergency
[[nodiscard]] std::span<const Option> operation_options();  // security to management

}  // namespace sallyport::mgmt
