// rule_set_test.cpp — number and header rules: steps in order, results bounded and clean.
#include "policy/route/rule_set.h"

#include <gtest/gtest.h>

namespace sallyport::policy {
namespace {

RuleStep set(std::string field, std::string value) {
  return {std::move(field), RuleAction::Set, {}, std::move(value)};
}
RuleStep replace(std::string field, std::string pattern, std::string with) {
  return {std::move(field), RuleAction::Replace, std::move(pattern), std::move(with)};
}
RuleStep remove(std::string field, std::string which = "all") {
  return {std::move(field), RuleAction::Remove, {}, std::move(which)};
}

// One rule of these steps, applied.
struct Applied {
  RuleSubject subject;
  RuleEdits edits;
  std::vector<RuleTrace> trace;

  explicit Applied(std::vector<RuleStep> steps, std::span<const HeaderView> headers = {},
                   std::string called = "+15550100") {
    subject = {std::move(called), "+4930123", "+4930999", "+4930777", "INVITE", headers};
    edits.trace = &trace;
    const RuleSet rules({HeaderRuleConfig{"tested", {}, std::move(steps)}});
    const std::uint16_t all[] = {0};
    rules.apply(all, subject, edits);
  }
  [[nodiscard]] RuleEffect effect(std::size_t step = 0) const { return trace.at(step).effect; }
};

TEST(RuleSet, StepsGoOnFromWhatThoseBeforeThemLeft) {
  const Applied done({replace("called", "^\\+1", "00"), replace("called", "^00(555)([0-9]+)$", "\\2\\1"),
                      set("caller", "anonymous"), remove("diversion"), replace("identity", "^\\+49", "0")});
  EXPECT_EQ(done.subject.called, "0100555");
  EXPECT_EQ(done.subject.caller, "anonymous");
  EXPECT_EQ(done.subject.diversion, "");
  EXPECT_EQ(done.subject.identity, "030999");
  ASSERT_EQ(done.trace.size(), 5U);
  EXPECT_EQ(done.trace[0].before, "+15550100");
  EXPECT_EQ(done.trace[0].after, "005550100");
  EXPECT_EQ(done.trace[1].effect, RuleEffect::Changed);
}

TEST(RuleSet, SaysWhatDidNothing) {
  const Applied done({replace("called", "^999", "1"), set("called", "+15550100"), remove("header:X-No"),
                      replace("header:X-No", "a", "b")});
  EXPECT_EQ(done.effect(0), RuleEffect::NoMatch);
  EXPECT_EQ(done.effect(1), RuleEffect::Unchanged);
  EXPECT_EQ(done.effect(2), RuleEffect::Unchanged);
  EXPECT_EQ(done.effect(3), RuleEffect::NoMatch);
  EXPECT_TRUE(done.edits.headers.empty());
  EXPECT_EQ(done.edits.refused, 0U);
}

TEST(RuleSet, TheCalledNumberIsNeverMadeEmpty) {
  const Applied done(
      {replace("called", ".*", ""), set("called", ""), remove("called"), set("called", "\r\n")});
  EXPECT_EQ(done.subject.called, "+15550100");
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(done.effect(i), RuleEffect::WouldEmptyCalled) << i;
  EXPECT_EQ(done.edits.refused, 4U);
}

TEST(RuleSet, NumbersAreLimited) {
  const Applied done(
      {replace("called", "^(.*)$", "\\1\\1\\1"), set("caller", std::string(kNumberBytesMax + 1, '1')),
       set("identity", std::string(kNumberBytesMax, '1'))},
      {}, std::string(100, '7'));
  EXPECT_EQ(done.effect(0), RuleEffect::TooLong);
  EXPECT_EQ(done.effect(1), RuleEffect::TooLong);
  EXPECT_EQ(done.effect(2), RuleEffect::Changed);
  EXPECT_EQ(done.subject.called, std::string(100, '7'));
  EXPECT_EQ(done.subject.caller, "+4930123");
}

TEST(RuleSet, HostileNumbersAreHarmless) {
  const std::vector<RuleStep> evil{replace("called", "^(a+)+$", "x"), replace("called", "(a|aa)+$", "y"),
                                   replace("caller", "(x*)*y", "\\1\\1\\1\\1\\1\\1\\1\\1\\1")};
  EXPECT_EQ(Applied(evil, {}, std::string(4096, 'a') + "!").subject.called, std::string(4096, 'a') + "!");
  std::string octets;
  for (int i = 0; i < 256; ++i) octets += static_cast<char>(i);
  const Applied done({replace("called", "^(.*)$", "<\\1>"), replace("called", "\xff", "\\0\\0")}, {}, octets);
  for (const char c : done.subject.called) EXPECT_FALSE(static_cast<unsigned char>(c) < 0x20 || c == 0x7f);
  EXPECT_EQ(done.subject.called.find(std::string_view("\0", 1)), std::string::npos);
}

TEST(RuleSet, ControlOctetsNeverComeThrough) {
  const HeaderView headers[] = {{"X-Fold", "one\r\n\t two"}, {"X-Nul", std::string_view("a\0b\x7f\x1f", 5)}};
  const Applied done({replace("header:X-Fold", "one", "1"), replace("header:X-Nul", "a", "c"),
                      set("header:X-Set", "x\r\nEvil: yes"), set("caller", "1\r\n2")},
                     headers);
  EXPECT_EQ(done.edits.find("x-fold")->values.at(0), "1 two");
  EXPECT_EQ(done.edits.find("x-nul")->values.at(0), "cb");
  EXPECT_EQ(done.edits.find("X-SET")->values.at(0), "x Evil: yes");
  EXPECT_EQ(done.subject.caller, "1 2");
}

TEST(RuleSet, HeadersAreSetWhateverTheyWere) {
  const HeaderView headers[] = {{"X-Edge", "a"}, {"x-edge", "b"}};
  const Applied done({set("header:X-Edge", "edge-1")}, headers);
  const HeaderEdit* edit = done.edits.find("X-Edge");
  ASSERT_NE(edit, nullptr);
  EXPECT_EQ(edit->values, std::vector<std::string>{"edge-1"});
  EXPECT_TRUE(edit->is_set);
  EXPECT_EQ(done.trace[0].before, "a, b");
  EXPECT_EQ(done.trace[0].after, "edge-1");
}

TEST(RuleSet, AllOrTheFirstFieldIsRemoved) {
  const HeaderView headers[] = {{"X-A", "1"}, {"X-B", "1"}, {"x-a", "2"}, {"x-b", "2"}};
  const Applied done({remove("header:X-A"), remove("header:X-B", "first")}, headers);
  EXPECT_TRUE(done.edits.find("X-A")->values.empty());
  EXPECT_EQ(done.edits.find("X-B")->values, std::vector<std::string>{"2"});
  EXPECT_FALSE(done.edits.find("X-B")->is_set);
}

TEST(RuleSet, EveryFieldThatMatchesIsReplaced) {
  const HeaderView headers[] = {{"X-A", "one 1"}, {"X-A", "two"}, {"X-A", "three 3"}};
  const Applied done({replace("header:X-A", "([0-9])$", "<\\1>")}, headers);
  EXPECT_EQ(done.edits.find("X-A")->values, (std::vector<std::string>{"one <1>", "two", "three <3>"}));
}

TEST(RuleSet, AHeaderValueIsLimited) {
  const std::string large(kHeaderValueBytesMax, 'v');
  const HeaderView headers[] = {{"X-A", large}, {"X-A", "v"}};
  const Applied done({replace("header:X-A", "^", "+")}, headers);
  EXPECT_EQ(done.edits.find("X-A")->values, (std::vector<std::string>{large, "+v"}));
  const Applied alone({replace("header:X-A", "^", "+")}, std::span(headers).first(1));
  EXPECT_EQ(alone.effect(), RuleEffect::TooLong);
  EXPECT_EQ(alone.edits.refused, 1U);
}

// RFC 3261 §8.1.1
TEST(RuleSet, HeadersThatMakeTheDialogAreNotTouched) {
  for (const char* name : {"Via", "v", "FROM", "to", "Call-ID", "cseq", "Contact", "m", "Route",
                           "Record-Route", "Max-Forwards", "content-length", "Content-Type"}) {
    const Applied done({set(std::string("header:") + name, "x")});
    EXPECT_EQ(done.effect(), RuleEffect::OwnHeader) << name;
    EXPECT_TRUE(done.edits.headers.empty());
    EXPECT_EQ(done.edits.refused, 1U);
  }
  EXPECT_FALSE(is_own_header("X-Via"));
  EXPECT_FALSE(is_own_header(""));
}

TEST(RuleSet, ARuleIsForItsMethodsOnly) {
  const RuleSet rules({HeaderRuleConfig{"a", {"MESSAGE", "OPTIONS"}, {set("called", "1")}},
                       HeaderRuleConfig{"b", {"INVITE"}, {set("called", "2")}}});
  RuleSubject subject;
  subject.called = std::string("0");  // g++ 12 with sanitizers warns of an assigned literal
  subject.method = "INVITE";
  RuleEdits edits;
  std::vector<RuleTrace> trace;
  edits.trace = &trace;
  const std::uint16_t one[] = {0};
  rules.apply(one, subject, edits);
  EXPECT_EQ(subject.called, "0");
  EXPECT_EQ(trace.at(0).effect, RuleEffect::OtherMethod);
  const std::uint16_t both[] = {0, 1, 999};
  rules.apply(both, subject, edits);
  EXPECT_EQ(subject.called, "2");
}

TEST(RuleSet, RulesOfTheSourceAndOfTheTargetAddUp) {
  const RuleSet rules(
      {HeaderRuleConfig{"in", {}, {set("header:X-A", "1")}},
       HeaderRuleConfig{"out", {}, {replace("header:X-A", "1", "2"), set("header:X-B", "3")}}});
  RuleSubject subject;
  RuleEdits edits;
  rules.apply(rules.positions({"in"}), subject, edits);
  rules.apply(rules.positions({"out", "nobody"}), subject, edits);
  ASSERT_EQ(edits.headers.size(), 2U);
  EXPECT_EQ(edits.find("X-A")->values, std::vector<std::string>{"2"});
  EXPECT_TRUE(edits.find("X-A")->is_set);
  EXPECT_EQ(rules.name_of(1), "out");
  EXPECT_EQ(rules.name_of(2), "");
}

TEST(RuleSet, SdpStepsAreLeftToWhoRewritesSdp) {
  const RuleSet rules({HeaderRuleConfig{
      "sdp",
      {},
      {set("sdp:ptime", "20"), remove("sdp:rtcp-fb", "first"), replace("sdp:fmtp", "^0(.*)", "1\\1")}}});
  RuleSubject subject;
  RuleEdits edits;
  rules.apply(rules.positions({"sdp"}), subject, edits);
  ASSERT_EQ(edits.sdp.size(), 3U);
  EXPECT_EQ(edits.sdp[0].attribute, "ptime");
  EXPECT_EQ(edits.sdp[0].value, "20");
  EXPECT_EQ(edits.sdp[1].action, RuleAction::Remove);
  EXPECT_EQ(edits.sdp[1].value, "first");
  EXPECT_EQ(rules.replace_sdp(edits.sdp[2], "0 x"), "1 x");
  EXPECT_EQ(rules.replace_sdp(edits.sdp[2], "9"), std::nullopt);
  EXPECT_EQ(rules.replace_sdp(edits.sdp[0], "0"), std::nullopt);
  SdpEdit gone = edits.sdp[2];
  gone.rule = 7;
  EXPECT_EQ(rules.replace_sdp(gone, "0 x"), std::nullopt);
}

TEST(RuleSet, APatternThatIsNoneDoesNothing) {
  const Applied done({replace("called", "(", "x")});
  EXPECT_EQ(done.effect(), RuleEffect::NoMatch);
  EXPECT_EQ(done.subject.called, "+15550100");
}

}  // namespace
}  // namespace sallyport::policy
