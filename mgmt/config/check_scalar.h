// check_scalar.h — whether one written value is of the type and in the range that the table of keys asks for.
#pragma once

#include <optional>
#include <string>

#include "mgmt/config/option_value.h"
#include "mgmt/config/schema.h"
#include "mgmt/config/yaml_node.h"

namespace sallyport::mgmt {

// Nothing when the value is right.
[[nodiscard]] std::optional<ValueError> check_scalar(const Option& option, const YamlNode& value);
// "write ..." for a value that is missing or of the wrong shape.
[[nodiscard]] std::string what_to_write(const Option& option);

// "a time as in 500ms or 1h"
[[nodiscard]] std::string form_of(OptionType type);
// "50ms to 5s", of an option that has a range
[[nodiscard]] std::string range_of(const Option& option);

}  // namespace sallyport::mgmt
