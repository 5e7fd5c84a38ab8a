// call_answers.cpp — questions about calls and their answers. RFC 9110 §15, RFC 9457.
#include "mgmt/calls/call_answers.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "mgmt/cli/asked.h"
#include "mgmt/http/control_answer.h"
#include "mgmt/http/openapi.h"

namespace sallyport::mgmt {
namespace {

using Json = nlohmann::ordered_json;

[[nodiscard]] ControlFailure failure(CallDeskFailure why, const std::string& id) {
  if (why == CallDeskFailure::Busy) return {kExitNoDaemon, "a signalling thread does not answer; try again"};
  if (id.empty()) return {kExitUsage, "which call? name its id or a Call-ID of it"};
  return {kExitNoSuchThing, "no such call: " + id.substr(0, CallDesk::kIdBytesMax)};
}

[[nodiscard]] ControlResult list(const CallAnswers& answers, const Arguments& arguments) {
  const auto asked = page_asked(arguments);
  if (!asked) return fail(asked.error());
  const std::string search = value_of(arguments, "search");
  if (search.size() > CallSearch::kBytesMax)
    return fail(ControlFailure{
        kExitUsage, fmt::format("search is at most {} octets: a number, a name, an address or a Call-ID",
                                CallSearch::kBytesMax)});
  const auto page = search.empty() ? answers.desk.list(asked->cursor, asked->limit)
                                   : answers.desk.search(asked->cursor, asked->limit, CallSearch(search));
  if (!page) return fail(failure(page.error(), "?"));
  return calls_text(*page, answers.desk.calls_active());
}

[[nodiscard]] ControlResult call(const CallAnswers& answers, const std::string& id) {
  const auto found = answers.desk.find(id, false);
  if (!found) return fail(failure(found.error(), id));
  return to_text(Json{{"call", call_json(found->call, found->at, found->clocks)}});
}

[[nodiscard]] ControlResult messages(const CallAnswers& answers, const std::string& id) {
  const auto found = answers.desk.find(id, true);
  if (!found) return fail(failure(found.error(), id));
  return to_text(trace_json(*found, answers.names()));
}

[[nodiscard]] ControlResult explain(const CallAnswers& answers, const std::string& of) {
  if (answers.explain_other)
    if (auto other = answers.explain_other(of)) return std::move(*other);
  return call(answers, of);
}

[[nodiscard]] ControlResult hang_up(const CallAnswers& answers, const std::string& id) {
  const auto ended = answers.desk.hang_up(id);
  if (!ended) return fail(failure(ended.error(), id));
  const std::string own_id = call_id_text(ended->record.call);
  answers.on_hang_up(own_id);
  return to_text(Json{{"id", own_id}, {"state", "ending"}});
}

[[nodiscard]] ControlResult drain(const CallAnswers& answers, std::string_view by) {
  const auto active = answers.desk.drain();
  if (!active) return fail(failure(active.error(), "?"));
  answers.on_drain(by);
  return to_text(Json{{"draining", true}, {"active", *active}});
}

}  // namespace

void add_call_commands(ControlCommands& commands, const CallAnswers& answers) {
  commands.on_show("calls", [answers](const ControlArguments& given) { return list(answers, given); });
  commands.on_show("call", [answers](const ControlArguments& given) {
    const bool with_messages = value_of(given, "messages") == "true";
    return with_messages ? messages(answers, value_of(given, "id")) : call(answers, value_of(given, "id"));
  });
  commands.on_show("alarms", answers.alarms);
  commands.on("explain",
              [answers](const ControlArguments& given) { return explain(answers, value_of(given, "of")); });
  commands.on("hangup",
              [answers](const ControlArguments& given) { return hang_up(answers, value_of(given, "id")); });
  commands.on("drain", [answers](const ControlArguments&) { return drain(answers, "command"); });
}

void add_call_paths(Router& router, const CallAnswers& answers) {
  router.on("GET", "/api/v1/calls",
            [answers](const PathArguments& given) { return http_answer(list(answers, given.query)); });
  router.on("GET", "/api/v1/calls/{id}", [answers](const PathArguments& given) {
    return http_answer(call(answers, given.path.at("id")));
  });
  router.on("GET", "/api/v1/calls/{id}/messages", [answers](const PathArguments& given) {
    return http_answer(messages(answers, given.path.at("id")));
  });
  router.on("GET", "/api/v1/explain", [answers](const PathArguments& given) {
    return http_answer(explain(answers, value_of(given.query, "of")));
  });
  router.on_get("/api/v1/alarms", [answers] { return http_answer(answers.alarms()); });
  router.on("DELETE", "/api/v1/calls/{id}", [answers](const PathArguments& given) {
    return http_answer(hang_up(answers, given.path.at("id")));
  });
  router.on("POST", "/api/v1/drain", [answers](const PathArguments& given) {
    return http_answer(drain(answers, given.caller.empty() ? "REST" : "token " + std::string(given.caller)));
  });
  router.on_get("/api/v1/openapi.json", [] {
    HttpResponse out;
    out.body = openapi_json();
    return out;
  });
}

}  // namespace sallyport::mgmt
