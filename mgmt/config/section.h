// section.h — reads values out of a checked tree, with the defaults of the table of keys where none is
// written.
//
// A Section is one map of the file, or several laid over each other: a peer's own keys over its profile's.
// What the checker reported reads as its default, so that later checks still see a whole configuration.
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "mgmt/config/option_value.h"
#include "mgmt/config/schema.h"
#include "mgmt/config/yaml_node.h"

namespace sallyport::mgmt {

// What all sections of one configuration share; outlives them.
struct TreeContext {
  std::map<std::string, YamlNode, std::less<>> defaults;  // path in the table -> value
  const std::set<const YamlNode*>* bad = nullptr;
  std::vector<std::string> files;  // as shown; the folder of each is where its paths begin
  std::vector<YamlNode> shipped_profiles;
};
[[nodiscard]] TreeContext make_tree_context(const std::set<const YamlNode*>& bad,
                                            std::vector<std::string> files);

class Section {
 public:
  Section(const TreeContext& context, std::vector<const YamlNode*> layers, std::string path,
          std::string shown)
      : context_(&context), layers_(std::move(layers)), path_(std::move(path)), shown_(std::move(shown)) {}

  // The value written, else the default, else nullptr.
  [[nodiscard]] const YamlNode* value(std::string_view key) const;
  [[nodiscard]] const YamlNode* written(std::string_view key) const;
  // Whether the key stands in the file, be its value good or bad.
  [[nodiscard]] bool has_key(std::string_view key) const;
  [[nodiscard]] std::string text(std::string_view key) const;  // "" when there is none
  [[nodiscard]] std::string text_unless(std::string_view key,
                                        std::string_view word) const;        // "" for the word
  [[nodiscard]] std::vector<std::string> texts(std::string_view key) const;  // a whole-list word: empty
  [[nodiscard]] bool is(std::string_view key, std::string_view word) const { return text(key) == word; }
  [[nodiscard]] std::string file(std::string_view key) const;  // path resolved
  [[nodiscard]] std::string resolved(const YamlNode& node) const;

  [[nodiscard]] Section child(std::string_view key) const;
  [[nodiscard]] std::vector<Section> items(std::string_view key) const;  // members that are maps
  // This map with another's keys below it, read as the map of that path in the table.
  [[nodiscard]] Section over(const Section* below, std::string path) const;

  // Where a problem with that key is, and the key for people. "" is the section itself.
  [[nodiscard]] YamlPlace place(std::string_view key = {}) const;
  [[nodiscard]] std::string shown(std::string_view key = {}) const;

  // Where `word` stands among the words that the table allows for the key.
  [[nodiscard]] std::size_t position_of_word(std::string_view key, std::string_view word) const;

 private:
  friend std::vector<Section> shipped_profile_sections(const Section& root);
  const TreeContext* context_;
  std::vector<const YamlNode*> layers_;  // the first that has a key wins
  std::string path_, shown_;
};

// The profiles that come with the program, whatever the file has.
[[nodiscard]] std::vector<Section> shipped_profile_sections(const Section& root);

// Typed readers. What the checker refused reads as the type's zero; nobody uses it then.
template <class T>
[[nodiscard]] T read(const Section& section, std::string_view key, Value<T> (*parse)(std::string_view)) {
  const Value<T> parsed = parse(section.text(key));
  return parsed ? *parsed : T{};
}
// Nothing when the key has that word instead of a value.
template <class T>
[[nodiscard]] std::optional<T> read_unless(const Section& section, std::string_view key,
                                           std::string_view word, Value<T> (*parse)(std::string_view)) {
  if (section.text(key).empty() || section.is(key, word)) return std::nullopt;
  return read(section, key, parse);
}
template <class T>
[[nodiscard]] std::vector<T> read_list(const Section& section, std::string_view key,
                                       Value<T> (*parse)(std::string_view)) {
  std::vector<T> out;
  for (const std::string& member : section.texts(key))
    if (const Value<T> parsed = parse(member)) out.push_back(*parsed);
  return out;
}
template <class T>
[[nodiscard]] T read_number(const Section& section, std::string_view key) {
  return static_cast<T>(read(section, key, parse_integer));
}
[[nodiscard]] inline Duration read_duration(const Section& section, std::string_view key) {
  return read(section, key, parse_duration);
}
// Words of the table stand in the order of the enumerators.
template <class Enum>
[[nodiscard]] Enum read_word(const Section& section, std::string_view key) {
  return static_cast<Enum>(section.position_of_word(key, section.text(key)));
}
template <class Enum>
[[nodiscard]] std::vector<Enum> read_words(const Section& section, std::string_view key) {
  std::vector<Enum> out;
  for (const std::string& member : section.texts(key))
    out.push_back(static_cast<Enum>(section.position_of_word(key, member)));
  return out;
}

}  // namespace sallyport::mgmt
