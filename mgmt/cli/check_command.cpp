// check_command.cpp — what `check` prints.
#include "mgmt/cli/check_command.h"

#include <fmt/format.h>

#include <algorithm>

#include "mgmt/cli/control_protocol.h"
#include "mgmt/log/log_line.h"

namespace sallyport::mgmt {
namespace {

[[nodiscard]] std::string counted(std::size_t number, std::string_view what) {
  return fmt::format("{} {}{}", number, what, number == 1 ? "" : "s");
}

// Of 10^6 octets, rounded up.
[[nodiscard]] std::uint64_t megabytes(std::uint64_t bytes) { return (bytes + 999'999) / 1'000'000; }

}  // namespace

bool stops_run(const ConfigProblem& problem) noexcept {
  return problem.is_error() || problem.weakens_security;
}

std::string check_line(const ConfigProblem& problem) {
  return to_string(problem) + (problem.is_error() ? "" : " (warning)");
}

CheckReport check_report(const std::string& path, const LoadedConfig& loaded, bool strict) {
  CheckReport report;
  for (const ConfigProblem& problem : loaded.problems) report.text += escaped(check_line(problem)) + '\n';
  const auto errors = static_cast<std::size_t>(std::count_if(loaded.problems.begin(), loaded.problems.end(),
                                                             [](const auto& one) { return one.is_error(); }));
  const std::size_t warnings = loaded.problems.size() - errors;
  const bool refused = errors != 0 || (strict && warnings != 0);
  report.status = refused ? kExitBadConfiguration : kExitOk;
  report.text += fmt::format("{}: {}: {}, {}\n", escaped(path), refused ? "refused" : "good",
                             counted(errors, "error"), counted(warnings, "warning"));
  if (std::any_of(loaded.problems.begin(), loaded.problems.end(),
                  [](const auto& one) { return !one.is_error() && one.weakens_security; }))
    report.text += "run refuses this configuration: a warning above would weaken security\n";
  if (errors == 0)
    report.text += fmt::format("capacity needs {} MB\n", megabytes(loaded.memory_bytes_needed));
  return report;
}

}  // namespace sallyport::mgmt
