// openapi.cpp — paths, what they take and what they answer.
#include "mgmt/http/openapi.h"

#include <initializer_list>
#include <string>
#include <string_view>

#include "mgmt/http/answer_schemas.h"
#include "mgmt/http/json_schema_words.h"
#include "mgmt/http/path_roles.h"
#include "mgmt/metrics/observation.h"

namespace sallyport::mgmt {
namespace {

using namespace schema;

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

// What it does, in numbers and as it happens.
void add_watch_paths(Json& paths) {
  constexpr Answer kFull{"503", "As many do so as may, or a signalling thread does not answer."};
  const Json none = Json::array();
  paths["/api/v1/stats"] = {
      {"get", operation("Counters since the start, and what is up", none, reference("Stats"), {})}};
  paths["/api/v1/me"] = {{"get", operation("Who asks, and what he may do: the name and the role of his token",
                                           none, reference("Me"), {})}};
  paths["/api/v1/ports"] = {
      {"get", operation("Ports, their devices and traffic", none, reference("PortList"), {})}};
  paths["/api/v1/config"] = {{"get", operation("The configuration that runs, with defaults, secrets masked",
                                               none, reference("Configuration"), {})}};
  Json events = operation(
      "Server-sent events: `stats` (as /api/v1/stats) once a second, `detection` (as one of "
      "/api/v1/detections), `alarm` (as one of /api/v1/alarms, with is_active)",
      none, nullptr, {kFull});
  events["responses"]["200"] = with_content("It goes on.", "text/event-stream", text_type());
  paths["/api/v1/events"] = {{"get", std::move(events)}};
  const Json what = Json::array(
      {parameter("call", "query", text_type(),
                 "A call's id, or a Call-ID. One of call, peer and address is named."),
       parameter("peer", "query", text_type(), "A peer's name."),
       parameter("address", "query", text_type(), "An IP address."),
       parameter("for", "query", text_type(), "How long at most, as 30s; default 10m, at most 1h."),
       parameter("media", "query", {{"type", "string"}, {"enum", {"none"}}}, "Leaves media headers out.")});
  Json capture = operation("Messages in clear as pcapng, until the call or the time is over", what, nullptr,
                           {{"400", "A parameter is wrong."}, {"404", "No such call or peer."}, kFull});
  capture["responses"]["200"] =
      with_content("It goes on.", "application/x-pcapng", {{"type", "string"}, {"format", "binary"}});
  paths["/api/v1/capture"] = {{"get", std::move(capture)}};
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

// The web page: files that are the same everywhere.
void add_page_paths(Json& paths) {
  Json page{{"summary", "The web page"}}, file{{"summary", "A file of the web page"}};
  page["responses"]["200"] = with_content("The page.", "text/html", text_type());
  file["parameters"] = Json::array({parameter("file", "path", text_type(), "Its name.")});
  file["responses"]["200"] = {{"description", "The file, with its type."}};
  file["responses"]["404"] =
      with_content("There is no such file.", "application/problem+json", reference("Problem"));
  paths["/"] = {{"get", std::move(page)}};
  paths["/page/{file}"] = {{"get", std::move(file)}};
}

[[nodiscard]] Json call_paths() {
  constexpr Answer kNoCall{"404", "No such call."}, kBusy{"503", "A signalling thread does not answer."};
  const Json id =
      Json::array({parameter("id", "path", text_type(), "The call's id, or a Call-ID of a leg.")});
  const Json page = Json::array(
      {parameter("limit", "query", {{"type", "integer"}, {"minimum", 1}, {"maximum", 1000}}, "Default 100."),
       parameter("cursor", "query", text_type(), "What `next` was in the page before.")});
  Json call_page = page;
  call_page.push_back(
      parameter("search", "query", {{"type", "string"}, {"maxLength", 128}},
                "Only calls with this number, peer, route, address or Call-ID in them. A page "
                "may be short although there is a next one."));
  Json detection_page = page;
  detection_page.push_back(parameter("detector", "query", text_type(), "Only what this one found."));
  detection_page.push_back(parameter("source", "query", text_type(), "An address or a prefix."));
  return {
      {"/api/v1/calls",
       {{"get", operation("Calls that are up, the oldest first", call_page, reference("CallPage"),
                          {{"400", "limit or cursor is no number, or search is too long."}, kBusy})}}},
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
  paths["/readyz"] = {{"get", operation("Whether it takes calls", Json::array(), reference("Readiness"),
                                        {{"503", "It is starting or draining."}})}};
  Json metrics{{"summary", "Counters for Prometheus"}};
  metrics["responses"]["200"] = with_content("Text format 0.0.4.", "text/plain", text_type());
  paths["/metrics"] = {{"get", std::move(metrics)}};
  add_node_paths(paths);
  add_page_paths(paths);
  add_watch_paths(paths);
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
                  {"components", {{"schemas", answer_schemas()}, {"securitySchemes", {{"token", bearer}}}}}};
  return root.dump(1) + '\n';
}

}  // namespace sallyport::mgmt
