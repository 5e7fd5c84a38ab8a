// yaml_node.h — a YAML file as a tree of plain values that remember where each was written.
//
// Aliases and merge keys have been replaced by what they name; of two entries with the same key the second is
// marked.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::mgmt {

// A place in one of the files that make up a configuration.
struct YamlPlace {
  std::size_t file = 0;  // index into the list of files read
  int line = 0;
  int column = 0;
};

struct YamlEntry;

struct YamlNode {
  enum class Kind : std::uint8_t { Scalar, List, Map };

  Kind kind = Kind::Scalar;
  YamlPlace place;
  std::string text;                // Scalar
  bool quoted = false;             // Scalar: in quotes or a block, so no tool changes it
  std::vector<YamlNode> items;     // List
  std::vector<YamlEntry> entries;  // Map, in the order of the file

  [[nodiscard]] bool is_scalar() const noexcept { return kind == Kind::Scalar; }
  [[nodiscard]] bool is_list() const noexcept { return kind == Kind::List; }
  [[nodiscard]] bool is_map() const noexcept { return kind == Kind::Map; }
  // The entry of that key; nullptr when there is none or this is not a map.
  [[nodiscard]] const YamlEntry* find(std::string_view key) const noexcept;
  [[nodiscard]] YamlEntry* find(std::string_view key) noexcept;
};

struct YamlEntry {
  std::string key;
  YamlPlace key_place;
  YamlNode value;
  int first_line = 0;  // not 0: a second entry of the same key, whose first is in that line
};

inline const YamlEntry* YamlNode::find(std::string_view key) const noexcept {
  for (const YamlEntry& entry : entries)
    if (entry.key == key) return &entry;
  return nullptr;
}

inline YamlEntry* YamlNode::find(std::string_view key) noexcept {
  for (YamlEntry& entry : entries)
    if (entry.key == key) return &entry;
  return nullptr;
}

}  // namespace sallyport::mgmt
