// hostile_yaml_test.cpp — files that are broken, huge or built to hurt give a sentence, never a crash.
#include <gmock/gmock.h>

#include "mgmt/config/yaml_document.h"
#include "tests/unit/mgmt/config/config_text.h"

namespace sallyport::mgmt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

TEST(HostileYaml, SaysInWhichLineTheSyntaxIsWrong) {
  EXPECT_THAT(errors_of(load_text("version: 1\nnode: { name: edge-1\nports: []\n")),
              ElementsAre(StartsWith("c.yaml:3: file: not YAML: ")));
  EXPECT_THAT(errors_of(load_text("version: 1\nnode: \"edge\n")),
              ElementsAre(StartsWith("c.yaml:2: file: not YAML: ")));
}

TEST(HostileYaml, RefusesAnEmptyFile) {
  for (const char* text : {"", "\n\n", "# nothing\n"})
    EXPECT_THAT(
        errors_of(load_text(text)),
        ElementsAre(
            "c.yaml:1: file: is empty; write at least version, node, ports, realms, peers and routes"))
        << text;
}

TEST(HostileYaml, RefusesWhatIsNoMap) {
  EXPECT_THAT(errors_of(load_text("hello\n")),
              ElementsAre(StartsWith("c.yaml:1: file: is not a map of keys; ")));
  EXPECT_THAT(errors_of(load_text("- a\n- b\n")),
              ElementsAre(StartsWith("c.yaml:1: file: is not a map of keys; ")));
}

TEST(HostileYaml, RefusesBinary) {
  EXPECT_THAT(errors_of(load_text(std::string_view("version: 1\nnode: \0\x01\n", 20))),
              ElementsAre("c.yaml:2: file: holds a control byte; write plain text in UTF-8"));
  EXPECT_THAT(errors_of(load_text("\xff\xfe\x41\xc3\x28: \x80\n")), testing::Not(IsEmpty()));
}

TEST(HostileYaml, RefusesASecondDocument) {
  EXPECT_THAT(errors_of(load_text(joined(kGoodLines) + "---\nversion: 1\n")),
              ElementsAre(StartsWith("c.yaml:13: file: a second YAML document begins; ")));
}

TEST(HostileYaml, TakesAnExplicitFirstDocument) {
  EXPECT_THAT(errors_of(load_text("---\n" + joined(kGoodLines) + "...\n")), IsEmpty());
}

TEST(HostileYaml, RefusesTags) {
  EXPECT_THAT(errors_of(load_text(with_line(2, "node: { name: !!binary edge-1 }"))),
              ElementsAre("c.yaml:2: file: a YAML tag (!); write the value without a tag"));
}

TEST(HostileYaml, RefusesDeepNesting) {
  const auto errors = errors_of(load_text("a: " + std::string(40, '[') + std::string(40, ']') + "\n"));
  EXPECT_THAT(errors, ElementsAre("c.yaml:1: file: nested deeper than 32 levels; nest less"));
  EXPECT_THAT(errors_of(load_text("a: " + std::string(200'000, '['))), testing::Not(IsEmpty()));
  EXPECT_THAT(errors_of(load_text(std::string(200'000, '{'))), testing::Not(IsEmpty()));
}

TEST(HostileYaml, RefusesAnAliasBomb) {
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) text += (j == 0 ? "*a" : ", *a") + std::to_string(i - 1);
    text += "]\n";
  }
  EXPECT_THAT(
      errors_of(load_text(text)),
      ElementsAre(testing::HasSubstr("more than 200000 values, aliases counted as what they name; ")));
}

TEST(HostileYaml, RefusesAnAliasWithinItsOwnAnchor) {
  EXPECT_THAT(
      errors_of(load_text("a: &a [*a]\n")),
      ElementsAre(StartsWith("c.yaml:1: file: alias *a names no anchor that is complete before it; ")));
}

TEST(HostileYaml, RefusesNestingThatAliasesBuild) {
  std::string text = "a0: &a0 x\n";
  for (int i = 1; i < 40; ++i)
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [*a" + std::to_string(i - 1) + "]\n";
  EXPECT_THAT(errors_of(load_text(text)),
              ElementsAre(testing::HasSubstr("nested deeper than 32 levels; nest less")));
}

TEST(HostileYaml, RefusesAHugeFile) {
  EXPECT_THAT(errors_of(load_text(std::string(kYamlBytesMax + 1, '#'))),
              ElementsAre("c.yaml:0: file: larger than 8 MB; split it and include the parts"));
}

TEST(HostileYaml, RefusesKeysThatAreNoWords) {
  EXPECT_THAT(errors_of(load_text("[a, b]: c\n")),
              ElementsAre(StartsWith("c.yaml:1: file: a key that is not a word; ")));
}

TEST(HostileYaml, NamesAFileThatIsNotThere) {
  const TestFolder folder;
  EXPECT_THAT(errors_of(load_config(folder.path() / "no.yaml")),
              ElementsAre("no.yaml:0: file: there is no such file; name a configuration file"));
  EXPECT_THAT(errors_of(load_config(folder.path())),
              ElementsAre(testing::HasSubstr("is not a regular file; ")));
}

TEST(Yaml, PutsAnchorsAndMergeKeysInPlace) {
  const YamlDocument document =
      parse_yaml("base: &b { x: 1, y: 2 }\nmade: { <<: *b, y: 3, z: 4 }\nlate: { y: 5, <<: *b }\n", 0);
  ASSERT_TRUE(document.root);
  EXPECT_TRUE(document.problems.empty());
  const YamlNode& made = document.root->find("made")->value;
  EXPECT_EQ(made.find("x")->value.text, "1");
  EXPECT_EQ(made.find("y")->value.text, "3");
  EXPECT_EQ(made.find("z")->value.text, "4");
  EXPECT_EQ(document.root->find("late")->value.find("y")->value.text, "5");
  EXPECT_EQ(made.entries.size(), 3u);
}

TEST(Yaml, ReadsManyKeysInOneMapWithoutSearchingThemAll) {
  std::string text;
  for (int i = 0; i < 90'000; ++i) text += "k" + std::to_string(i) + ": v\n";
  const YamlDocument document = parse_yaml(text, 0);
  ASSERT_TRUE(document.root);
  EXPECT_EQ(document.root->entries.size(), 90'000u);
}

// Every cut of a good file, and every byte of it exchanged: an answer each time.
TEST(HostileYaml, SurvivesCutsAndChangedBytesOfAGoodFile) {
  const std::string good = joined(kGoodLines);
  for (std::size_t i = 0; i < good.size(); i += 3) {
    (void)parse_yaml(good.substr(0, i), 0);
    std::string changed = good;
    changed[i] = "[{]}:&*!-\"'#\xff"[i % 13];
    (void)parse_yaml(changed, 0);
  }
}

}  // namespace
}  // namespace sallyport::mgmt
