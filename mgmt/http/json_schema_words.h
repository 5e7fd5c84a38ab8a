// json_schema_words.h — the few forms of JSON Schema that the description of REST is made of.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace sallyport::mgmt::schema {

using Json = nlohmann::ordered_json;

[[nodiscard]] inline Json text_type() { return {{"type", "string"}}; }
[[nodiscard]] inline Json integer_type() { return {{"type", "integer"}}; }
[[nodiscard]] inline Json boolean_type() { return {{"type", "boolean"}}; }
[[nodiscard]] inline Json maybe(const char* type) { return {{"type", {type, "null"}}}; }
[[nodiscard]] inline Json one_of(std::initializer_list<const char*> words) {
  return {{"type", "string"}, {"enum", Json(words)}};
}
[[nodiscard]] inline Json list_of(Json items) { return {{"type", "array"}, {"items", std::move(items)}}; }
[[nodiscard]] inline Json reference(const char* name) {
  return {{"$ref", std::string("#/components/schemas/") + name}};
}
// It has all of these and no other, but those of `optional` may be missing.
[[nodiscard]] inline Json object(Json properties, std::initializer_list<std::string_view> optional = {}) {
  Json required = Json::array();
  for (const auto& [name, type] : properties.items())
    if (std::find(optional.begin(), optional.end(), name) == optional.end()) required.push_back(name);
  Json out{{"type", "object"}, {"properties", std::move(properties)}};
  if (!required.empty()) out["required"] = std::move(required);
  out["additionalProperties"] = false;
  return out;
}
// Counts under names of a closed set; those that are 0 may be left out.
[[nodiscard]] inline Json counts_by_name() {
  return {{"type", "object"}, {"additionalProperties", {{"type", "integer"}, {"minimum", 0}}}};
}

}  // namespace sallyport::mgmt::schema
