// json_member.h — reads an answer of the daemon that may be of another version: what is missing or of another
// kind is nothing, never an exception.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace sallyport::mgmt {

// A member, or null when `value` is no object or has no such member.
[[nodiscard]] inline const nlohmann::ordered_json& member(const nlohmann::ordered_json& value,
                                                          const char* name) {
  static const nlohmann::ordered_json kNothing;
  const auto found = value.is_object() ? value.find(name) : value.end();
  return value.is_object() && found != value.end() ? *found : kNothing;
}

[[nodiscard]] inline std::string text_of(const nlohmann::ordered_json& value, std::string_view otherwise) {
  return value.is_string() ? value.get<std::string>() : std::string(otherwise);
}

[[nodiscard]] inline std::uint64_t number_of(const nlohmann::ordered_json& value) {
  return value.is_number_unsigned() ? value.get<std::uint64_t>() : 0;
}

[[nodiscard]] inline bool is_true(const nlohmann::ordered_json& value) {
  return value.is_boolean() && value.get<bool>();
}

}  // namespace sallyport::mgmt
