// drawn.cpp — from an answer to text.
#include "mgmt/cli/drawn.h"

#include <fmt/format.h>

#include <exception>
#include <nlohmann/json.hpp>

#include "mgmt/cli/text_table.h"

namespace sallyport::mgmt {

using Json = nlohmann::ordered_json;

std::string shown(const Json& value) {
  if (value.is_string() && !value.get_ref<const std::string&>().empty()) return value.get<std::string>();
  if (value.is_number_unsigned()) return grouped(value.get<std::uint64_t>());
  if (value.is_number_float()) return fmt::format("{:.1f}", value.get<double>());
  return value.is_null() || value.is_string() ? "-" : value.dump();
}

Drawn draw(std::string_view json, bool colour, Draw how) {
  try {
    const Json root = Json::parse(json, nullptr, false);
    if (root.is_object()) return how(root, colour);
  } catch (const std::exception&) {
    // Said below: whatever it was, the answer has not the form that is known here.
  }
  return fail(std::string("the daemon's answer can't be drawn as a table; try --json"));
}

}  // namespace sallyport::mgmt
