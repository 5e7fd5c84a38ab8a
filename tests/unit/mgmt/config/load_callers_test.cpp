// load_callers_test.cpp — callers that are named in the configuration or in a file, and what is said of each
// wrong line.
#include "mgmt/config/load_callers.h"

#include <gmock/gmock.h>

#include "policy/detect/caller_list.h"
#include "tests/unit/mgmt/config/config_text.h"

namespace sallyport::mgmt {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

LoadedConfig load_spam(std::string_view keys, std::string_view file = {}) {
  const TestFolder folder;
  folder.write("spam.txt", file);
  return load_config(folder.write(
      "c.yaml", with_line(13, "security: { detectors: { call_spam: { " + std::string(keys) + " } } }")));
}

const DetectorsConfig& detectors_of(const LoadedConfig& loaded) { return loaded.config.security.detectors; }

std::vector<std::string> said_of(const LoadedConfig& loaded) {
  std::vector<std::string> said;
  for (const ConfigProblem& problem : loaded.problems) said.push_back(to_string(problem));
  return said;
}

TEST(LoadCallers, AsShippedNobodyIsNamed) {
  const LoadedConfig loaded = load_spam("");
  EXPECT_THAT(said_of(loaded), IsEmpty());
  EXPECT_EQ(detectors_of(loaded).denied_callers, nullptr);
  EXPECT_EQ(detectors_of(loaded).allowed_callers, nullptr);
  EXPECT_EQ(detectors_of(loaded).call_spam.action, DetectorAction::Reject);
}

TEST(LoadCallers, ListsAndFileAreReadTogether) {
  const LoadedConfig loaded =
      load_spam(R"(deny: ["+49900*"], allow: ["+4930123"], deny_file: spam.txt, action: log)",
                "\xef\xbb\xbf# numbers\r\n+49 (137) 123-456, who sells\n; none\n\n0190* # all of them");
  EXPECT_THAT(said_of(loaded), IsEmpty());
  const DetectorsConfig& detectors = detectors_of(loaded);
  ASSERT_NE(detectors.denied_callers, nullptr);
  EXPECT_EQ(detectors.denied_callers->size(), 3u);
  for (const char* const number : {"+499001", "+49137123456", "01901234"})
    EXPECT_TRUE(detectors.denied_callers->has(number)) << number;
  EXPECT_TRUE(detectors.allowed_callers->has("+4930123"));
  EXPECT_EQ(detectors.call_spam.action, DetectorAction::Log);
}

TEST(LoadCallers, NamesFileAndLineOfWhatIsWrong) {
  const LoadedConfig loaded =
      load_spam("deny_file: spam.txt", "+4930123\nalice\n+\n*\n" + std::string(600, '1') + "\n+493012\n");
  EXPECT_TRUE(loaded.is_refused_by_run());
  const auto said = said_of(loaded);
  ASSERT_THAT(said, SizeIs(4));
  EXPECT_THAT(said[0], HasSubstr("spam.txt:2: security.detectors.call_spam.deny_file: what stands there is "
                                 "not a number of a caller"));
  EXPECT_THAT(said[1], HasSubstr("spam.txt:3:"));
  EXPECT_THAT(said[2], HasSubstr("spam.txt:4:"));
  EXPECT_THAT(said[3], HasSubstr("spam.txt:5:"));
  EXPECT_THAT(said[3], HasSubstr("longer than 512 octets"));
}

TEST(LoadCallers, AFileThatIsNoListIsToldInAFewLines) {
  std::string garbage;
  for (int i = 0; i < 1000; ++i) garbage += std::string("\0\x1b[31m", 6) + "no number\n";
  const auto said = said_of(load_spam("deny_file: spam.txt", garbage));
  ASSERT_THAT(said, SizeIs(kCallerProblemsMax + 1));
  EXPECT_THAT(said.back(), HasSubstr("980 further lines are wrong"));
  for (const std::string& line : said)
    for (const char symbol : line) EXPECT_GE(static_cast<unsigned char>(symbol), 0x20u) << line;
}

TEST(LoadCallers, AFileThatIsNotThereIsNamedAtItsKey) {
  const TestFolder folder;
  const LoadedConfig loaded = load_config(folder.write(
      "c.yaml", with_line(13, "security: { detectors: { call_spam: { deny_file: none.txt } } }")));
  ASSERT_THAT(said_of(loaded), SizeIs(1));
  EXPECT_THAT(said_of(loaded)[0], HasSubstr("security.detectors.call_spam.deny_file: can't read"));
}

TEST(LoadCallers, HoursAndTheirLimitsAreTaken) {
  const LoadedConfig loaded = load_text(
      with_line(13, R"(security: { detectors: { toll_fraud: { hours: ["mon-fri 08:00-18:00", "sat"], )"
                    R"(off_hours: { calls: 1/h, concurrent: 0 } } } })"));
  EXPECT_THAT(said_of(loaded), IsEmpty());
  const DetectorsConfig& detectors = detectors_of(loaded);
  EXPECT_THAT(detectors.toll_fraud_hours, ElementsAre("mon-fri 08:00-18:00", "sat"));
  EXPECT_EQ(detectors.toll_fraud_off_hours_calls, (Rate{1, std::chrono::hours(1)}));
  EXPECT_EQ(detectors.toll_fraud_off_hours_concurrent, 0u);
  const LoadedConfig wrong =
      load_text(with_line(13, R"(security: { detectors: { toll_fraud: { hours: ["monday"] } } })"));
  ASSERT_THAT(said_of(wrong), SizeIs(1));
  EXPECT_THAT(said_of(wrong)[0], HasSubstr(":13: security.detectors.toll_fraud.hours[0]: 'monday'"));
}

}  // namespace
}  // namespace sallyport::mgmt
