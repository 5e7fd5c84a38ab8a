// calls_tables.cpp — draws calls, reasons and alarms.
#include "mgmt/calls/calls_tables.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "mgmt/cli/drawn.h"
#include "mgmt/cli/json_member.h"
#include "mgmt/cli/text_table.h"
#include "mgmt/log/log_line.h"

namespace sallyport::mgmt {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kNameColumns = 32;

// At most `columns` octets; never half a character of UTF-8.
[[nodiscard]] std::string shortened(std::string text, std::size_t columns) {
  if (text.size() <= columns) return text;
  std::size_t end = columns - 1;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  text.resize(end);
  return text + "~";
}

// "2026-11-21T10:47:55.123Z" as "10:47:55.123".
[[nodiscard]] std::string time_of_day(const Json& at) {
  const std::string text = text_of(at, "-");
  return text.size() == 24 ? text.substr(11, 12) : text;
}

// "sip:+49301234@198.18.1.2;user=phone" as "+49301234@198.18.1.2".
[[nodiscard]] std::string short_uri(const Json& uri) {
  std::string text = shown(uri);
  if (const std::size_t scheme = text.find(':'); scheme < 5) text.erase(0, scheme + 1);
  return shortened(text.substr(0, text.find(';')), kNameColumns);
}

// 75000 as "1:15", from an hour on as "1:00:00".
[[nodiscard]] std::string length_of(const Json& milliseconds) {
  if (!milliseconds.is_number_unsigned()) return "-";
  const std::uint64_t seconds = milliseconds.get<std::uint64_t>() / 1000;
  if (seconds < 3600) return fmt::format("{}:{:02}", seconds / 60, seconds % 60);
  return fmt::format("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
}

[[nodiscard]] Cell state_cell(const Json& call) {
  const std::string state = shown(member(call, "state"));
  if (state == "answered") return {state, Tint::Good};
  const std::string result = shown(member(call, "result"));
  if (state != "ended" || result == "-") return {state};
  return {state + ", " + result, result == "answered" || result == "cancelled" ? Tint::None : Tint::Warning};
}

[[nodiscard]] std::string draw_calls(const Json& root, bool colour) {
  TextTable table({{"ID"},
                   {"STATE"},
                   {"FROM"},
                   {"CALLED"},
                   {"PEER IN"},
                   {"PEER OUT"},
                   {"ROUTE"},
                   {"SINCE"},
                   {"LENGTH", Align::Right}});
  for (const Json& call : member(root, "calls"))
    table.add_row({{shown(member(call, "id"))},
                   state_cell(call),
                   {short_uri(member(call, "from"))},
                   {shortened(shown(member(call, "called_in")), kNameColumns)},
                   {shown(member(call, "peer_in"))},
                   {shown(member(call, "peer_out"))},
                   {shown(member(call, "route"))},
                   {time_of_day(member(call, "start"))},
                   {length_of(member(call, "duration_ms"))}});
  const std::size_t listed = member(root, "calls").size();
  const std::uint64_t active = number_of(member(root, "active"));
  if (listed == 0 && active == 0) return "no call is up\n";
  const Json& next = member(root, "next");
  return table.draw(colour) +
         fmt::format("\n{} {} up", grouped(active), active == 1 ? "call is" : "calls are") +
         (next.is_string() ? fmt::format(", the oldest {} are shown (--limit)\n", listed) : "\n");
}

[[nodiscard]] std::string draw_legs(const Json& call, bool colour) {
  TextTable legs({{"LEG"}, {"REALM"}, {"TRANSPORT"}, {"REMOTE"}, {"CALL-ID"}});
  bool is_first = true;
  for (const Json& leg : member(call, "legs")) {
    legs.add_row({{is_first ? "caller" : "callee"},
                  {shown(member(leg, "realm"))},
                  {shown(member(leg, "transport"))},
                  {shown(member(leg, "remote"))},
                  {shown(member(leg, "call_id"))}});
    is_first = false;
  }
  return legs.empty() ? "" : '\n' + legs.draw(colour);
}

[[nodiscard]] double real(const Json& value) { return value.is_number() ? value.get<double>() : 0; }

// 0.0125 as "1.25 %".
[[nodiscard]] std::string percent(const Json& ratio) {
  return ratio.is_number() ? fmt::format("{:.2f} %", real(ratio) * 100) : "-";
}

[[nodiscard]] std::string fixed(const Json& value, int digits) {
  return value.is_number() ? fmt::format("{:.{}f}", real(value), digits) : "-";
}

constexpr double kLossBad = 0.03, kMosBad = 3.1;  // what most listeners complain of. ITU-T G.107 Annex B

[[nodiscard]] std::string draw_media(const Json& call, bool colour) {
  TextTable table({{"MEDIA", Align::Right},
                   {"FROM"},
                   {"CODEC"},
                   {"CRYPTO"},
                   {"PACKETS", Align::Right},
                   {"LOST", Align::Right},
                   {"JITTER MS", Align::Right},
                   {"MOS", Align::Right},
                   {"AFTER END", Align::Right},
                   {"LOCAL"},
                   {"REMOTE"}});
  for (const Json& row : member(call, "media")) {
    const Json &lost = member(row, "lost_ratio"), &mos = member(row, "mos"),
               &late = member(row, "after_bye_packets");
    table.add_row({{shown(member(row, "stream"))},
                   {shown(member(row, "from"))},
                   {shown(member(row, "codec"))},
                   {shown(member(row, "crypto"))},
                   {shown(member(row, "packets"))},
                   {percent(lost), real(lost) >= kLossBad ? Tint::Warning : Tint::None},
                   {fixed(member(row, "jitter_ms"), 1)},
                   {fixed(mos, 2), mos.is_number() && real(mos) < kMosBad ? Tint::Warning : Tint::None},
                   {shown(late), number_of(late) != 0 ? Tint::Warning : Tint::None},
                   {shown(member(row, "local"))},
                   {shown(member(row, "remote"))}});
  }
  return table.empty() ? "" : '\n' + table.draw(colour);
}

[[nodiscard]] std::string draw_tried(const Json& call, bool colour) {
  TextTable table({{"TRIED"}, {"TARGET"}, {"ANSWER", Align::Right}});
  for (const Json& tried : member(call, "tried")) {
    const std::uint64_t code = number_of(member(tried, "code"));
    table.add_row({{shown(member(tried, "peer"))},
                   {shown(member(tried, "target"))},
                   {code == 0 ? "none" : std::to_string(code), code < 300 ? Tint::None : Tint::Warning}});
  }
  return table.empty() ? "" : '\n' + table.draw(colour);
}

[[nodiscard]] std::string draw_reasons(const Json& call, bool colour) {
  TextTable table({{"TIME"}, {"WHAT WAS DECIDED, AND WHY"}});
  for (const Json& reason : member(call, "reasons"))
    table.add_row({{time_of_day(member(reason, "at"))}, {shown(member(reason, "text"))}});
  return table.empty() ? "nothing is known of its reasons\n" : table.draw(colour);
}

[[nodiscard]] std::string first_line(const Json& call) {
  const Json &answer = member(call, "answer"), &code = member(call, "sip_code");
  std::string out = fmt::format("call {} from {}", escaped(shown(member(call, "id"))),
                                escaped(shown(member(call, "from"))));
  out += fmt::format(" to {}\n", escaped(shown(member(call, "called_in"))));
  out += escaped(state_cell(call).text);
  if (code.is_number_unsigned() && number_of(code) != 0) out += fmt::format(", {}", number_of(code));
  if (answer.is_string()) out += fmt::format(", {} long", length_of(member(call, "duration_ms")));
  if (const Json& who = member(call, "ended_by"); who.is_string())
    out += fmt::format(", ended by {} ({})", escaped(shown(who)), escaped(shown(member(call, "end_reason"))));
  return out + '\n';
}

[[nodiscard]] std::string draw_call(const Json& root, bool colour) {
  const Json& call = member(root, "call");
  TextTable table({{"OF THE CALL"}, {""}});
  for (const auto& [name, key] :
       {std::pair{"from", "from"}, std::pair{"to", "to"}, std::pair{"called", "called_in"},
        std::pair{"called on", "called_out"}, std::pair{"peer in", "peer_in"},
        std::pair{"peer out", "peer_out"}, std::pair{"route", "route"}, std::pair{"start", "start"},
        std::pair{"ring", "ring"}, std::pair{"answer", "answer"}, std::pair{"end", "end"}})
    table.add_row({{name}, {shown(member(call, key))}});
  if (is_true(member(call, "emergency"))) table.add_row({{"emergency"}, {"yes", Tint::Warning}});
  for (const Json& detection : member(call, "detections"))
    table.add_row({{"detection"}, {shown(detection), Tint::Bad}});
  return first_line(call) + '\n' + table.draw(colour) + draw_legs(call, colour) + draw_media(call, colour) +
         draw_tried(call, colour) + '\n' + draw_reasons(call, colour);
}

[[nodiscard]] std::string draw_explanation(const Json& root, bool colour) {
  const Json& call = member(root, "call");
  return first_line(call) + '\n' + draw_reasons(call, colour);
}

[[nodiscard]] std::string draw_alarms(const Json& root, bool colour) {
  TextTable table({{"SEVERITY"}, {"ALARM"}, {"OF"}, {"SINCE"}, {"TIMES", Align::Right}, {"WHAT"}});
  for (const Json& alarm : member(root, "alarms")) {
    const std::string severity = shown(member(alarm, "severity"));
    const bool is_bad = severity == "critical" || severity == "major";
    table.add_row(
        {{severity, is_bad ? Tint::Bad : Tint::Warning},
         {shown(member(alarm, "name"))},
         {shown(member(alarm, "subject"))},
         {shown(member(alarm, "since"))},
         {shown(member(alarm, "count"))},
         {shown(member(alarm, "detail").is_string() ? member(alarm, "detail") : member(alarm, "meaning"))}});
  }
  return table.empty() ? "no alarm is up\n" : table.draw(colour);
}

[[nodiscard]] std::string draw_hangup(const Json& root, bool) {
  return fmt::format("call {} is being ended on both legs\n", escaped(shown(member(root, "id"))));
}

[[nodiscard]] std::string draw_drain(const Json& root, bool) {
  const std::uint64_t active = number_of(member(root, "active"));
  return fmt::format("new calls are refused from now on; {} {} still up\n",
                     active == 0 ? "no" : grouped(active), active < 2 ? "call is" : "calls are");
}

}  // namespace

Drawn calls_table(std::string_view json, bool colour) { return draw(json, colour, &draw_calls); }
Drawn call_tables(std::string_view json, bool colour) { return draw(json, colour, &draw_call); }
Drawn explanation(std::string_view json, bool colour) { return draw(json, colour, &draw_explanation); }
Drawn alarms_table(std::string_view json, bool colour) { return draw(json, colour, &draw_alarms); }
Drawn hangup_line(std::string_view json, bool colour) { return draw(json, colour, &draw_hangup); }
Drawn drain_line(std::string_view json, bool colour) { return draw(json, colour, &draw_drain); }

}  // namespace sallyport::mgmt
