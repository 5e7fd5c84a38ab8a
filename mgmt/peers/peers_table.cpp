// peers_table.cpp — draws peers and addresses.
#include "mgmt/peers/peers_table.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "mgmt/cli/drawn.h"
#include "mgmt/cli/json_member.h"
#include "mgmt/cli/text_table.h"
#include "mgmt/log/log_line.h"

namespace sallyport::mgmt {
namespace {

using Json = nlohmann::ordered_json;

[[nodiscard]] std::string calls_text(const Json& peer, const char* direction) {
  const Json& calls = member(member(peer, "calls"), direction);
  return fmt::format("{} of {}", shown(member(calls, "active")), shown(member(calls, "limit")));
}

[[nodiscard]] Cell state_cell(const Json& target) {
  const std::string state = shown(member(target, "state"));
  if (state == "up") return {state, Tint::Good};
  if (state == "down" || state == "unresolved") return {state, Tint::Bad};
  return {state, state == "set_aside" ? Tint::Warning : Tint::None};
}

// "sip.example.net (198.18.1.2:5060)", or the address alone.
[[nodiscard]] std::string target_text(const Json& target) {
  const std::string name = shown(member(target, "target"));
  const Json& address = member(target, "address");
  if (!address.is_string() || shown(address) == name) return name;
  return fmt::format("{} ({})", name, shown(address));
}

// The peer stands in the row of its first target only.
void add_rows(const Json& peer, TextTable& table) {
  bool is_first = true;
  for (const Json& target : member(peer, "targets")) {
    std::vector<Cell> row{{""}, {""}, {""}, {""}};
    if (std::exchange(is_first, false))
      row = {{shown(member(peer, "name")) + (is_true(member(peer, "retired")) ? " (retired)" : "")},
             {shown(member(peer, "realm"))},
             {calls_text(peer, "in")},
             {calls_text(peer, "out")}};
    row.insert(row.end(), {{target_text(target)},
                           {shown(member(target, "transport"))},
                           state_cell(target),
                           {shown(member(target, "since"))},
                           {shown(member(target, "round_trip_ms"))},
                           {shown(member(target, "calls"))}});
    table.add_row(std::move(row));
  }
}

[[nodiscard]] std::string draw_registrations(const Json& root, bool colour) {
  TextTable table(
      {{"PEER"}, {"REGISTERS"}, {"STATE"}, {"AT"}, {"UNTIL"}, {"NEXT"}, {"ANSWER", Align::Right}});
  for (const Json& peer : member(root, "peers")) {
    const Json& registration = member(peer, "registration");
    if (!registration.is_object()) continue;
    const std::string state = shown(member(registration, "state"));
    const Tint tint = state == "registered" ? Tint::Good : state == "failed" ? Tint::Bad : Tint::Warning;
    table.add_row({{shown(member(peer, "name"))},
                   {shown(member(registration, "aor"))},
                   {state, tint},
                   {shown(member(registration, "registrar"))},
                   {shown(member(registration, "expires"))},
                   {shown(member(registration, "next"))},
                   {shown(member(registration, "last_code"))}});
  }
  return table.empty() ? "" : '\n' + table.draw(colour);
}

[[nodiscard]] std::string draw_peers(const Json& root, bool colour) {
  TextTable table({{"PEER"},
                   {"REALM"},
                   {"CALLS IN"},
                   {"CALLS OUT"},
                   {"TARGET"},
                   {"OVER"},
                   {"STATE"},
                   {"SINCE"},
                   {"RTT MS", Align::Right},
                   {"CALLS", Align::Right}});
  for (const Json& peer : member(root, "peers")) add_rows(peer, table);
  return (table.empty() ? "no peer is configured\n" : table.draw(colour)) + draw_registrations(root, colour);
}

[[nodiscard]] std::string draw_address(const Json& root, bool) {
  std::string out = fmt::format("address {}\n", escaped(shown(member(root, "address"))));
  for (const Json& reason : member(root, "reasons")) out += escaped(shown(member(reason, "text"))) + '\n';
  return out;
}

}  // namespace

Drawn peers_table(std::string_view json, bool colour) { return draw(json, colour, &draw_peers); }
Drawn address_lines(std::string_view json, bool colour) { return draw(json, colour, &draw_address); }

}  // namespace sallyport::mgmt
