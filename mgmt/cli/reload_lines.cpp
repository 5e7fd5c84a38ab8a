// reload_lines.cpp — see reload_lines.h.
#include "mgmt/cli/reload_lines.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "mgmt/cli/json_member.h"
#include "mgmt/log/log_line.h"

namespace sallyport::mgmt {
namespace {

using Json = nlohmann::ordered_json;

void add_lines(std::string& out, const Json& list, std::string_view before = {}) {
  for (const Json& line : list) out += fmt::format("{}{}\n", before, escaped(shown(line)));
}

[[nodiscard]] std::string draw_reload(const Json& root, bool) {
  std::string out;
  add_lines(out, member(root, "changes"));
  for (const Json& table : member(root, "tables"))
    out += fmt::format("reloaded tables: {}, {} lines\n", escaped(shown(member(table, "name"))),
                       shown(member(table, "lines")));
  for (const Json& one : member(root, "users"))
    out += fmt::format("reloaded users: {}, {} users\n", escaped(shown(member(one, "registrar"))),
                       shown(member(one, "users")));
  add_lines(out, member(root, "passwords"), "reloaded passwords: ");
  add_lines(out, member(root, "certificates"), "reloaded certificates: ");
  add_lines(out, member(root, "tokens"), "reloaded tokens: ");
  if (out.empty()) out = "nothing has changed\n";
  add_lines(out, member(root, "warnings"));
  if (const Json& wait = member(root, "unconfirmed"); wait.is_object())
    out += fmt::format("taken back at {}, in {} s, unless you confirm it: sallyport confirm\n",
                       escaped(shown(member(wait, "until"))), shown(member(wait, "seconds")));
  if (member(root, "taken_back") == true)
    out += "taken back; the files still say what was taken back: the next reload or start reads it\n";
  return out;
}

}  // namespace

Drawn reload_lines(std::string_view json, bool colour) { return draw(json, colour, &draw_reload); }

}  // namespace sallyport::mgmt
