// buffer_checker_test.cpp — conditions on one text: places, chains, patterns, and that no text is slow.
#include "policy/signatures/buffer_checker.h"

#include <gtest/gtest.h>

#include <array>

#include "policy/signatures/rule_file.h"
#include "policy/signatures/signature_scanner.h"

namespace sallyport::policy {
namespace {

// Whether the conditions hold in a body.
bool holds(std::string_view conditions, std::string_view text) {
  RuleFile file =
      parse_rule_file("alert sip any any -> any any (sip.body; " + std::string(conditions) + " sid:1;)");
  for (const RuleProblem& problem : file.problems) ADD_FAILURE() << problem.what;
  std::vector<SourceProblem> problems;
  std::vector<SignatureSource> sources(1);
  sources[0].signatures = std::move(file.signatures);
  SignatureScanner scanner({1, 2});
  scanner.adopt(SignatureSet::compile(std::move(sources), problems));
  for (const SourceProblem& problem : problems) ADD_FAILURE() << problem.problem.what;
  const std::array<SipText, 1> texts{{{SipBuffer::Body, text}}};
  ScannedMessage message;
  message.texts = texts;
  return scanner.scan({}, message).rule != nullptr;
}

TEST(BufferChecker, OffsetAndDepthSayWhereAContentMayStand) {
  EXPECT_TRUE(holds("content:\"cd\"; offset:2; depth:2;", "abcd"));
  EXPECT_FALSE(holds("content:\"cd\"; offset:2; depth:2;", "abxcd"));
  EXPECT_FALSE(holds("content:\"cd\"; offset:3;", "abcd"));
  EXPECT_TRUE(holds("content:\"cd\"; offset:3;", "cdacd"));
  EXPECT_FALSE(holds("content:\"cd\"; offset:30;", "cdacd"));
  EXPECT_TRUE(holds("content:!\"cd\"; depth:2;", "abcd"));
  EXPECT_FALSE(holds("content:!\"cd\"; depth:4;", "abcd"));
}

TEST(BufferChecker, StartsAndEnds) {
  EXPECT_TRUE(holds("content:\"ab\"; startswith;", "abab"));
  EXPECT_FALSE(holds("content:\"ab\"; startswith;", "xab"));
  EXPECT_TRUE(holds("content:\"ab\"; endswith;", "ab-ab"));
  EXPECT_FALSE(holds("content:\"ab\"; endswith;", "ab-abc"));
  EXPECT_TRUE(holds("content:\"ab\"; startswith; endswith;", "ab"));
  EXPECT_FALSE(holds("content:\"ab\"; startswith; endswith;", "abab"));
  EXPECT_FALSE(holds("content:!\"ab\"; endswith;", "ab"));
  EXPECT_TRUE(holds("content:!\"ab\"; startswith;", "xab"));
}

TEST(BufferChecker, DistanceAndWithinCountFromTheMatchBefore) {
  EXPECT_TRUE(holds("content:\"a\"; content:\"b\"; distance:1;", "axb"));
  EXPECT_FALSE(holds("content:\"a\"; content:\"b\"; distance:2;", "axb"));
  EXPECT_TRUE(holds("content:\"a\"; content:\"b\"; within:2;", "axb"));
  EXPECT_FALSE(holds("content:\"a\"; content:\"b\"; within:1;", "axb"));
  EXPECT_FALSE(holds("content:\"a\"; content:\"b\"; distance:0;", "ba"));
  EXPECT_TRUE(holds("content:\"a\"; content:\"b\"; distance:-2;", "ba"));
  EXPECT_TRUE(holds("content:\"a\"; content:\"b\"; distance:1; within:2;", "axxb"));
  EXPECT_FALSE(holds("content:\"a\"; content:\"b\"; distance:1; within:2;", "axxxb"));
}

// A later occurrence of the first content is tried as well.
TEST(BufferChecker, EveryOccurrenceMayBeginAChain) {
  EXPECT_TRUE(holds("content:\"a\"; content:\"b\"; within:1;", "a-a-ab"));
  EXPECT_TRUE(holds("content:\"a\"; content:\"b\"; within:1; content:\"c\"; within:1;", "ab-abc"));
  EXPECT_FALSE(holds("content:\"a\"; content:\"b\"; within:1; content:\"c\"; within:1;", "ab-ab-c"));
  EXPECT_TRUE(
      holds("content:\"a\"; content:\"b\"; distance:2; within:1; content:\"c\"; endswith;", "aabbxbc"));
}

TEST(BufferChecker, ANegatedContentMustBeMissingBehindTheMatch) {
  EXPECT_TRUE(holds("content:\"v=\"; content:!\"x\"; within:3;", "v=abcx"));
  EXPECT_FALSE(holds("content:\"v=\"; content:!\"x\"; within:3;", "v=abx"));
  EXPECT_TRUE(holds("content:\"v=\"; content:!\"x\"; within:3;", "v=abx v=abc"));
  EXPECT_TRUE(holds("content:\"v=\"; content:!\"x\"; within:1; content:\"y\"; within:2;", "v=ay"));
  EXPECT_FALSE(holds("content:\"v=\"; content:!\"x\"; distance:0;", "v=1 v=2 x"));
}

TEST(BufferChecker, ReachSaysHowMuchMustFollow) {
  EXPECT_TRUE(holds("content:\"a\"; isdataat:2,relative;", "a123"));
  EXPECT_FALSE(holds("content:\"a\"; isdataat:3,relative;", "a123"));
  EXPECT_TRUE(holds("content:\"a\"; isdataat:!1,relative;", "axa1"));
  EXPECT_TRUE(holds("isdataat:3; content:\"a\";", "1a34"));
  EXPECT_FALSE(holds("isdataat:!3; content:\"a\";", "1a34"));
  EXPECT_TRUE(holds("bsize:4; content:\"a\";", "1a34"));
  EXPECT_FALSE(holds("bsize:<4; content:\"a\";", "1a34"));
}

TEST(BufferChecker, ARelativePatternIsLookedForBehindTheMatch) {
  EXPECT_TRUE(holds("content:\"key=\"; pcre:\"/[0-9]{3}/R\";", "12 key=345"));
  EXPECT_FALSE(holds("content:\"key=\"; pcre:\"/[0-9]{3}/R\";", "345 key=12"));
  EXPECT_TRUE(holds("content:\"key=\"; pcre:!\"/[0-9]/R\";", "key=1 key=a"));
  EXPECT_FALSE(holds("content:\"key=\"; pcre:!\"/[0-9]/R\";", "key=a key=1"));
  EXPECT_TRUE(holds("content:\"a\"; pcre:\"/B.C/Rsi\";", "ab\nc"));
  EXPECT_FALSE(holds("content:\"a\"; pcre:\"/b.c/R\";", "ab\nc"));
}

// Threats R7: a text that is made of what the contents begin with.
TEST(BufferChecker, ATextOfNothingButBeginningsTakesNoLonger) {
  const std::string many(65'000, 'a');
  std::string conditions;
  for (int i = 0; i < 31; ++i)
    conditions += "content:\"" + std::string(200, 'a') + "\"; " + (i == 0 ? "" : "distance:-199; ");
  EXPECT_TRUE(holds(conditions, many));
  EXPECT_FALSE(holds(conditions + "content:\"b\"; distance:-1;", many));
}

}  // namespace
}  // namespace sallyport::policy
