// reload_answer.cpp — see reload_answer.h.
#include "mgmt/daemon/reload_answer.h"

#include <nlohmann/json.hpp>
#include <optional>

#include "mgmt/calls/calls_json.h"
#include "mgmt/cli/check_command.h"
#include "mgmt/config/option_value.h"
#include "mgmt/http/control_answer.h"

namespace sallyport::mgmt {
namespace {

using Json = nlohmann::ordered_json;

[[nodiscard]] Json report_json(const ReloadReport& report) {
  Json changes = Json::array(), tables = Json::array(), users = Json::array(), warnings = Json::array();
  for (const ConfigChange& change : report.changes) changes.push_back(to_string(change));
  for (const ReloadReport::Table& table : report.tables)
    tables.push_back({{"name", table.name}, {"lines", table.lines}});
  for (const ReloadReport::Users& one : report.users)
    users.push_back({{"registrar", one.registrar}, {"users", one.users}});
  for (const ConfigProblem& problem : report.warnings) warnings.push_back(check_line(problem));
  Json out{{"changes", std::move(changes)},       {"tables", std::move(tables)},
           {"users", std::move(users)},           {"passwords", report.passwords},
           {"certificates", report.certificates}, {"tokens", report.tokens},
           {"warnings", std::move(warnings)},     {"unconfirmed", nullptr}};
  if (report.probation) {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(report.probation->left).count();
    out["unconfirmed"] = Json{{"until", iso_8601(report.probation->until)}, {"seconds", seconds}};
  }
  out["taken_back"] = report.was_taken_back;
  return out;
}

[[nodiscard]] ControlFailure failure_of(const ReloadRefusal& refusal) {
  ControlFailure failure{kExitBadConfiguration, refusal.why + "; what ran goes on"};
  for (const ConfigProblem& problem : refusal.problems) failure.lines.push_back(check_line(problem));
  return failure;
}

// Nothing: it is not one that a configuration may be tried for.
[[nodiscard]] std::optional<Duration> trial_time(const std::string& text) {
  constexpr Duration kLeast = std::chrono::seconds(1), kMost = std::chrono::hours(24);
  const auto parsed = parse_duration(text);
  if (!parsed || *parsed < kLeast || *parsed > kMost) return std::nullopt;
  return *parsed;
}

void reload(Reload& reload, std::string_view by, const Arguments& given,
            const ControlCommands::Reply& reply) {
  std::optional<Duration> within;
  if (const auto asked = given.find("confirm"); asked != given.end() && !asked->second.empty()) {
    within = trial_time(asked->second);
    if (!within)
      return reply(
          fail(ControlFailure{kExitUsage, "confirm: " + asked->second.substr(0, 64) +
                                              " is no time to wait for; write from 1s to 24h, as 5m"}));
  }
  reload.begin(by, [reply](const Reload::Done& done) { reply(reload_answer(done)); }, within);
}

[[nodiscard]] ControlResult confirm(Reload& reload, std::string_view by) {
  const auto done = reload.confirm(by);
  if (!done) return fail(ControlFailure{kExitBadConfiguration, done.error().why});
  return to_text(Json{{"confirmed", true}});
}

// The members of a body that are texts; nothing: it is no object. An empty body has none.
[[nodiscard]] std::optional<Arguments> text_members(std::string_view body) {
  Arguments out;
  if (body.find_first_not_of(" \t\r\n") == std::string_view::npos) return out;
  const Json json = Json::parse(body, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  for (const auto& [name, value] : json.items()) {
    if (!value.is_string()) return std::nullopt;
    out.emplace(name, value.get<std::string>());
  }
  return out;
}

[[nodiscard]] std::string token_of(const PathArguments& given) {
  return given.caller.empty() ? "REST" : "token " + std::string(given.caller);
}

}  // namespace

ControlResult reload_answer(const Result<ReloadReport, ReloadRefusal>& done) {
  if (done) return to_text(report_json(*done));
  return fail(failure_of(done.error()));
}

void add_reload_commands(ControlCommands& commands, Reload& reloads) {
  commands.on_later("reload", [&reloads](const ControlArguments& given, const ControlCommands::Reply& reply) {
    reload(reloads, "command", given, reply);
  });
  commands.on("confirm", [&reloads](const ControlArguments&) { return confirm(reloads, "command"); });
  commands.on("rollback",
              [&reloads](const ControlArguments&) { return reload_answer(reloads.rollback("command")); });
}

void add_reload_paths(Router& router, Reload& reloads) {
  router.on_later(
      "POST", "/api/v1/reload", [&reloads](const PathArguments& given, const Router::Reply& reply) {
        const auto members = text_members(given.body);
        if (!members)
          return reply(problem(400, "Bad Request",
                               "The body is empty, or a JSON object such as {\"confirm\":\"5m\"}."));
        reload(reloads, token_of(given), *members,
               [reply](const ControlResult& result) { reply(http_answer(result)); });
      });
  router.on("POST", "/api/v1/confirm", [&reloads](const PathArguments& given) {
    return http_answer(confirm(reloads, token_of(given)));
  });
  router.on("POST", "/api/v1/rollback", [&reloads](const PathArguments& given) {
    return http_answer(reload_answer(reloads.rollback(token_of(given))));
  });
}

}  // namespace sallyport::mgmt
