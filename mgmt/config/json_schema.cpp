// json_schema.cpp — see json_schema.h.
#include "mgmt/config/json_schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <string_view>
#include <vector>

#include "mgmt/config/check_scalar.h"
#include "mgmt/config/schema.h"
#include "mgmt/config/yaml_document.h"

namespace sallyport::mgmt {
namespace {

using Json = nlohmann::ordered_json;

struct Shape {
  OptionType type;
  std::string_view pattern;
  bool may_be_number = false;  // YAML reads 7000 and 1.2 as numbers where a name or a text may stand
};
// Types that are texts to YAML. Those that are not here take any text.
constexpr std::array kShapes{
    Shape{OptionType::Name, "^[A-Za-z0-9._-]{1,64}$", true},
    Shape{OptionType::NodeName, "^[A-Za-z0-9][A-Za-z0-9-]{0,31}$", true},
    Shape{OptionType::PortName, "^[A-Za-z0-9_][A-Za-z0-9_-]{0,31}$", true},
    Shape{OptionType::Text, "", true},
    Shape{OptionType::Token, "^[A-Za-z0-9.!%*_+`'~-]{1,128}$", true},
    Shape{OptionType::Method, "^[A-Z0-9.!%*_+`'~-]{1,32}$"},
    Shape{OptionType::Uri, "^[A-Za-z+.-][A-Za-z0-9+.-]*:[^ \\t\\r\\n<>\"]+$"},
    Shape{OptionType::Duration, "^[0-9]+(ms|s|m|h|d)$"},
    Shape{OptionType::Rate, "^[0-9]+/(s|m|h)$"},
    Shape{OptionType::ByteCount, "^[0-9]+(KB|MB|GB|TB)$"},
    Shape{OptionType::BitRate, "^[0-9]+(kbit|Mbit|Gbit)$"},
    Shape{OptionType::Percent, "^[0-9]+%$"},
    Shape{OptionType::Address, "^[0-9A-Fa-f.:]+$"},
    Shape{OptionType::Network, "^[0-9A-Fa-f.:]+(/[0-9]{1,3})?$"},
    Shape{OptionType::InterfaceAddress, "^[0-9A-Fa-f.:]+/[0-9]{1,3}$"},
    Shape{OptionType::Endpoint, "^(\\[[0-9A-Fa-f.:]+\\](:[0-9]{1,5})?|[0-9A-Fa-f.:]+)$"},
    Shape{OptionType::Domain, "^[A-Za-z0-9._-]+(:[0-9]{1,5})?$"},
    Shape{OptionType::DomainName, "^(\\*\\.)?[A-Za-z0-9._-]+$"},
    Shape{OptionType::PortRange, "^[0-9]{4,5}-[0-9]{4,5}$"},
    Shape{OptionType::Device, "^((pci|af_xdp|af_packet|memif|pcap|ring):.+|discard)$"},
    Shape{OptionType::LinuxService, "^(dns|ntp|bgp|bfd|ospf|vrrp|udp:[0-9]{1,5})$"},
    Shape{OptionType::Dialled, "^\\+?[0-9*#]+$"},
    Shape{OptionType::RuleField, "^(called|caller|identity|diversion|header:.+|sdp:.+)$"},
    Shape{OptionType::AbsolutePath, "^/"},
};

[[nodiscard]] std::vector<std::string_view> words_of(std::string_view with_bars) {
  std::vector<std::string_view> out;
  while (!with_bars.empty()) {
    const std::size_t bar = with_bars.find('|');
    out.push_back(with_bars.substr(0, bar));
    with_bars = bar == std::string_view::npos ? std::string_view{} : with_bars.substr(bar + 1);
  }
  return out;
}

[[nodiscard]] Json choice_of(std::string_view with_bars) {
  Json words = Json::array();
  for (const std::string_view word : words_of(with_bars)) {
    words.push_back(word);
    double number = 0;
    const auto [stop, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (error == std::errc{} && stop == word.data() + word.size())
      words.push_back(number);  // 1.2 without quotes
  }
  return {{"enum", std::move(words)}};
}

[[nodiscard]] Json any_of(Json first, Json second) {
  return {{"anyOf", Json::array({std::move(first), std::move(second)})}};
}

[[nodiscard]] Json number(const Option& option) {
  Json out{{"type", "integer"}};
  if (option.min != 0 || option.max != 0) {
    out["minimum"] = option.min;
    out["maximum"] = option.max;
  }
  return out;
}

// One value that is no list and no map.
[[nodiscard]] Json scalar(const Option& option) {
  if (option.type == OptionType::Word) return choice_of(option.words);
  Json out;
  if (option.type == OptionType::Integer) {
    out = number(option);
  } else if (option.type == OptionType::Dscp) {
    out = any_of({{"type", "integer"}, {"minimum", 0}, {"maximum", 63}},
                 {{"type", "string"}, {"pattern", "^(EF|VA|BE|CS[0-7]|AF[1-4][1-3]|[0-9]{1,2})$"}});
  } else if (option.type == OptionType::Lcores) {
    out = any_of({{"type", "integer"}, {"minimum", 1}, {"maximum", 128}},
                 {{"type", "string"}, {"pattern", "^[0-9][0-9,-]*$"}});
  } else {
    const auto shape = std::ranges::find(kShapes, option.type, &Shape::type);
    const bool is_known = shape != kShapes.end();
    out["type"] = is_known && shape->may_be_number ? Json::array({"string", "number"}) : Json("string");
    if (is_known && !shape->pattern.empty()) out["pattern"] = shape->pattern;
    if (!is_known) out["minLength"] = 1;
  }
  return option.words.empty() ? out : any_of(choice_of(option.words), std::move(out));
}

[[nodiscard]] Json list_of(const Option& option, Json member) {
  Json out{{"type", "array"}, {"items", std::move(member)}};
  if (option.type == OptionType::Maps) {
    if (option.min != 0) out["minItems"] = option.min;
    if (option.max != 0) out["maxItems"] = option.max;
  } else if (option.required && option.many == Many::List) {
    out["minItems"] = 1;
  }
  return out;
}

[[nodiscard]] Json to_json(const YamlNode& node) {
  if (node.is_list()) {
    Json out = Json::array();
    for (const YamlNode& item : node.items) out.push_back(to_json(item));
    return out;
  }
  if (node.is_map()) {
    Json out = Json::object();
    for (const YamlEntry& entry : node.entries) out[entry.key] = to_json(entry.value);
    return out;
  }
  std::int64_t number = 0;
  const char* const end = node.text.data() + node.text.size();
  const auto [stop, error] = std::from_chars(node.text.data(), end, number);
  if (!node.quoted && error == std::errc{} && stop == end) return number;
  return node.text;
}

[[nodiscard]] std::string meaning(const Option& option) {
  std::string out(option.doc);
  const bool has_range =
      option.type != OptionType::Maps && option.many == Many::One && (option.min != 0 || option.max != 0);
  if (has_range) out += " " + range_of(option) + ".";
  if (!option.built) out += " Not built yet.";
  return out;
}

[[nodiscard]] Json value_of(const std::string& path);

[[nodiscard]] Json map_of(const std::string& path) {
  Json keys = Json::object(), needed = Json::array();
  for (const std::string& key : child_keys(path)) {
    const std::string below = joined_path(path, key);
    keys[key] = value_of(below);
    if (find_option(below)->required) needed.push_back(key);
  }
  Json out{{"type", "object"}, {"additionalProperties", false}, {"properties", std::move(keys)}};
  if (!needed.empty()) out["required"] = std::move(needed);
  return out;
}

[[nodiscard]] Json shape_of(const Option& option, const std::string& path) {
  switch (option.type) {
    case OptionType::Map:
      return map_of(path);
    case OptionType::Maps: {
      Json member = map_of(path + "[]");
      if (!option.refers.empty())
        member = any_of(scalar(Option{.type = OptionType::Name}), std::move(member));
      return list_of(option, std::move(member));
    }
    case OptionType::PatternMap:
      return {{"type", "object"}, {"additionalProperties", {{"type", "string"}, {"minLength", 1}}}};
    default:
      break;
  }
  if (option.many == Many::One) return scalar(option);
  Json list = list_of(option, scalar(option));
  return option.many == Many::List ? list : any_of(scalar(option), std::move(list));
}

Json value_of(const std::string& path) {
  const Option& option = *find_option(path);
  Json out{{"description", meaning(option)}};
  if (const YamlDocument fallback = parse_yaml(option.fallback, 0); !option.fallback.empty() && fallback.root)
    out["default"] = to_json(*fallback.root);
  Json shape = shape_of(option, path);
  if (!option.whole.empty()) shape = any_of({{"const", option.whole}}, std::move(shape));
  out.update(shape);
  return out;
}

}  // namespace

std::string json_schema() {
  Json out{{"$schema", "http://json-schema.org/draft-07/schema#"},
           {"title", "sallyport.yaml"},
           {"description", "Configuration of Sallyport, a session border controller for SIP."}};
  Json file = map_of("");
  // What a file leaves out may be in those that it includes.
  Json needed = {{"required", std::move(file["required"])}};
  file.erase("required");
  out.update(file);
  out.update(any_of(std::move(needed), {{"required", Json::array({"include"})}}));
  return out.dump(2) + '\n';
}

}  // namespace sallyport::mgmt
