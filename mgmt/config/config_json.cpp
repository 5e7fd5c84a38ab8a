// config_json.cpp — the tree beside the table of keys.
#include "mgmt/config/config_json.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "mgmt/config/option_value.h"
#include "mgmt/config/schema.h"
#include "mgmt/config/yaml_document.h"

namespace sallyport::mgmt {
namespace {

using Json = nlohmann::ordered_json;

// Of header fields: what such a one is set to opens a door somewhere.
constexpr std::array<std::string_view, 6> kSecretWords{"authorization", "password", "secret",
                                                       "token",         "cookie",   "key"};

[[nodiscard]] std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  return out;
}

// A step of a header rule that writes such a field.
[[nodiscard]] bool writes_secret(const YamlNode& map) {
  const YamlEntry* const field = map.find("field");
  if (field == nullptr || !field->value.is_scalar()) return false;
  const std::string name = lower(field->value.text);
  return std::ranges::any_of(kSecretWords,
                             [&name](std::string_view word) { return name.find(word) != name.npos; });
}

// "sip:user:password@host" without the password. RFC 3986 §3.2.1
[[nodiscard]] std::string without_password(const std::string& uri) {
  const std::size_t at = uri.rfind('@'), scheme = uri.find(':');
  if (at == uri.npos || scheme == uri.npos) return uri;
  const std::size_t colon = uri.find(':', scheme + 1);
  if (colon == uri.npos || colon > at) return uri;
  return uri.substr(0, colon + 1) + kMasked + uri.substr(at);
}

[[nodiscard]] Json scalar_json(const YamlNode& node, const Option* option) {
  if (option == nullptr) return node.text;
  if (option->type == OptionType::SecretFile && !is_one_of(node.text, option->words)) return kMasked;
  if (option->type == OptionType::Uri) return without_password(node.text);
  if (option->type == OptionType::Integer && !node.quoted)
    if (const auto number = parse_integer(node.text)) return *number;
  return node.text;
}

[[nodiscard]] Json map_json(const YamlNode& map, const std::string& path);

[[nodiscard]] Json node_json(const YamlNode& node, const std::string& path) {
  if (node.is_map()) return map_json(node, path);
  if (!node.is_list()) return scalar_json(node, find_option(path));
  Json out = Json::array();
  for (const YamlNode& item : node.items)
    out.push_back(item.is_map() ? map_json(item, path + "[]") : scalar_json(item, find_option(path)));
  return out;
}

// What a key stands at that nobody wrote; nothing: at nothing.
[[nodiscard]] std::optional<Json> default_json(const std::string& path) {
  const Option* const option = find_option(path);
  if (option == nullptr || option->path != path) return std::nullopt;  // a profile says it
  if (!option->fallback.empty()) {
    const YamlDocument document = parse_yaml(option->fallback, 0);
    return document.root ? std::optional(node_json(*document.root, path)) : std::nullopt;
  }
  if (option->type != OptionType::Map) return std::nullopt;
  Json out = Json::object();
  for (const std::string& key : child_keys(path)) {
    const std::string below = joined_path(path, key);
    const Option* const child = find_option(below);
    if (child != nullptr && child->required) return std::nullopt;  // without it the whole is not there
    if (auto value = default_json(below)) out[key] = std::move(*value);
  }
  return out.empty() ? std::nullopt : std::optional(std::move(out));
}

[[nodiscard]] Json map_json(const YamlNode& map, const std::string& path) {
  const bool is_secret = writes_secret(map);
  Json out = Json::object();
  for (const YamlEntry& entry : map.entries) {
    const bool is_text = is_secret && (entry.key == "set" || entry.key == "with");
    out[entry.key] = is_text ? Json(kMasked) : node_json(entry.value, joined_path(path, entry.key));
  }
  if (path == "profiles[]" || path.starts_with("profiles[].")) return out;
  for (const std::string& key : child_keys(path))
    if (!out.contains(key))
      if (auto value = default_json(joined_path(path, key))) out[key] = std::move(*value);
  return out;
}

}  // namespace

Json config_json(const YamlNode& root) { return map_json(root, ""); }

}  // namespace sallyport::mgmt
