// rules_command.cpp — see rules_command.h.
#include "mgmt/cli/rules_command.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "mgmt/config/load_signatures.h"
#include "mgmt/log/log_line.h"
#include "policy/signatures/rule_file.h"
#include "policy/signatures/signature_set.h"

namespace sallyport::mgmt {
namespace {

[[nodiscard]] std::string line_of(const std::string& file, const policy::RuleProblem& problem) {
  std::string place = file;
  if (problem.line != 0) place += fmt::format(":{}", problem.line);
  const std::string sid = problem.sid == 0 ? "" : fmt::format(" sid {}:", problem.sid);
  return fmt::format("{}:{} {}; {}", place, sid, problem.what, problem.instead);
}

[[nodiscard]] std::string rules(std::size_t count) {
  return fmt::format("{} rule{}", count, count == 1 ? "" : "s");
}

}  // namespace

RulesReport check_rules(const std::string& file, std::string_view text) {
  policy::RuleFile read = policy::parse_rule_file(text);
  std::vector<policy::RuleProblem> problems = std::move(read.problems);
  std::vector<policy::SignatureSource> sources(1);
  sources[0].signatures = std::move(read.signatures);
  std::vector<policy::SourceProblem> wrong;
  const auto set = policy::SignatureSet::compile(std::move(sources), wrong);
  for (policy::SourceProblem& one : wrong) problems.push_back(std::move(one.problem));
  std::stable_sort(problems.begin(), problems.end(),
                   [](const auto& a, const auto& b) { return a.line < b.line; });
  RulesReport report;
  for (const policy::RuleProblem& problem : problems) report.text += escaped(line_of(file, problem)) + '\n';
  const std::size_t taken = set->rules().size();
  const std::size_t left = read.rules - std::min(taken, read.rules);
  report.status = problems.empty() ? 0 : kExitBadRules;
  report.text += fmt::format("{}: {} taken, {} left out\n", escaped(file), rules(taken), left);
  return report;
}

RulesReport check_rules(const std::string& file) {
  errno = 0;
  const auto text = read_signature_file(file);
  if (text) return check_rules(file, *text);
  const std::string why = errno == 0 ? "not a regular file" : std::strerror(errno);
  return {{}, fmt::format("sallyport: {} can't be read: {}\n", escaped(file), why), kExitBadRules};
}

}  // namespace sallyport::mgmt
