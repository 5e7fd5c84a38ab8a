// config_changes.h — what differs between the configuration that runs and the one that a reload read, key by
// key, and which keys may change while it runs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "mgmt/config/yaml_node.h"

namespace sallyport::mgmt {

struct ConfigChange {
  enum class Kind : std::uint8_t { Added, Removed, Changed };

  Kind kind = Kind::Changed;
  std::string key;   // for people: peers[carrier].targets[0].address
  std::string path;  // in the table of keys: peers[].targets[].address
  YamlPlace place;   // in the new files; of what was removed, its map or list there
};

// In the order of the new file; what was removed stands behind what stayed of its map or list. Members of a
// list are told apart by name where all of them have one, so that their order alone is one change of the
// list. Values are compared as they are written, never shown: they may be secret.
[[nodiscard]] std::vector<ConfigChange> config_changes(const YamlNode& before, const YamlNode& after);

// "+ peers[carrier-2]", "- routes[night]", "~ realms[outside].limits.calls"
[[nodiscard]] std::string to_string(const ConfigChange& change);

// Whether a reload may carry the change out; the others need a restart, because devices, memory, threads or
// sockets hang on them. `path` as in the table of keys.
[[nodiscard]] bool is_live(std::string_view path) noexcept;

}  // namespace sallyport::mgmt
