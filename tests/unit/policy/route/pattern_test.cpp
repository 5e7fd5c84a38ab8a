// pattern_test.cpp — patterns compile or say why not, and take linear time whatever a stranger sends.
#include "policy/route/pattern.h"

#include <gtest/gtest.h>

#include <chrono>

namespace sallyport::policy {
namespace {

Pattern compiled(std::string_view text) {
  auto pattern = Pattern::compile(text);
  EXPECT_TRUE(pattern) << text;
  return std::move(*pattern);
}

TEST(Pattern, MatchesAnywhereUnlessAnchored) {
  EXPECT_TRUE(compiled("555").matches("+15550100"));
  EXPECT_FALSE(compiled("^555").matches("+15550100"));
  EXPECT_TRUE(compiled("^\\+1555[0-9]{4}$").matches("+15550100"));
}

TEST(Pattern, SaysWhatIsWrongWithABadOne) {
  for (const char* bad : {"(", "[", "a{2", "(?<x>a)(", "\\1", "a**b(", "(?=a)"}) {
    const auto pattern = Pattern::compile(bad);
    if (pattern) continue;  // RE2 takes a few of them as plain text
    EXPECT_FALSE(pattern.error().empty()) << bad;
  }
  EXPECT_FALSE(Pattern::compile("("));
  EXPECT_FALSE(Pattern::compile("\\1"));    // a back reference can't be matched in linear time
  EXPECT_FALSE(Pattern::compile("(?=a)"));  // nor can what looks ahead
}

TEST(Pattern, RefusesWhatIsTooLongOrTooLargeToCompile) {
  EXPECT_FALSE(Pattern::compile(std::string(kPatternBytesMax + 1, 'a')));
  EXPECT_FALSE(Pattern::compile("((((a{100}){100}){100}){100})"));
}

TEST(Pattern, OctetsAreCharactersSoNoneMakesADotMiss) {
  const std::string strange("+1\xff\xc0\x00\x80\n5", 8);
  EXPECT_TRUE(compiled("^\\+1.*5$").matches(strange));
  EXPECT_TRUE(compiled("^.{8}$").matches(strange));
  EXPECT_TRUE(compiled("^J\xc3\xbcrgen$").matches("J\xc3\xbcrgen"));
}

// (a+)+$ takes 2^n steps with an engine that goes back over its text.
TEST(Pattern, NestedRepetitionTakesLinearTime) {
  const Pattern evil = compiled("^(a+)+$"), captured = compiled("((a|aa)+)(b?){20}$");
  const std::string text = std::string(4096, 'a') + "!";
  const auto begin = std::chrono::steady_clock::now();
  Pattern::Captures captures;
  for (int i = 0; i < 20; ++i) {
    EXPECT_FALSE(evil.matches(text));
    EXPECT_FALSE(evil.find(text, captures));
    EXPECT_FALSE(captured.find(text, captures));
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

TEST(Pattern, ReplacesTheFirstMatchWithItsCaptures) {
  std::string out;
  EXPECT_EQ(replace_first(compiled("^\\+(1)(555)"), "+15550100", "00\\1-\\2-\\0\\\\", 100, out),
            RewriteResult::Done);
  EXPECT_EQ(out, "001-555-+1555\\0100");
  EXPECT_EQ(replace_first(compiled("5"), "555", "x", 100, out), RewriteResult::Done);
  EXPECT_EQ(out, "x55");
  EXPECT_EQ(replace_first(compiled("$"), "55", "#", 100, out), RewriteResult::Done);
  EXPECT_EQ(out, "55#");
}

TEST(Pattern, ACaptureThatTookNoPartIsEmpty) {
  std::string out;
  EXPECT_EQ(replace_first(compiled("^(0)?(1)"), "15", "<\\1\\2>", 100, out), RewriteResult::Done);
  EXPECT_EQ(out, "<1>5");
}

TEST(Pattern, AReplacementThatGrowsTooLongIsNotMade) {
  std::string out = "before";
  const std::string digits(4096, '7');
  EXPECT_EQ(replace_first(compiled("^(.*)$"), digits, "\\1\\1\\1", 4096, out), RewriteResult::TooLong);
  EXPECT_EQ(replace_first(compiled("^"), digits, "+", 4096, out), RewriteResult::TooLong);
  EXPECT_EQ(replace_first(compiled("7$"), digits, "", 100, out), RewriteResult::TooLong);
  EXPECT_EQ(out, "before");
  EXPECT_EQ(replace_first(compiled("9"), digits, "+", 4096, out), RewriteResult::NoMatch);
  EXPECT_EQ(replace_first(compiled("^7"), digits, "+", 4096, out), RewriteResult::Done);
}

TEST(Pattern, NamesCapturesThatAreNotThere) {
  const Pattern pattern = compiled("^(a)");
  EXPECT_EQ(pattern.rewrite_problem("\\0\\1\\\\"), "");
  EXPECT_NE(pattern.rewrite_problem("\\2"), "");
  EXPECT_NE(pattern.rewrite_problem("\\x"), "");
  EXPECT_NE(pattern.rewrite_problem("ends in \\"), "");
  EXPECT_NE(pattern.rewrite_problem(std::string(kRewriteBytesMax + 1, 'a')), "");
}

}  // namespace
}  // namespace sallyport::policy
