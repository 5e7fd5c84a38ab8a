// openapi.cpp — paths, what they take and what they answer.
#include "mgmt/http/openapi.h"

#include <initializer_list>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "mgmt/http/path_roles.h"
#include "mgmt/metrics/observation.h"

namespace sallyport::mgmt {
namespace {

using Json = nlohmann::ordered_json;

[[nodiscard]] Json text_type() { return {{"type", "string"}}; }
[[nodiscard]] Json maybe(const char* type) { return {{"type", {type, "null"}}}; }
[[nodiscard]] Json list_of(Json items) { return {{"type", "array"}, {"items", std::move(items)}}; }
[[nodiscard]] Json reference(const char* schema) {
  return {{"$ref", std::string("#/components/schemas/") + schema}};
}
[[nodiscard]] Json object(Json properties) {
  return {{"type", "object"}, {"properties", std::move(properties)}};
}

[[nodiscard]] Json parameter(const char* name, const char* in, Json schema, const char* what) {
  return {{"name", name},
          {"in", in},
          {"required", std::string_view(in) == "path"},
          {"description", what},
          {"schema", std::move(schema)}};
}

[[nodiscard]] Json with_content(const char* what, const char* type, Json schema) {
  return {{"description", what}, {"content", {{type, {{"schema", std::move(schema)}}}}}};
}

struct Answer {
  const char* status;
  const char* what;
};

// `good`: the schema of 200; null: there is no good answer yet.
[[nodiscard]] Json operation(const char* what, Json parameters, Json good,
                             std::initializer_list<Answer> bad) {
  Json responses = Json::object();
  if (!good.is_null()) responses["200"] = with_content("The answer.", "application/json", std::move(good));
  for (const Answer& answer : bad)
    responses[answer.status] = with_content(answer.what, "application/problem+json", reference("Problem"));
  Json out{{"summary", what}};
  if (!parameters.empty()) out["parameters"] = std::move(parameters);
  out["responses"] = std::move(responses);
  return out;
}

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

[[nodiscard]] Json call_schema() {
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
  properties["reasons"] = list_of(object({{"at", text_type()}, {"text", text_type()}}));
  return object(std::move(properties));
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

[[nodiscard]] Json schemas() {
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
                              {"problems", list_of(text_type())}})},
          {"Call", call_schema()},
          {"Media", media_schema()},
          {"CallAnswer", object({{"call", reference("Call")}})},
          {"CallPage", object({{"calls", list_of(reference("Call"))},
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
          {"ReloadOrder", object({{"confirm", text_type()}})},
          {"ReloadReport", reload_schema()},
          {"BlockOrder", object({{"prefix", text_type()}, {"for", text_type()}, {"reason", text_type()}})},
          {"Explanation", {{"oneOf", {reference("CallAnswer"), address_schema()}}}},
          {"Health", object({{"healthy", {{"type", "boolean"}}}, {"ready", {{"type", "boolean"}}}})}};
}

// One that takes a JSON object.
[[nodiscard]] Json with_body(Json operation, const char* schema, bool is_required) {
  operation["requestBody"] = {{"required", is_required},
                              {"content", {{"application/json", {{"schema", reference(schema)}}}}}};
  return operation;
}

[[nodiscard]] Json blocked_paths(const Json& page) {
  constexpr Answer kNoPrefix{"400", "`prefix`, `for` or the body is wrong."};
  const Json prefix = Json::array({parameter("prefix", "query", text_type(), "As it is listed.")});
  return {
      {"get", operation("Prefixes from which nothing is taken; those of feeds last", page,
                        reference("BlockPage"), {{"400", "limit or cursor is no number."}})},
      {"post", with_body(operation("Takes nothing more from a prefix", Json::array(), reference("BlockDone"),
                                   {kNoPrefix, {"503", "There is no room for another."}}),
                         "BlockOrder", true)},
      {"delete", operation("Ends the block of a prefix", prefix, reference("BlockEnded"),
                           {kNoPrefix, {"404", "It is not blocked."}})}};
}

// What the node is: its configuration, and whether it takes calls.
void add_node_paths(Json& paths) {
  constexpr Answer kRefused{"409", "It is refused, and what ran goes on; `problems` says what is wrong."};
  const Json none = Json::array();
  paths["/api/v1/reload"] = {
      {"post",
       with_body(operation("Reads the configuration again; calls go on", none, reference("ReloadReport"),
                           {{"400", "`confirm` is no time, or the body is no object."}, kRefused}),
                 "ReloadOrder", false)}};
  paths["/api/v1/confirm"] = {{"post", operation("Keeps what a reload brought that is to be confirmed", none,
                                                 object({{"confirmed", {{"type", "boolean"}}}}),
                                                 {{"409", "Nothing waits for it."}})}};
  paths["/api/v1/rollback"] = {{"post", operation("Goes back to the configuration before the last reload",
                                                  none, reference("ReloadReport"), {kRefused})}};
  paths["/api/v1/drain"] = {
      {"post", operation("No new calls from now on", none,
                         object({{"draining", {{"type", "boolean"}}}, {"active", {{"type", "integer"}}}}),
                         {{"503", "A signalling thread does not answer."}})}};
}

// Who may ask, and what whoever may not hears: from the table that the gate reads (path_roles.h).
void add_roles(Json& paths) {
  const auto bad = [](const char* what) {
    return with_content(what, "application/problem+json", reference("Problem"));
  };
  for (auto& [path, operations] : paths.items())
    for (auto& [method, described] : operations.items()) {
      std::string upper = method;
      for (char& c : upper) c = static_cast<char>(c - 'a' + 'A');
      const Needs needs = needed_role(upper, path);
      described["security"] = Json::array();
      if (needs == Needs::Nothing) continue;
      described["security"].push_back({{"token", Json::array({to_string(needs)})}});
      described["x-role"] = to_string(needs);
      Json& responses = described["responses"];
      responses["401"] = bad("It needs a token, and there was none, or none that is known.");
      responses["403"] = bad("The token's role is not enough, or no token is configured.");
      responses["429"] = bad("Too many wrong tokens came from there.");
      if (upper == "POST") responses["415"] = bad("What is posted is application/json.");
    }
}

[[nodiscard]] Json call_paths() {
  constexpr Answer kNoCall{"404", "No such call."}, kBusy{"503", "A signalling thread does not answer."};
  const Json id =
      Json::array({parameter("id", "path", text_type(), "The call's id, or a Call-ID of a leg.")});
  const Json page = Json::array(
      {parameter("limit", "query", {{"type", "integer"}, {"minimum", 1}, {"maximum", 1000}}, "Default 100."),
       parameter("cursor", "query", text_type(), "What `next` was in the page before.")});
  Json detection_page = page;
  detection_page.push_back(parameter("detector", "query", text_type(), "Only what this one found."));
  detection_page.push_back(parameter("source", "query", text_type(), "An address or a prefix."));
  return {
      {"/api/v1/calls",
       {{"get", operation("Calls that are up, the oldest first", page, reference("CallPage"),
                          {{"400", "limit or cursor is no number."}, kBusy})}}},
      {"/api/v1/calls/{id}",
       {{"get", operation("One call", id, reference("CallAnswer"), {kNoCall, kBusy})},
        {"delete", operation("Ends a call on both legs", id,
                             object({{"id", text_type()}, {"state", text_type()}}), {kNoCall, kBusy})}}},
      {"/api/v1/calls/{id}/messages",
       {{"get", operation("Its SIP messages on both legs", id, reference("CallTrace"), {kNoCall, kBusy})}}},
      {"/api/v1/explain",
       {{"get", operation("The chain of reasons of a call, or whom an address is taken for",
                          Json::array({parameter("of", "query", text_type(),
                                                 "The call's id, a Call-ID, or an address.")}),
                          reference("Explanation"), {{"400", "`of` is missing."}, kNoCall, kBusy})}}},
      {"/api/v1/peers",
       {{"get", operation("Peers, their targets and registrations, in the order of the configuration", page,
                          reference("PeerPage"), {{"400", "limit or cursor is no number."}, kBusy})}}},
      {"/api/v1/registrations",
       {{"get", operation("Registered endpoints, by address of record", page, reference("RegistrationPage"),
                          {{"400", "limit is no number, or cursor is none."}, kBusy})}}},
      {"/api/v1/blocked", blocked_paths(page)},
      {"/api/v1/detections",
       {{"get",
         operation("What looked like an attack, the last first", detection_page, reference("DetectionPage"),
                   {{"400", "limit, cursor, detector or source is none."}})}}}};
}

}  // namespace

std::string openapi_json() {
  Json paths = call_paths();
  paths["/api/v1/alarms"] = {
      {"get", operation("Alarms that are up, the worst first", Json::array(), reference("AlarmList"), {})}};
  paths["/api/v1/openapi.json"] = {{"get", operation("This", Json::array(), {{"type", "object"}}, {})}};
  paths["/healthz"] = {{"get", operation("Whether it lives", Json::array(), reference("Health"), {})}};
  paths["/readyz"] = {{"get", operation("Whether it takes calls", Json::array(), reference("Health"),
                                        {{"503", "It is starting or draining."}})}};
  Json metrics{{"summary", "Counters for Prometheus"}};
  metrics["responses"]["200"] = with_content("Text format 0.0.4.", "text/plain", text_type());
  paths["/metrics"] = {{"get", std::move(metrics)}};
  add_node_paths(paths);
  add_roles(paths);
  const Json bearer{
      {"type", "http"},
      {"scheme", "bearer"},
      {"description",
       "A token of management.tokens. With none configured, a client on the machine itself reads "
       "without one and nobody changes anything."}};
  const Json root{{"openapi", "3.1.0"},
                  {"info", {{"title", "Sallyport"}, {"version", kVersion}}},
                  {"paths", std::move(paths)},
                  {"components", {{"schemas", schemas()}, {"securitySchemes", {{"token", bearer}}}}}};
  return root.dump(1) + '\n';
}

}  // namespace sallyport::mgmt
