// json_layout.cpp — see json_layout.h. RFC 8259 §2.
#include "mgmt/cli/json_layout.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace sallyport::mgmt {
namespace {

// Between tokens; within strings it is escaped, but for the space.
[[nodiscard]] bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

// Where the string that begins at `begin` ends: behind its quote.
[[nodiscard]] std::size_t end_of_string(std::string_view json, std::size_t begin) {
  std::size_t at = begin + 1;
  while (at < json.size() && json[at] != '"') at += json[at] == '\\' ? 2 : 1;
  return std::min(at + 1, json.size());
}

void new_line(std::string& out, std::size_t depth) {
  out += '\n';
  out.append(2 * depth, ' ');
}

}  // namespace

std::string laid_out(std::string_view json) {
  if (std::ranges::any_of(json, [](char c) { return static_cast<unsigned char>(c) >= 0x7f; }))
    return nlohmann::ordered_json::parse(json).dump(2, ' ', true);
  std::string out;
  out.reserve(json.size() * 2);
  std::size_t depth = 0;
  bool has_opened = false;  // and nothing has come since
  for (std::size_t at = 0; at < json.size();) {
    const char c = json[at];
    const std::size_t end = c == '"' ? end_of_string(json, at) : at + 1;
    if (is_blank(c)) {
      at = end;
      continue;
    }
    const bool closes = c == '}' || c == ']';
    if (closes && depth != 0) --depth;
    if (closes != has_opened) new_line(out, depth);
    has_opened = c == '{' || c == '[';
    if (has_opened) ++depth;
    out += json.substr(at, end - at);
    if (c == ':') out += ' ';
    if (c == ',') new_line(out, depth);
    at = end;
  }
  return out;
}

}  // namespace sallyport::mgmt
