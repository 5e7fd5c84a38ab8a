// signature_scanner_test.cpp — which rules match a message, which one decides, what is counted, thresholds.
#include "policy/signatures/signature_scanner.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "policy/signatures/rule_file.h"

namespace sallyport::policy {
namespace {

constexpr std::string_view kMessage =
    "OPTIONS sip:100@198.18.1.1 SIP/2.0\r\nUser-Agent: friendly-scanner\r\n\r\n";

class SignatureScannerTest : public ::testing::Test {
 protected:
  // Rules of one file; what can't be taken fails the test.
  static SharedValue<SignatureSet> compiled(std::string_view text, bool applies_to_all = false,
                                            std::vector<std::uint32_t> dry_run = {},
                                            const SignatureSet* before = nullptr) {
    RuleFile file = parse_rule_file(text);
    for (const RuleProblem& problem : file.problems) ADD_FAILURE() << problem.line << ": " << problem.what;
    std::vector<SignatureSource> sources;
    sources.push_back({std::move(file.signatures), applies_to_all, std::move(dry_run)});
    std::vector<SourceProblem> problems;
    auto set = SignatureSet::compile(std::move(sources), problems, before);
    for (const SourceProblem& one : problems) ADD_FAILURE() << one.problem.line << ": " << one.problem.what;
    return set;
  }
  void load(std::string_view text, bool applies_to_all = false, std::vector<std::uint32_t> dry_run = {}) {
    scanner.adopt(compiled(text, applies_to_all, std::move(dry_run)));
  }
  // 0: none matches.
  std::uint32_t sid(Timestamp now = {}) {
    message.texts = texts;
    const SignatureVerdict verdict = scanner.scan(now, message);
    was_told = verdict.is_told;
    return verdict.rule == nullptr ? 0 : verdict.rule->signature.sid;
  }

