// rules_command_test.cpp — what `rules check` prints, and its exit status.
#include "mgmt/cli/rules_command.h"

#include <gmock/gmock.h>

#include "mgmt/config/load_signatures.h"

namespace sallyport::mgmt {
namespace {

TEST(RulesCheck, AGoodFileIsCountedAndGood) {
  const RulesReport report =
      check_rules("a.rules", "alert sip any any -> any any (sip.uri; content:\"a\"; sid:7;)\n");
  EXPECT_EQ(report.text, "a.rules: 1 rule taken, 0 left out\n");
  EXPECT_EQ(report.status, 0);
}

TEST(RulesCheck, NamesEachRuleThatCantBeTakenInTheOrderOfTheFile) {
  const RulesReport report = check_rules("a.rules",
                                         "alert sip any any -> any any (pcre:\"/(a)\\1/\"; sid:7;)\n"
                                         "alert sip any any -> any any (flowbits:set,a; sid:8;)\n"
                                         "alert sip any any -> any any (content:\"a\"; sid:9;)\n"
                                         "alert sip any any\n");
  EXPECT_THAT(report.text, ::testing::StartsWith("a.rules:1: sid 7: the pcre can't be compiled: "));
  EXPECT_THAT(report.text, ::testing::HasSubstr("\na.rules:2: sid 8: the option 'flowbits' is not taken; "));
  EXPECT_THAT(report.text, ::testing::HasSubstr("\na.rules:4: the options are not in parentheses; "));
  EXPECT_THAT(report.text, ::testing::EndsWith("\na.rules: 1 rule taken, 3 left out\n"));
  EXPECT_EQ(report.status, 65);
}

TEST(RulesCheck, AFileThatCantBeReadIsNamed) {
  const RulesReport report = check_rules("/nowhere/a.rules");
  EXPECT_EQ(report.error, "sallyport: /nowhere/a.rules can't be read: No such file or directory\n");
  EXPECT_EQ(report.status, 65);
  EXPECT_EQ(check_rules("/").status, 65);
}

TEST(RulesCheck, NoOctetOfAFileReachesTheTerminalAsItIs) {
  const RulesReport report = check_rules("a.rules", "alert \x1b[2J \x07\n\xff\xfe\n");
  EXPECT_EQ(report.text.find('\x1b'), std::string::npos);
  EXPECT_EQ(report.text.find('\x07'), std::string::npos);
  EXPECT_EQ(report.status, 65);
}

TEST(RulesCheck, TheShippedFileIsGood) {
  const RulesReport report = check_rules("sip.rules", shipped_signatures());
  EXPECT_THAT(report.text, ::testing::EndsWith(" left out\n"));
  EXPECT_EQ(report.status, 0) << report.text;
}

}  // namespace
}  // namespace sallyport::mgmt
