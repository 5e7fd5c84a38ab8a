// drawn.h — what all that is drawn of the daemon's answers has in common. Client and daemon need not be of
// one version: what is missing shows as "-".
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "policy/base/result.h"

namespace sallyport::mgmt {

using Drawn = Result<std::string, std::string>;  // the error says why it can't be drawn

// One value for people: a text, a number with separators, or "-". Not escaped.
[[nodiscard]] std::string shown(const nlohmann::ordered_json& value);

using Draw = std::string (*)(const nlohmann::ordered_json& root, bool colour);
// An answer that is no object, or at whose form `how` throws, can't be drawn.
[[nodiscard]] Drawn draw(std::string_view json, bool colour, Draw how);

}  // namespace sallyport::mgmt
