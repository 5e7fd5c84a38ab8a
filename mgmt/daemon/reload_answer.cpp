// reload_answer.cpp — see reload_answer.h.
#include "mgmt/daemon/reload_answer.h"

#include <nlohmann/json.hpp>

#include "mgmt/calls/calls_json.h"
#include "mgmt/cli/check_command.h"

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
  return {{"changes", std::move(changes)},       {"tables", std::move(tables)},
          {"users", std::move(users)},           {"passwords", report.passwords},
          {"certificates", report.certificates}, {"warnings", std::move(warnings)}};
}

}  // namespace

ControlResult reload_answer(const Result<ReloadReport, ReloadRefusal>& done) {
  if (done) return to_text(report_json(*done));
  ControlFailure failure{kExitBadConfiguration, done.error().why + "; what ran goes on"};
  for (const ConfigProblem& problem : done.error().problems) failure.lines.push_back(check_line(problem));
  return fail(std::move(failure));
}

}  // namespace sallyport::mgmt
