// load_signatures_test.cpp — the files of security.signatures: what is compiled, and what is said of the
// rest.
#include "mgmt/config/load_signatures.h"

#include <gmock/gmock.h>

#include "policy/signatures/signature_set.h"
#include "tests/unit/mgmt/config/config_text.h"

namespace sallyport::mgmt {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::string_view kGood = "drop sip any any -> any any (sip.user_agent; content:\"x\"; sid:7;)\n";

LoadedConfig load_rules(std::string_view rules, const std::string& more = "") {
  const TestFolder folder;
  folder.write("rules/a.rules", rules);
  return load_config(folder.write(
      "c.yaml", with_line(13, "security: { signatures: [{ file: rules/a.rules" + more + " }] }")));
}

// Problems with the rules, without the folder of the file.
std::vector<std::string> said_of(const LoadedConfig& loaded) {
  std::vector<std::string> said;
  for (const ConfigProblem& problem : loaded.problems)
    if (problem.file.ends_with("a.rules"))
      said.push_back((problem.is_error() ? "error " : "warning ") +
                     to_string(problem).substr(problem.file.size() - std::string_view("a.rules").size()));
  return said;
}

TEST(LoadSignatures, AFileBecomesASet) {
  const LoadedConfig loaded = load_rules(kGood, ", apply_to: all, dry_run: [7]");
  EXPECT_FALSE(loaded.has_errors());
  EXPECT_THAT(said_of(loaded), IsEmpty());
  ASSERT_NE(loaded.config.security.signature_set, nullptr);
  ASSERT_EQ(loaded.config.security.signature_set->rules().size(), 1u);
  const policy::SignatureRule& rule = loaded.config.security.signature_set->rules()[0];
  EXPECT_TRUE(rule.applies_to_all);
  EXPECT_TRUE(rule.is_dry_run);
}

TEST(LoadSignatures, WithoutFilesThereIsNoSet) {
  const TestFolder folder;
  const LoadedConfig loaded = load_config(folder.write("c.yaml", joined(kGoodLines)));
  EXPECT_FALSE(loaded.has_errors());
  EXPECT_EQ(loaded.config.security.signature_set, nullptr);
}

TEST(LoadSignatures, ARuleThatCantBeTakenIsAWarningAndTheOthersAreTaken) {
  const LoadedConfig loaded =
      load_rules(std::string(kGood) + "alert sip any any -> any any (flowbits:set,a; sid:8;)\n");
  EXPECT_FALSE(loaded.has_errors());
  EXPECT_THAT(said_of(loaded), ElementsAre(HasSubstr("a.rules:2: security.signatures[0]: sid 8: the option "
                                                     "'flowbits' is not taken, so the rule is left out; ")));
  EXPECT_EQ(loaded.config.security.signature_set->rules().size(), 1u);
}

TEST(LoadSignatures, AFileNoneOfWhoseRulesCanBeTakenIsAnError) {
  EXPECT_THAT(
      said_of(load_rules("alert\nalert sip any any -> any any (pcre:\"/(?=a)b/\"; sid:8;)\n")),
      ElementsAre(HasSubstr("error a.rules:0: security.signatures[0]: holds no rule that can be taken"),
                  HasSubstr("warning a.rules:1:"), HasSubstr("warning a.rules:2:")));
}

TEST(LoadSignatures, AFileWithoutARuleIsAWarning) {
  EXPECT_THAT(said_of(load_rules("# nothing\n")),
              ElementsAre(HasSubstr("warning a.rules:0: security.signatures[0]: holds no rule; ")));
}

TEST(LoadSignatures, AFileThatIsMissingIsAnError) {
  const TestFolder folder;
  const LoadedConfig loaded =
      load_config(folder.write("c.yaml", with_line(13, "security: { signatures: [{ file: none.rules }] }")));
  ASSERT_TRUE(loaded.has_errors());
  EXPECT_THAT(to_string(loaded.problems[0]),
              HasSubstr("c.yaml:13: security.signatures[0].file: can't read "));
}

TEST(LoadSignatures, ADryRunOfARuleThatIsNotThereIsAWarning) {
  EXPECT_THAT(said_of(load_rules(kGood, ", dry_run: [70]")),
              ElementsAre(HasSubstr("dry_run names sid 70, which no rule of the file has")));
}

TEST(LoadSignatures, ManyProblemsOfAFileAreCounted) {
  std::string bad(kGood);
  for (int i = 0; i < 100; ++i) bad += "x\n";
  const std::vector<std::string> said = said_of(load_rules(bad));
  ASSERT_EQ(said.size(), kSignatureProblemsMax + 1);
  EXPECT_THAT(said, ::testing::Contains(HasSubstr("80 further rules can't be taken")));
}

}  // namespace
}  // namespace sallyport::mgmt
