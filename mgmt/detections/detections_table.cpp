// detections_table.cpp — draws findings of the detectors.
#include "mgmt/detections/detections_table.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "mgmt/cli/json_member.h"
#include "mgmt/cli/text_table.h"

namespace sallyport::mgmt {
namespace {

using Json = nlohmann::ordered_json;

[[nodiscard]] Tint tint_of(const Json& action) {
  const std::string text = text_of(action, "");
  if (text == "block") return Tint::Bad;
  return text == "log" || text == "alert" ? Tint::None : Tint::Warning;
}

[[nodiscard]] std::string draw_detections(const Json& root, bool colour) {
  TextTable table({{"LAST"},
                   {"DETECTOR"},
                   {"ACTION"},
                   {"SOURCE"},
                   {"REALM"},
                   {"CALL"},
                   {"COUNT", Align::Right},
                   {"SURE %", Align::Right},
                   {"EVIDENCE"}});
  for (const Json& one : member(root, "detections"))
    table.add_row({{shown(member(one, "last"))},
                   {shown(member(one, "detector"))},
                   {shown(member(one, "action")), tint_of(member(one, "action"))},
                   {shown(member(one, "source"))},
                   {shown(member(one, "realm"))},
                   {shown(member(one, "call"))},
                   {shown(member(one, "count"))},
                   {shown(member(one, "confidence"))},
                   {shown(member(one, "evidence"))}});
  const std::uint64_t kept = number_of(member(root, "kept"));
  const std::uint64_t forgotten = number_of(member(root, "forgotten"));
  if (table.empty() && kept == 0) return "nothing has looked like an attack\n";
  std::string out = table.empty() ? std::string("none of that kind\n") : table.draw(colour);
  out += fmt::format("\n{} {} kept", grouped(kept), kept == 1 ? "finding is" : "findings are");
  if (forgotten != 0) out += fmt::format(", {} older ones found no room", grouped(forgotten));
  if (member(root, "next").is_string())
    out += fmt::format("; the last {} are shown (--limit)", member(root, "detections").size());
  return out + '\n';
}

}  // namespace

Drawn detections_table(std::string_view json, bool colour) { return draw(json, colour, &draw_detections); }

}  // namespace sallyport::mgmt
