// blocks_table.cpp — draws blocked prefixes.
#include "mgmt/blocks/blocks_table.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "mgmt/cli/json_member.h"
#include "mgmt/cli/text_table.h"
#include "mgmt/log/log_line.h"

namespace sallyport::mgmt {
namespace {

using Json = nlohmann::ordered_json;

[[nodiscard]] std::string draw_blocks(const Json& root, bool colour) {
  TextTable table({{"PREFIX"},
                   {"BY"},
                   {"TOUCHES"},
                   {"SINCE"},
                   {"UNTIL"},
                   {"HITS", Align::Right},
                   {"LAST HIT"},
                   {"REASON"}});
  for (const Json& one : member(root, "blocked"))
    table.add_row({{shown(member(one, "prefix"))},
                   {shown(member(one, "origin"))},
                   {shown(member(one, "touches"))},
                   {shown(member(one, "since"))},
                   {shown(member(one, "until"))},
                   {shown(member(one, "hits"))},
                   {shown(member(one, "last_hit"))},
                   {shown(member(one, "reason"))}});
  const std::uint64_t prefixes = number_of(member(root, "prefixes"));
  if (table.empty() && prefixes == 0) return "nothing is blocked\n";
  return table.draw(colour) +
         fmt::format("\n{} {} blocked, there is room for {}{}\n", grouped(prefixes),
                     prefixes == 1 ? "prefix is" : "prefixes are", shown(member(root, "capacity")),
                     member(root, "next").is_string()
                         ? fmt::format("; the first {} are shown (--limit)", member(root, "blocked").size())
                         : "");
}

[[nodiscard]] std::string warnings(const Json& root) {
  std::string out;
  for (const Json& one : member(root, "warnings")) out += fmt::format("warning: {}\n", escaped(shown(one)));
  return out;
}

[[nodiscard]] std::string draw_block(const Json& root, bool) {
  const Json& block = member(root, "block");
  const Json& until = member(block, "until");
  return fmt::format("{} is blocked until {}\n", escaped(shown(member(block, "prefix"))),
                     until.is_string() ? escaped(shown(until)) : std::string("it is unblocked")) +
         warnings(root);
}

[[nodiscard]] std::string draw_unblock(const Json& root, bool) {
  return fmt::format("{} is unblocked\n", escaped(shown(member(root, "prefix")))) + warnings(root);
}

}  // namespace

Drawn blocks_table(std::string_view json, bool colour) { return draw(json, colour, &draw_blocks); }
Drawn block_line(std::string_view json, bool colour) { return draw(json, colour, &draw_block); }
Drawn unblock_line(std::string_view json, bool colour) { return draw(json, colour, &draw_unblock); }

}  // namespace sallyport::mgmt
