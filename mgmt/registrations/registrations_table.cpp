// registrations_table.cpp — draws registrations.
#include "mgmt/registrations/registrations_table.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "mgmt/cli/json_member.h"
#include "mgmt/cli/text_table.h"

namespace sallyport::mgmt {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::uint64_t kSoonSeconds = 10;

// 75 as "1:15", from an hour on as "1:01:15".
[[nodiscard]] Cell time_left(const Json& seconds_left) {
  if (!seconds_left.is_number_unsigned()) return {"-"};
  const auto seconds = seconds_left.get<std::uint64_t>();
  const Tint tint = seconds < kSoonSeconds ? Tint::Warning : Tint::None;
  if (seconds < 3600) return {fmt::format("{}:{:02}", seconds / 60, seconds % 60), tint};
  return {fmt::format("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60), tint};
}

[[nodiscard]] std::string draw_registrations(const Json& root, bool colour) {
  TextTable table({{"AOR"},
                   {"REGISTRAR"},
                   {"CONTACT"},
                   {"REMOTE"},
                   {"OVER"},
                   {"NAT"},
                   {"EXPIRES IN", Align::Right},
                   {"SINCE"}});
  for (const Json& one : member(root, "registrations"))
    table.add_row({{shown(member(one, "aor"))},
                   {shown(member(one, "registrar"))},
                   {shown(member(one, "contact"))},
                   {shown(member(one, "remote"))},
                   {shown(member(one, "transport"))},
                   {is_true(member(one, "nat")) ? "yes" : "no"},
                   time_left(member(one, "expires_in_s")),
                   {shown(member(one, "since"))}});
  const std::size_t listed = member(root, "registrations").size();
  const std::uint64_t active = number_of(member(root, "active"));
  if (listed == 0 && active == 0) return "no endpoint is registered\n";
  return table.draw(colour) +
         fmt::format("\n{} {} registered", grouped(active), active == 1 ? "contact is" : "contacts are") +
         (member(root, "next").is_string() ? fmt::format(", the first {} are shown (--limit)\n", listed)
                                           : "\n");
}

}  // namespace

Drawn registrations_table(std::string_view json, bool colour) {
  return draw(json, colour, &draw_registrations);
}

}  // namespace sallyport::mgmt
