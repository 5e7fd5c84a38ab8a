// include_files_test.cpp — configurations that are spread over files.
#include "mgmt/config/include_files.h"

#include <gmock/gmock.h>

#include "tests/unit/mgmt/config/config_text.h"

namespace sallyport::mgmt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const std::string kMain = with_line(13, "include: [conf.d/*.yaml]");

std::string peer(const std::string& name) {
  return "peers:\n  - { name: " + name + ", realm: outside, targets: [{ address: \"198.18.1.9:5060\" }] }\n";
}

TEST(Include, JoinsListsInTheOrderOfFiles) {
  const TestFolder folder;
  folder.write("conf.d/20.yaml", peer("two"));
  folder.write("conf.d/10.yaml", peer("one"));
  folder.write("conf.d/ignored.txt", peer("three"));
  const LoadedConfig loaded = load_config(folder.write("c.yaml", kMain));
  EXPECT_THAT(errors_of(loaded), IsEmpty());
  std::vector<std::string> names;
  for (const PeerConfig& each : loaded.config.peers) names.push_back(each.name);
  EXPECT_THAT(names, ElementsAre("carrier", "pbx", "one", "two"));
}

TEST(Include, RefusesANameGivenTwiceAndSaysWhereBothAre) {
  const TestFolder folder;
  folder.write("conf.d/10.yaml", peer("carrier"));
  const auto errors = errors_of(load_config(folder.write("c.yaml", kMain)));
  ASSERT_EQ(errors.size(), 1u);
  EXPECT_THAT(errors[0],
              testing::StartsWith(
                  "10.yaml:2: peers[carrier].name: 'carrier' is the name of another peer already, in "));
  EXPECT_THAT(errors[0], HasSubstr("/c.yaml:10; choose another name"));
}

TEST(Include, MergesMapsAndRefusesAValueGivenTwice) {
  const TestFolder folder;
  folder.write("conf.d/10.yaml", "node: { state: /srv/s }\n");
  EXPECT_EQ(load_config(folder.write("c.yaml", kMain)).config.node.state, "/srv/s");
  folder.write("conf.d/20.yaml", "version: 1\nnode: { name: other }\n");
  EXPECT_THAT(errors_of(load_config(folder.path() / "c.yaml")),
              ElementsAre(testing::MatchesRegex(
                  "20.yaml:2: node.name: is written already, in .*/c.yaml:2; keep one of the two")));
}

TEST(Include, ReportsMistakesWithTheFileTheyAreIn) {
  const TestFolder folder;
  folder.write("conf.d/10.yaml", "\npeer: []\n");
  folder.write("conf.d/20.yaml", "a: [\n");
  const auto errors = errors_of(load_config(folder.write("c.yaml", kMain)));
  ASSERT_EQ(errors.size(), 2u);
  EXPECT_EQ(errors[0], "10.yaml:2: peer: there is no such key; did you mean 'peers'?");
  EXPECT_THAT(errors[1], testing::StartsWith("20.yaml:2: file: not YAML: "));
}

TEST(Include, NeedsPlainNamesToExistButPatternsMayMatchNothing) {
  const TestFolder folder;
  EXPECT_THAT(errors_of(load_config(folder.write("c.yaml", kMain))), IsEmpty());
  EXPECT_THAT(errors_of(load_config(folder.write("d.yaml", with_line(13, "include: [more.yaml]")))),
              ElementsAre("d.yaml:13: include: can't find 'more.yaml'; name a file beside this one"));
}

TEST(Include, DoesNotNest) {
  const TestFolder folder;
  folder.write("conf.d/10.yaml", "include: [10.yaml]\n");
  EXPECT_THAT(errors_of(load_config(folder.write("c.yaml", kMain))),
              ElementsAre("10.yaml:1: include: stands in an included file; include from the main file only"));
}

TEST(Include, ResolvesPathsBesideTheIncludedFile) {
  const TestFolder folder;
  folder.write("conf.d/10.yaml", "tables: [{ name: t, file: t.csv }]\n");
  folder.write("conf.d/t.csv", "");
  const LoadedConfig loaded = load_config(folder.write("c.yaml", kMain));
  EXPECT_THAT(errors_of(loaded), IsEmpty());
  EXPECT_EQ(loaded.config.tables[0].file, (folder.path() / "conf.d/t.csv").string());
}

}  // namespace
}  // namespace sallyport::mgmt
