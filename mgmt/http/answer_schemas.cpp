// answer_schemas.cpp — what each answer of REST holds: the schemas of the description.
#include "mgmt/http/answer_schemas.h"

#include "mgmt/http/json_schema_words.h"

namespace sallyport::mgmt {
namespace {

using namespace schema;

// One direction of one stream. What the relay has not told yet is null.
[[nodiscard]] Json media_schema() {
  Json properties{{"codec", maybe("string")}, {"crypto", text_type()}};
  for (const char* const name : {"packets", "bytes", "lost"}) properties[name] = maybe("integer");
  for (const char* const name : {"jitter_ms", "mos"}) properties[name] = maybe("number");
  for (const char* const name : {"local", "remote"}) properties[name] = maybe("string");
  properties["after_bye_packets"] = maybe("integer");
  properties["stream"] = {{"type", "integer"}};
  properties["from"] = {{"type", "string"}, {"enum", {"caller", "callee"}}};
  for (const char* const name : {"lost_ratio", "round_trip_ms"}) properties[name] = maybe("number");
  return object(std::move(properties));
}

// In lists it has no reasons.
[[nodiscard]] Json call_schema(bool with_reasons) {
  const Json leg = object({{"realm", text_type()},
                           {"transport", text_type()},
                           {"remote", text_type()},
                           {"call_id", text_type()}});
  const Json tried =
      object({{"peer", maybe("string")}, {"target", text_type()}, {"code", {{"type", "integer"}}}});
  Json properties{
      {"id", text_type()},
      {"state", {{"type", "string"}, {"enum", {"trying", "ringing", "answered", "ending", "ended"}}}}};
  for (const char* const name :
       {"peer_in", "peer_out", "from", "to", "called_in", "called_out", "route", "start", "ring", "answer",
        "end", "media_end", "result", "ended_by", "end_reason"})
    properties[name] = maybe("string");
  for (const char* const name : {"setup_ms", "duration_ms", "sip_code", "q850"})
    properties[name] = maybe("integer");
  properties["tried"] = list_of(tried);
  properties["legs"] = list_of(leg);
  properties["detections"] = list_of(text_type());
  properties["emergency"] = {{"type", "boolean"}};
  properties["media"] = list_of(reference("Media"));
  properties["identity"] = maybe("string");
  properties["transfers"] =
      list_of(object({{"by", maybe("string")}, {"to", text_type()}, {"code", integer_type()}}));
  if (with_reasons) properties["reasons"] = list_of(object({{"at", text_type()}, {"text", text_type()}}));
  return object(std::move(properties), {"transfers"});
}

[[nodiscard]] Json trace_schema() {
  const Json integer{{"type", "integer"}}, boolean{{"type", "boolean"}};
  const Json message = object({{"at", text_type()},
                               {"after_ms", {{"type", "number"}}},
                               {"from", integer},
                               {"to", integer},
                               {"local", text_type()},
                               {"remote", text_type()},
                               {"method", maybe("string")},
                               {"status", maybe("integer")},
                               {"reason", maybe("string")},
                               {"cseq", maybe("integer")},
                               {"sdp", boolean},
                               {"again", boolean},
                               {"bytes", integer},
                               {"text", text_type()}});
  const Json party = object({{"name", text_type()}, {"realm", maybe("string")}, {"remote", maybe("string")}});
  return object({{"call", reference("Call")},
                 {"parties", list_of(party)},
                 {"messages", list_of(message)},
                 {"cut", boolean}});
}

[[nodiscard]] Json address_schema() {
  const Json realm = object({{"realm", text_type()},
                             {"class", text_type()},
                             {"blocked", {{"type", "boolean"}}},
                             {"peer", maybe("string")}});
  return object({{"address", text_type()},
                 {"realms", list_of(realm)},
                 {"blocks", list_of(reference("Block"))},
                 {"detections", list_of(reference("Detection"))},
                 {"drops", list_of(object({{"port", text_type()},
                                           {"reason", text_type()},
                                           {"packets", {{"type", "integer"}}},
                                           {"since", text_type()},
                                           {"last", text_type()}}))},
                 {"reasons", list_of(object({{"text", text_type()}}))}});
}

[[nodiscard]] Json block_schema() {
  const Json integer{{"type", "integer"}};
  return object({{"prefix", text_type()},
                 {"origin", {{"type", "string"}, {"enum", {"operator", "feed", "detector"}}}},
                 {"reason", maybe("string")},
                 {"touches", {{"type", "string"}, {"enum", {"all", "unconfigured", "untrusted"}}}},
                 {"since", text_type()},
                 {"until", maybe("string")},
                 {"expires_in_s", maybe("integer")},
                 {"hits", integer},
                 {"last_hit", maybe("string")}});
}

[[nodiscard]] Json detection_schema() {
  const Json integer{{"type", "integer"}};
  return object({{"last", text_type()},
                 {"first", text_type()},
                 {"detector", text_type()},
                 {"action", text_type()},
                 {"source", text_type()},
                 {"port", integer},
                 {"realm", maybe("string")},
                 {"call", maybe("string")},
                 {"count", integer},
                 {"confidence", {{"type", "integer"}, {"minimum", 0}, {"maximum", 100}}},
                 {"proved", {{"type", "boolean"}}},
                 {"evidence", text_type()}});
}

[[nodiscard]] Json peer_schema() {
  const Json integer{{"type", "integer"}}, boolean{{"type", "boolean"}};
  const Json calls = object({{"active", integer}, {"limit", integer}});
  const Json target = object(
      {{"target", text_type()},
       {"address", maybe("string")},
       {"transport", text_type()},
       {"state",
        {{"type", "string"}, {"enum", {"up", "down", "unknown", "set_aside", "unresolved", "retired"}}}},
       {"since", maybe("string")},
       {"round_trip_ms", maybe("number")},
       {"last_code", maybe("integer")},
       {"calls", integer},
       {"weight", integer}});
  const Json registration = object({{"aor", text_type()},
                                    {"state", text_type()},
                                    {"registrar", maybe("string")},
                                    {"expires", maybe("string")},
                                    {"next", maybe("string")},
                                    {"last_code", maybe("integer")}});
  return object({{"name", text_type()},
                 {"realm", text_type()},
                 {"profile", text_type()},
                 {"transport", text_type()},
                 {"balance", text_type()},
                 {"up", boolean},
                 {"probed", boolean},
                 {"retired", boolean},
                 {"calls", object({{"in", calls}, {"out", calls}})},
                 {"targets", list_of(target)},
                 {"registration", {{"oneOf", {registration, {{"type", "null"}}}}}}});
}

[[nodiscard]] Json registration_schema() {
  Json properties;
  for (const char* const name : {"aor", "registrar", "contact", "remote", "local", "transport"})
    properties[name] = text_type();
  properties["nat"] = {{"type", "boolean"}};
  for (const char* const name : {"since", "expires"}) properties[name] = maybe("string");
  properties["expires_in_s"] = {{"type", "integer"}};
  for (const char* const name : {"inside_expires", "user_agent"}) properties[name] = maybe("string");
  return object(std::move(properties));
}

[[nodiscard]] Json reload_schema() {
  const Json texts = list_of(text_type()), integer{{"type", "integer"}};
  const Json wait = object({{"until", text_type()}, {"seconds", integer}});
  return object({{"changes", texts},
                 {"tables", list_of(object({{"name", text_type()}, {"lines", integer}}))},
                 {"users", list_of(object({{"registrar", text_type()}, {"users", integer}}))},
                 {"passwords", texts},
                 {"certificates", texts},
                 {"tokens", texts},
                 {"warnings", texts},
                 {"unconfirmed", {{"oneOf", {wait, {{"type", "null"}}}}}},
                 {"taken_back", {{"type", "boolean"}}}});
}

[[nodiscard]] Json traffic_schema() {
  const Json count = object({{"packets", integer_type()}, {"bytes", integer_type()}});
  return object({{"signalling", count}, {"media", count}, {"exception", count}, {"unclassified", count}});
}

// `whole`: what stays the same while it works, too.
[[nodiscard]] Json port_schema(bool whole) {
  Json properties{{"name", text_type()}};
  if (whole) {
    for (const char* const name : {"device", "driver", "namespace", "mac"}) properties[name] = text_type();
    properties["mtu"] = integer_type();
    properties["vlan"] = maybe("integer");
    properties["addresses"] = list_of(text_type());
  }
  properties["link"] = one_of({"up", "down"});
  properties["received"] = properties["sent"] = traffic_schema();
  properties["dropped"] = object({{"total", integer_type()}, {"reasons", counts_by_name()}});
  return object(std::move(properties));
}

[[nodiscard]] Json realm_stats_schema() {
  const Json both = object({{"in", counts_by_name()}, {"out", counts_by_name()}});
  return object({{"name", text_type()},
                 {"requests", both},
                 {"responses", both},
                 {"dropped", counts_by_name()},
                 {"retransmissions", object({{"received", integer_type()}, {"sent", integer_type()}})}});
}

[[nodiscard]] Json media_stats_schema() {
  const Json count = object({{"packets", integer_type()}, {"bytes", integer_type()}});
  const Json realm =
      object({{"name", text_type()},
              {"in", count},
              {"out", count},
              {"dropped", counts_by_name()},
              {"port_pairs", object({{"taken", integer_type()}, {"capacity", integer_type()}})}});
  return object(
      {{"streams",
        object({{"active", integer_type()}, {"secured", integer_type()}, {"closing", integer_type()}})},
       {"sources_learned", integer_type()},
       {"commands_refused", integer_type()},
       {"reports_late", integer_type()},
       {"relay_mean_ns", maybe("integer")},
       {"quality", object({{"directions", integer_type()},
                           {"lost_ratio", maybe("number")},
                           {"jitter_ms", maybe("number")},
                           {"mos", maybe("number")}})},
       {"realms", list_of(realm)}});
}

[[nodiscard]] Json lcore_schema() {
  return object({{"lcore", integer_type()},
                 {"cpu", maybe("integer")},
                 {"busy_ratio", {{"type", "number"}, {"minimum", 0}, {"maximum", 1}}},
                 {"busy_ns", integer_type()},
                 {"total_ns", integer_type()}});
}

// Counters are totals since the start.
[[nodiscard]] Json stats_schema() {
  Json properties;
  for (const char* const name : {"version", "dpdk", "node", "at", "started"}) properties[name] = text_type();
  properties["hugepages"] = properties["is_draining"] = boolean_type();
  properties["uptime_s"] = integer_type();
  properties["ports"] = list_of(port_schema(false));
  properties["realms"] = list_of(realm_stats_schema());
  const Json room = object({{"active", integer_type()}, {"capacity", integer_type()}});
  for (const char* const name : {"calls", "registrations", "transactions"}) properties[name] = room;
  properties["dialogs"] = object({{"active", integer_type()}});
  properties["sources"] = object({{"tracked", integer_type()}, {"capacity", integer_type()}});
  properties["blocked"] = object({{"prefixes", integer_type()}, {"capacity", integer_type()}});
  const Json by = object({{"detector", text_type()}, {"action", text_type()}, {"count", integer_type()}});
  properties["detections"] = object({{"total", integer_type()}, {"by", list_of(by)}});
  Json alarms;
  for (const char* const name : {"active", "critical", "major", "minor", "warning"})
    alarms[name] = integer_type();
  properties["alarms"] = object(std::move(alarms));
  properties["media"] = media_stats_schema();
  properties["mbufs"] = object({{"free", integer_type()}, {"total", integer_type()}});
  properties["lcores"] = list_of(lcore_schema());
  properties["rings"] =
      list_of(object({{"name", text_type()}, {"used", integer_type()}, {"capacity", integer_type()}}));
  return object(std::move(properties));
}

}  // namespace

Json answer_schemas() {
  const Json alarm = object({{"name", text_type()},
                             {"severity", text_type()},
                             {"subject", text_type()},
                             {"since", text_type()},
                             {"count", {{"type", "integer"}}},
                             {"detail", text_type()},
                             {"meaning", text_type()}});
  return {{"Problem", object({{"type", text_type()},
                              {"title", text_type()},
                              {"status", {{"type", "integer"}}},
                              {"detail", text_type()},
                              {"problems", list_of(text_type())}},
                             {"problems"})},
          {"Call", call_schema(true)},
          {"CallRow", call_schema(false)},
          {"Media", media_schema()},
          {"CallAnswer", object({{"call", reference("Call")}})},
          {"CallPage", object({{"calls", list_of(reference("CallRow"))},
                               {"active", {{"type", "integer"}}},
                               {"next", maybe("string")}})},
          {"CallTrace", trace_schema()},
          {"AlarmList", object({{"alarms", list_of(alarm)}})},
          {"Peer", peer_schema()},
          {"PeerPage", object({{"peers", list_of(reference("Peer"))}, {"next", maybe("string")}})},
          {"Registration", registration_schema()},
          {"RegistrationPage", object({{"registrations", list_of(reference("Registration"))},
                                       {"active", {{"type", "integer"}}},
                                       {"next", maybe("string")}})},
          {"Block", block_schema()},
          {"BlockPage", object({{"blocked", list_of(reference("Block"))},
                                {"prefixes", {{"type", "integer"}}},
                                {"capacity", {{"type", "integer"}}},
                                {"next", maybe("string")}})},
          {"Detection", detection_schema()},
          {"DetectionPage", object({{"detections", list_of(reference("Detection"))},
                                    {"kept", {{"type", "integer"}}},
                                    {"capacity", {{"type", "integer"}}},
                                    {"forgotten", {{"type", "integer"}}},
                                    {"next", maybe("string")}})},
          {"BlockDone", object({{"block", reference("Block")}, {"warnings", list_of(text_type())}})},
          {"BlockEnded", object({{"prefix", text_type()}, {"warnings", list_of(text_type())}})},
          {"ReloadOrder", object({{"confirm", text_type()}}, {"confirm"})},
          {"ReloadReport", reload_schema()},
          {"BlockOrder", object({{"prefix", text_type()}, {"for", text_type()}, {"reason", text_type()}},
                                {"for", "reason"})},
          {"Explanation", {{"oneOf", {reference("CallAnswer"), address_schema()}}}},
          {"Health", object({{"healthy", boolean_type()}})},
          {"Readiness", object({{"ready", boolean_type()}})},
          {"Me", object({{"name", maybe("string")}, {"role", one_of({"viewer", "operator", "admin"})}})},
          {"Stats", stats_schema()},
          {"PortList", object({{"ports", list_of(port_schema(true))}})},
          {"Configuration", object({{"config", {{"type", "object"}}}})}};
}

}  // namespace sallyport::mgmt
