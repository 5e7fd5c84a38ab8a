// config_json.h — a configuration as JSON, with defaults in it and secrets masked: what GET /api/v1/config
// answers.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "mgmt/config/yaml_node.h"

namespace sallyport::mgmt {

// In place of a secret, and of the name of a file that holds one.
inline constexpr const char* kMasked = "***";

// `root`: a tree that was loaded without error. Keys that it leaves out are there with their defaults, but
// for those of profiles and what a peer overrides of them: they depend on each other.
[[nodiscard]] nlohmann::ordered_json config_json(const YamlNode& root);

}  // namespace sallyport::mgmt
