// yaml_document.h — reads one YAML 1.2 file into a YamlNode tree; the only user of libfyaml.
//
// The file may be hostile: bytes, nesting and nodes are capped, and aliases are copied within the same cap,
// so an alias bomb is an error and not a full memory.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mgmt/config/yaml_node.h"

namespace sallyport::mgmt {

inline constexpr std::size_t kYamlBytesMax = std::size_t{8} << 20;
inline constexpr std::size_t kYamlNodesMax = 200'000;
inline constexpr int kYamlDepthMax = 32;

struct YamlProblem {
  YamlPlace place;
  std::string key;  // where a key is to blame
  std::string what, instead;
};

struct YamlDocument {
  std::optional<YamlNode> root;  // nothing when the text could not be read to its end
  std::vector<YamlProblem> problems;
};

// `file` is the number that every place of the result bears.
[[nodiscard]] YamlDocument parse_yaml(std::string_view text, std::size_t file);
[[nodiscard]] YamlDocument read_yaml_file(const std::filesystem::path& path, std::size_t file);

// A file that is one long list below one key.
struct YamlListFile {
  std::string_view key;
  std::size_t bytes_max = kYamlBytesMax;
};
inline constexpr std::size_t kYamlMemberNodesMax = 100;
// Hands over the members one by one, so that no tree of the whole is made; anchors and aliases are refused,
// and so is a member of more than kYamlMemberNodesMax values. `take` says false when it wants no more.
[[nodiscard]] std::vector<YamlProblem> read_yaml_list(const std::filesystem::path& path, std::size_t file,
                                                      const YamlListFile& form,
                                                      const std::function<bool(YamlNode&&)>& take);

}  // namespace sallyport::mgmt