  SignatureScanner scanner{HashKey{1, 2}};
  std::vector<SipText> texts{{SipBuffer::Method, "OPTIONS"},
                             {SipBuffer::Uri, "sip:100@198.18.1.1"},
                             {SipBuffer::UserAgent, "friendly-scanner"},
                             {SipBuffer::Via, "SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKa"},
                             {SipBuffer::Via, "SIP/2.0/UDP 192.0.2.10;branch=z9hG4bKb"}};
  ScannedMessage message{.source = {*IpAddress::parse("192.0.2.1"), 5060},
                         .destination = {*IpAddress::parse("198.18.1.1"), 5060},
                         .bytes = kMessage,
                         .callee = "100@198.18.1.1",
                         .texts = {}};
  bool was_told = false;
};

TEST_F(SignatureScannerTest, WithoutRulesNothingIsLookedAt) {
  EXPECT_FALSE(scanner.looks_at(true));
  EXPECT_EQ(sid(), 0u);
  load("");
  EXPECT_FALSE(scanner.looks_at(true));
  EXPECT_EQ(sid(), 0u);
  scanner.adopt(nullptr);
  EXPECT_EQ(sid(), 0u);
}

TEST_F(SignatureScannerTest, LooksIntoTheBufferThatIsNamed) {
  load(R"(drop sip any any -> any any (sip.user_agent; content:"Friendly"; nocase; sid:1;))");
  EXPECT_EQ(sid(), 1u);
  load(R"(drop sip any any -> any any (sip.user_agent; content:"Friendly"; sid:1;))");
  EXPECT_EQ(sid(), 0u);
  load(R"(drop sip any any -> any any (sip.from; content:"friendly"; sid:1;))");
  EXPECT_EQ(sid(), 0u);
  load(R"(drop sip any any -> any any (content:"User-Agent|3a 20|friendly"; sid:1;))");
  EXPECT_EQ(sid(), 1u);
}

TEST_F(SignatureScannerTest, OneHeaderFieldMustHaveAllThatIsAskedOfIt) {
  load(R"(drop sip any any -> any any (sip.via; content:"192.0.2.9"; content:"branch=z9hG4bKb"; sid:1;))");
  EXPECT_EQ(sid(), 0u);
  load(
      R"(drop sip any any -> any any (sip.via; content:"192.0.2.9"; sip.via; content:"branch=z9hG4bKb"; sid:1;))");
  EXPECT_EQ(sid(), 1u);
}

TEST_F(SignatureScannerTest, WhatAMessageLacksMatchesNothing) {
  load(R"(drop sip any any -> any any (sip.subject; content:!"x"; sid:1;))");
  EXPECT_EQ(sid(), 0u);
  load(R"(drop sip any any -> any any (sip.user_agent; content:!"x"; sid:1;))");
  EXPECT_EQ(sid(), 1u);
}

TEST_F(SignatureScannerTest, APatternNeedsNoContent) {
  load(R"(drop sip any any -> any any (sip.uri; pcre:"/^sip:1[0-9]{2}@/"; sid:1;))");
  EXPECT_EQ(sid(), 1u);
  load(R"(drop sip any any -> any any (sip.uri; pcre:"/^sip:2[0-9]{2}@/"; sid:1;))");
  EXPECT_EQ(sid(), 0u);
  load(R"(drop sip any any -> any any (sip.uri; content:"sip"; pcre:!"/^sip:2[0-9]{2}@/"; sid:1;))");
  EXPECT_EQ(sid(), 1u);
  load(R"(drop sip any any -> any any (sip.uri; pcre:"/ ^ SIP : 1 0 0 @/xi"; sid:1;))");
  EXPECT_EQ(sid(), 1u);
}

TEST_F(SignatureScannerTest, ARuleWithoutConditionsMatchesByItsHead) {
  load("alert udp 192.0.2.0/24 any -> any 5060 (sid:1;)");
  EXPECT_EQ(sid(), 1u);
  message.source.address = *IpAddress::parse("198.51.100.1");
  EXPECT_EQ(sid(), 0u);
  load("alert tcp any any -> any any (sid:1;)");
  EXPECT_EQ(sid(), 0u);
  message.transport = Transport::Tls;
  EXPECT_EQ(sid(), 1u);
  load("alert sip any any -> any any (flow:to_client; sid:1;)");
  EXPECT_EQ(sid(), 0u);
  message.is_request = false;
  EXPECT_EQ(sid(), 1u);
  load("alert sip any any -> any any (dsize:<20; sid:1;)");
  EXPECT_EQ(sid(), 0u);
}

TEST_F(SignatureScannerTest, TheStrongestActionDecides) {
  load(R"(alert sip any any -> any any (sip.uri; content:"sip:"; sid:1;)
drop sip any any -> any any (sip.user_agent; content:"friendly"; sid:2;)
reject sip any any -> any any (sip.method; content:"OPTIONS"; sid:3;))");
  message.texts = texts;
  const SignatureVerdict verdict = scanner.scan({}, message);
  EXPECT_EQ(verdict.rule->signature.sid, 2u);
  EXPECT_EQ(verdict.action, SignatureAction::Drop);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(scanner.set()->counts(i).matches.load(), 1u);
}

TEST_F(SignatureScannerTest, ADryRunOnlyCounts) {
  load(R"(drop sip any any -> any any (sip.user_agent; content:"friendly"; sid:2;)
alert sip any any -> any any (sip.uri; content:"sip:"; sid:1;))",
       false, {2});
  EXPECT_EQ(sid(), 1u);
  EXPECT_EQ(scanner.set()->counts(0).matches.load(), 0u);
  EXPECT_EQ(scanner.set()->counts(0).dry_runs.load(), 1u);
}

TEST_F(SignatureScannerTest, TrustedSourcesMeetOnlyRulesForAll) {
  load(R"(drop sip any any -> any any (sip.uri; content:"sip:"; sid:1;))");
  message.is_stranger = false;
  EXPECT_FALSE(scanner.looks_at(false));
  EXPECT_EQ(sid(), 0u);
  load(R"(drop sip any any -> any any (sip.uri; content:"sip:"; sid:1;))", true);
  EXPECT_EQ(sid(), 1u);
}

TEST_F(SignatureScannerTest, LimitTellsSoOftenAndActsEachTime) {
  load("drop sip any any -> any any (threshold:type limit, track by_src, count 2, seconds 10; sid:1;)");
  EXPECT_EQ(sid(), 1u);
  EXPECT_TRUE(was_told);
  EXPECT_EQ(sid(), 1u);
  EXPECT_TRUE(was_told);
  EXPECT_EQ(sid(), 1u);
  EXPECT_FALSE(was_told);
  EXPECT_EQ(sid(Timestamp(10s)), 1u);
  EXPECT_TRUE(was_told);
}

TEST_F(SignatureScannerTest, ThresholdActsOnEachFullCountBothOnTheFirst) {
  const auto acted = [this](std::string_view type) {
    load("drop sip any any -> any any (threshold:type " + std::string(type) +
         ", track by_rule, count 3, seconds 10; sid:1;)");
    std::string out;
    for (int i = 0; i < 7; ++i) out += sid() != 0 ? 'x' : '.';
    return out;
  };
  EXPECT_EQ(acted("threshold"), "..x..x.");
  EXPECT_EQ(acted("both"), "..x....");
}

TEST_F(SignatureScannerTest, AFilterActsBeyondItsCountAndCountsBySource) {
  load("drop sip any any -> any any (detection_filter:track by_src, count 3, seconds 1; sid:1;)");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(sid(), 0u);
  EXPECT_EQ(sid(), 1u);
  message.source.port = 9;  // the same source
  EXPECT_EQ(sid(), 1u);
  message.source.address = *IpAddress::parse("192.0.2.2");
  EXPECT_EQ(sid(), 0u);
  EXPECT_EQ(sid(Timestamp(1s)), 0u);
}

TEST_F(SignatureScannerTest, CalleesAreCountedApart) {
  load("drop sip any any -> any any (detection_filter:track by_callee, count 2, seconds 1; sid:1;)");
  for (std::uint8_t i = 1; i < 3; ++i) {
    message.source.address = IpAddress::v4(0xc0000200u + i);
    EXPECT_EQ(sid(), 0u);
  }
  EXPECT_EQ(sid(), 1u);
  message.callee = "101@198.18.1.1";
  EXPECT_EQ(sid(), 0u);
}

TEST_F(SignatureScannerTest, TwoScannersShareWhatASetCounts) {
  const auto set =
      compiled("drop sip any any -> any any (detection_filter:track by_src, count 2, seconds 9; sid:1;)");
  SignatureScanner other(HashKey{1, 2});
  scanner.adopt(set);
  other.adopt(set);
  EXPECT_EQ(sid(), 0u);
  EXPECT_EQ(other.scan({}, message).rule, nullptr);
  EXPECT_EQ(sid(), 1u);
  EXPECT_EQ(set->counts(0).matches.load(), 1u);
}

// What a reload does.
TEST_F(SignatureScannerTest, ASetThatTakesThePlaceOfAnotherGoesOnCounting) {
  constexpr std::string_view kKept =
      "drop sip any any -> any any (detection_filter:track by_src, count 3, seconds 60; sid:1;)\n";
  const auto first =
      compiled(std::string(kKept) + "alert sip any any -> any any (content:\"nobody\"; sid:2;)");
  scanner.adopt(first);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(sid(), 0u);
  EXPECT_EQ(sid(), 1u);
  const auto second =
      compiled("alert sip any any -> any any (content:\"new\"; sid:9;)\n" + std::string(kKept), false, {},
               first.get());
  scanner.adopt(second);
  EXPECT_EQ(sid(), 1u) << "the threshold is full already";
  EXPECT_EQ(second->counts(1).matches.load(), 2u);
  EXPECT_EQ(second->counts(0).matches.load(), 0u);
  EXPECT_EQ(sid(Timestamp(60s)), 0u) << "its time is over";
}

TEST_F(SignatureScannerTest, AThresholdThatHasChangedBeginsAnewAndItsCountOfMatchesGoesOn) {
  const auto first =
      compiled("drop sip any any -> any any (detection_filter:track by_src, count 2, seconds 10; sid:1;)");
  scanner.adopt(first);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(sid(), 0u);
  EXPECT_EQ(sid(), 1u);
  const auto second =
      compiled("drop sip any any -> any any (detection_filter:track by_src, count 1, seconds 3600; sid:1;)",
               false, {}, first.get());
  scanner.adopt(second);
  EXPECT_EQ(sid(), 0u);
  EXPECT_EQ(sid(), 1u);
  EXPECT_EQ(second->counts(0).matches.load(), 2u);
}

// Gid and sid name a rule.
TEST_F(SignatureScannerTest, AnotherRuleWithTheSameSidCountsForItself) {
  const auto first = compiled("alert sip any any -> any any (content:\"sip\"; gid:1; sid:1;)");
  scanner.adopt(first);
  EXPECT_EQ(sid(), 1u);
  const auto second =
      compiled("alert sip any any -> any any (content:\"sip\"; gid:2; sid:1;)", false, {}, first.get());
  EXPECT_EQ(second->counts(0).matches.load(), 0u);
  EXPECT_EQ(first->counts(0).matches.load(), 1u);
}

TEST(SignatureSet, NamesPatternsThatNeedMoreThanLinearTime) {
  RuleFile file = parse_rule_file(
      "alert sip any any -> any any (pcre:\"/(a+)\\1/\"; sid:1;)\n"
      "alert sip any any -> any any (pcre:\"/(?=a)b/\"; sid:2;)\n"
      "alert sip any any -> any any (pcre:\"/a*/\"; sid:3;)\n"
      "alert sip any any -> any any (pcre:\"/a(b/\"; sid:4;)\n"
      "alert sip any any -> any any (content:\"a\"; pcre:\"/(?=a)b/R\"; sid:5;)\n"
      "alert sip any any -> any any (pcre:\"/(a+)+b/\"; sid:6;)\n");
  ASSERT_EQ(file.signatures.size(), 6u);
  std::vector<SignatureSource> sources(2);
  sources[0].signatures = file.signatures;
  sources[1].signatures.push_back(file.signatures.back());
  std::vector<SourceProblem> problems;
  const auto set = SignatureSet::compile(std::move(sources), problems);
  ASSERT_EQ(problems.size(), 6u);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(problems[i].problem.sid, i + 1);
    EXPECT_TRUE(problems[i].problem.what.starts_with("the pcre can't be compiled: "))
        << problems[i].problem.what;
  }
  EXPECT_EQ(problems[5].source, 1u);
  EXPECT_EQ(problems[5].problem.what, "another file has a rule with this sid");
  ASSERT_EQ(set->rules().size(), 1u);
  EXPECT_EQ(set->rules()[0].signature.sid, 6u);
}

}  // namespace
}  // namespace sallyport::policy
