// load_blocklists_test.cpp — files of prefixes: what is read, and what is said of each wrong line.
#include "mgmt/config/load_blocklists.h"

#include <gmock/gmock.h>

#include "tests/unit/mgmt/config/config_text.h"

namespace sallyport::mgmt {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

LoadedConfig load_list(std::string_view text) {
  const TestFolder folder;
  folder.write("drop.txt", text);
  return load_config(folder.write("c.yaml", with_line(13, "security: { blocklists: [{ file: drop.txt }] }")));
}

// Problems with the lines, without the folder of the file.
std::vector<std::string> said_of(const LoadedConfig& loaded) {
  std::vector<std::string> said;
  for (const ConfigProblem& problem : loaded.problems)
    if (problem.file.ends_with("drop.txt"))
      said.push_back(to_string(problem).substr(problem.file.size() - std::string_view("drop.txt").size()));
  return said;
}

std::vector<std::string> read_from(const LoadedConfig& loaded) {
  std::vector<std::string> out;
  for (const Prefix& prefix : *loaded.config.security.blocklist_prefixes.at(0))
    out.push_back(to_string(prefix));
  return out;
}

TEST(LoadBlocklists, LinesBecomePrefixes) {
  const LoadedConfig loaded = load_list("192.0.2.0/24\n203.0.113.7\n2001:db8::/32\n");
  EXPECT_THAT(loaded.problems, IsEmpty());
  EXPECT_THAT(read_from(loaded), ElementsAre("192.0.2.0/24", "203.0.113.7/32", "2001:db8::/32"));
}

TEST(LoadBlocklists, TakesWhatPublishersAndEditorsWrite) {
  const LoadedConfig loaded = load_list(
      "\xef\xbb\xbf# a comment\r\n; another\r\n\r\n  192.0.2.0/24 ; SBL123\r\n203.0.113.7,scanner,5\n"
      "198.51.100.0/24# at once\n2001:db8::/32");
  EXPECT_THAT(loaded.problems, IsEmpty());
  EXPECT_THAT(read_from(loaded),
              ElementsAre("192.0.2.0/24", "203.0.113.7/32", "198.51.100.0/24", "2001:db8::/32"));
}

TEST(LoadBlocklists, NamesFileAndLineOfWhatIsWrong) {
  const LoadedConfig loaded = load_list("192.0.2.0/24\nexample.net\n192.0.2.7/24\n0.0.0.0/0\n");
  EXPECT_TRUE(loaded.is_refused_by_run());
  const auto said = said_of(loaded);
  ASSERT_THAT(said, SizeIs(3));
  EXPECT_THAT(said[0], HasSubstr("drop.txt:2: security.blocklists[0].file: 'example.net' is not a prefix"));
  EXPECT_THAT(said[1], HasSubstr("drop.txt:3:"));
  EXPECT_THAT(said[2], HasSubstr("would block everybody"));
}

TEST(LoadBlocklists, CountsWhatIsWrongBeyondTwentyLines) {
  std::string text;
  for (int i = 0; i < 50; ++i) text += "nonsense\n";
  const auto said = said_of(load_list(text + std::string(5000, 'x') + "\n"));
  ASSERT_THAT(said, SizeIs(kBlocklistProblemsMax + 1));
  EXPECT_THAT(said.back(), HasSubstr("31 further lines are wrong"));
}

TEST(LoadBlocklists, TakesNoMoreThanThereIsRoomFor) {
  const TestFolder folder;
  folder.write("drop.txt", "192.0.2.1\n192.0.2.2\n192.0.2.3\n192.0.2.4\n");
  std::vector<std::string> lines = kGoodLines;
  lines.push_back("security: { blocklists: [{ file: drop.txt }] }");
  lines.push_back("dataplane: { capacity: { blocked: 3 } }");
  const LoadedConfig loaded = load_config(folder.write("c.yaml", joined(lines)));
  ASSERT_THAT(said_of(loaded), SizeIs(1));
  EXPECT_THAT(said_of(loaded)[0], HasSubstr("drop.txt:4:"));
  EXPECT_THAT(said_of(loaded)[0], HasSubstr("dataplane.capacity.blocked"));
}

TEST(LoadBlocklists, AFileThatIsNotThereIsNamed) {
  const LoadedConfig loaded = load_text(with_line(13, "security: { blocklists: [{ file: none.txt }] }"));
  const TestFolder folder;
  const LoadedConfig looked =
      load_config(folder.write("c.yaml", with_line(13, "security: { blocklists: [{ file: none.txt }] }")));
  EXPECT_FALSE(loaded.is_refused_by_run());
  EXPECT_TRUE(looked.is_refused_by_run());
}

TEST(LoadBlocklists, ReadsAQuarterOfAMillionLines) {
  std::string text;
  for (std::uint32_t i = 0; i < 250'000; ++i) text += to_string(IpAddress::v4(0x0b000000 + i * 7)) + "\n";
  const LoadedConfig loaded = load_list(text);
  EXPECT_THAT(loaded.problems, IsEmpty());
  EXPECT_THAT(*loaded.config.security.blocklist_prefixes.at(0), SizeIs(250'000));
}

}  // namespace
}  // namespace sallyport::mgmt
