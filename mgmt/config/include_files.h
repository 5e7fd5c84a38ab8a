// include_files.h — reads a configuration file and those that its `include` names, joined into one tree.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "mgmt/config/yaml_document.h"
#include "mgmt/config/yaml_node.h"

namespace sallyport::mgmt {

struct JoinedFiles {
  std::vector<std::string> files;  // in the order in which they were read; places count them
  std::optional<YamlNode> root;    // nothing when the main file can't be read to its end
  std::vector<YamlProblem> problems;
};

[[nodiscard]] JoinedFiles read_with_includes(const std::filesystem::path& file);

}  // namespace sallyport::mgmt
