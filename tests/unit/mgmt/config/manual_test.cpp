// manual_test.cpp — what the manual says of keys is what the table says, all of it.
#include "mgmt/config/manual.h"

#include <gmock/gmock.h>

#include <string>

#include "mgmt/config/schema.h"

namespace sallyport::mgmt {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Manual, ExplainsEveryKeyWithItsMeaningItsDefaultAndTheKeysBelowIt) {
  for (const Option& option : all_options()) {
    const auto explained = explain_key(option.path);
    ASSERT_TRUE(explained) << option.path;
    EXPECT_THAT(*explained, testing::StartsWith(std::string(option.path) + "\n"));
    EXPECT_THAT(*explained, HasSubstr(std::string(option.doc)));
    EXPECT_THAT(*explained, HasSubstr(std::string(option.fallback)));
    EXPECT_TRUE(option.built || explained->contains("not built yet")) << option.path;
    const std::string below(option.path);
    for (const std::string& key : child_keys(option.type == OptionType::Maps ? below + "[]" : below))
      EXPECT_THAT(*explained, HasSubstr("\n  " + key + " ")) << option.path;
  }
}

TEST(Manual, SaysTypeRangeAndDefaultOfATime) {
  EXPECT_EQ(*explain_key("peers[].health.ping"),
            "peers[].health.ping\n"
            "  Time between OPTIONS probes.\n"
            "  takes    never, or a time as in 500ms or 1h\n"
            "  range    1s to 1d\n"
            "  default  30s\n");
}

TEST(Manual, ShowsBoundsInTheUnitsThatAFileUses) {
  EXPECT_THAT(*explain_key("management.cdr.rotate"), HasSubstr("range    64KB to 1TB\n"));
  EXPECT_THAT(*explain_key("realms.limits.media"), HasSubstr("range    64kbit to 1000Gbit\n"));
  EXPECT_THAT(*explain_key("security.overload.cpu"), HasSubstr("range    10% to 100%\n"));
}

TEST(Manual, TakesAKeyAsPeopleAndProblemsWriteIt) {
  for (const char* const key :
       {"peers.targets.address", "peers[].targets[].address", "peers[carrier].targets[0].address"})
    EXPECT_EQ(path_of_key(key), "peers[].targets[].address") << key;
  EXPECT_EQ(path_of_key("node"), "node");
  EXPECT_EQ(path_of_key("nodes"), "");
}

// A peer may have every key of a profile.
TEST(Manual, ExplainsAPeersKeysByThoseOfTheProfile) {
  EXPECT_THAT(*explain_key("peers.timers.ring"), HasSubstr("Longest ringing."));
  EXPECT_THAT(*explain_key("peers"), testing::AllOf(HasSubstr("\n  realm "), HasSubstr("\n  srtp ")));
}

TEST(Manual, NamesTheKeyThatWasMeant) {
  EXPECT_EQ(explain_key("peers.helth").error(),
            "there is no key 'helth' below peers[]; did you mean peers[].health?");
  EXPECT_THAT(explain_key("zzzzzz").error(), HasSubstr("the keys there are version, include, node"));
  EXPECT_EQ(explain_key("node.name.x").error(), "there is no key 'x' below node.name; nothing is below it");
  EXPECT_THAT(explain_key("a\x1b[31m").error(), Not(HasSubstr("\x1b")));
}

TEST(Manual, WithoutAKeyListsThoseOfTheFile) {
  const std::string keys = *explain_key("");
  for (const std::string& key : child_keys("")) EXPECT_THAT(keys, HasSubstr("  " + key + " "));
}

TEST(Manual, ThePageNamesEveryKeyOnce) {
  std::string page = manual_page("1.2.3");
  EXPECT_THAT(page, HasSubstr("Sallyport 1.2.3"));
  for (std::size_t at = page.find("\\-"); at != std::string::npos; at = page.find("\\-", at))
    page.erase(at, 1);
  for (const Option& option : all_options()) {
    const std::string heading = ".B " + std::string(option.path) + "\n";
    const std::size_t first = page.find(heading);
    ASSERT_NE(first, std::string::npos) << option.path;
    EXPECT_EQ(page.find(heading, first + 1), std::string::npos) << option.path;
  }
}

}  // namespace
}  // namespace sallyport::mgmt
