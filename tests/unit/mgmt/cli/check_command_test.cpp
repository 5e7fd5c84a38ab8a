// check_command_test.cpp — what `check` prints, and what stops `run`.
#include "mgmt/cli/check_command.h"

#include <gmock/gmock.h>

namespace sallyport::mgmt {
namespace {

using testing::HasSubstr;

ConfigProblem problem(ConfigProblem::Severity severity, bool weakens) {
  ConfigProblem out;
  out.file = "a.yaml";
  out.line = 7;
  out.key = "ports[outside].devise";
  out.what = "unknown key";
  out.instead = "did you mean device?";
  out.severity = severity;
  out.weakens_security = weakens;
  return out;
}

LoadedConfig loaded(std::vector<ConfigProblem> problems) {
  LoadedConfig out;
  out.problems = std::move(problems);
  return out;
}

TEST(CheckReport, GoodConfigurationSaysHowMuchMemoryItNeeds) {
  LoadedConfig good = loaded({});
  good.memory_bytes_needed = 411'000'001;
  const CheckReport report = check_report("a.yaml", good, true);
  EXPECT_EQ(report.status, 0);
  EXPECT_THAT(report.text, HasSubstr("a.yaml: good: 0 errors, 0 warnings\ncapacity needs 412 MB\n"));
}

TEST(CheckReport, ErrorGivesItsLineAndStatus78) {
  const CheckReport report =
      check_report("a.yaml", loaded({problem(ConfigProblem::Severity::Error, false)}), false);
  EXPECT_EQ(report.status, 78);
  EXPECT_THAT(report.text, HasSubstr("a.yaml:7: ports[outside].devise: unknown key; did you mean device?\n"));
  EXPECT_THAT(report.text, HasSubstr("1 error, 0 warnings"));
}

TEST(CheckReport, WarningIsRefusedOnlyWhenStrict) {
  const auto config = loaded({problem(ConfigProblem::Severity::Warning, false)});
  EXPECT_EQ(check_report("a.yaml", config, false).status, 0);
  EXPECT_EQ(check_report("a.yaml", config, true).status, 78);
}

TEST(CheckReport, WarningThatWeakensSecurityIsAnnounced) {
  const CheckReport report =
      check_report("a.yaml", loaded({problem(ConfigProblem::Severity::Warning, true)}), false);
  EXPECT_EQ(report.status, 0);
  EXPECT_THAT(report.text, HasSubstr("run refuses"));
}

TEST(CheckReport, ControlBytesOfTheFileDoNotReachTheTerminal) {
  ConfigProblem hostile = problem(ConfigProblem::Severity::Error, false);
  hostile.key = "a\x1b]0;x\x07";
  EXPECT_EQ(check_report("a\x1b.yaml", loaded({hostile}), false).text.find('\x1b'), std::string::npos);
}

TEST(StopsRun, ErrorsAndWarningsThatWeakenSecurityDo) {
  EXPECT_TRUE(stops_run(problem(ConfigProblem::Severity::Error, false)));
  EXPECT_TRUE(stops_run(problem(ConfigProblem::Severity::Warning, true)));
  EXPECT_FALSE(stops_run(problem(ConfigProblem::Severity::Warning, false)));
}

}  // namespace
}  // namespace sallyport::mgmt
