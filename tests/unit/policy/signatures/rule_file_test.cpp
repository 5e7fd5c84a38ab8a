// rule_file_test.cpp — what is read of a rule, and what is said of those that can't be taken.
#include "policy/signatures/rule_file.h"

#include <gtest/gtest.h>

namespace sallyport::policy {
namespace {

constexpr std::string_view kHead = "alert sip any any -> any any ";

std::string rule(std::string_view options) { return std::string(kHead) + "(" + std::string(options) + ")"; }

Signature taken(std::string_view text) {
  RuleFile file = parse_rule_file(text);
  for (const RuleProblem& problem : file.problems) ADD_FAILURE() << problem.what << "; " << problem.instead;
  return file.signatures.empty() ? Signature{} : file.signatures.front();
}

// What is said of the one rule, which can't be taken.
std::string refused(std::string_view text) {
  const RuleFile file = parse_rule_file(text);
  EXPECT_TRUE(file.signatures.empty()) << text;
  if (file.problems.size() != 1) return "problems: " + std::to_string(file.problems.size());
  EXPECT_FALSE(file.problems[0].instead.empty());
  return file.problems[0].what;
}

const ContentMatch& content_of(const Signature& signature, std::size_t match, std::size_t condition) {
  return std::get<ContentMatch>(signature.matches.at(match).conditions.at(condition));
}

TEST(RuleFile, ReadsARuleAsSuricataWritesIt) {
  const Signature one =
      taken(R"(drop udp $EXTERNAL_NET any -> $HOME_NET $SIP_PORTS (msg:"a scanner\; known\: by \"name\""; )"
            R"(sip.user_agent; content:"Friendly|2d|scanner"; nocase; classtype:attempted-recon; )"
            R"(reference:url,example.net; metadata:created_at 2026; sid:1000; rev:3; gid:7; priority:2;))");
  EXPECT_EQ(one.action, SignatureAction::Drop);
  EXPECT_EQ(one.protocol, SignatureProtocol::Udp);
  EXPECT_EQ(one.msg, "a scanner; known: by \"name\"");
  EXPECT_EQ(one.sid, 1000u);
  EXPECT_EQ(one.rev, 3u);
  EXPECT_EQ(one.gid, 7u);
  EXPECT_EQ(one.priority, 2u);
  EXPECT_EQ(one.classtype, "attempted-recon");
  EXPECT_EQ(one.matches.at(0).buffer, SipBuffer::UserAgent);
  EXPECT_EQ(content_of(one, 0, 0).bytes, "friendly-scanner");
  EXPECT_TRUE(content_of(one, 0, 0).is_nocase);
}

TEST(RuleFile, ReportsHoldNoControlOctetOfTheFile) {
  for (const std::string_view options :
       {"isdataat:!\xff\trelative; sid:1;", "content:\"a\"; fast_pattern:1\t2; sid:1;",
        "content:\"a\"; detection_filter:track\tby_src; sid:1;", "x\ty:1; sid:1;", "sid:1\t2;",
        "bsize:1\t2; sid:1;", "content:\"a\"; depth:1\t2; sid:1;", "flow:to\tserver; sid:1;"}) {
    const RuleFile file = parse_rule_file(rule(options));
    ASSERT_EQ(file.problems.size(), 1u) << options;
    for (const std::string& text : {file.problems[0].what, file.problems[0].instead})
      EXPECT_EQ(text.find('\t'), std::string::npos) << text;
  }
}

TEST(RuleFile, ReadsTheModifiersOfAContent) {
  const Signature one = taken(rule(
      R"(content:"ab"; offset:3; depth:9; content:!"cd"; distance:-2; within:7; sip.uri; content:"|00 FF|"; )"
      R"(startswith; fast_pattern; rawbytes; content:"x"; endswith; sid:1;)"));
  EXPECT_EQ(content_of(one, 0, 0).offset, 3u);
  EXPECT_EQ(content_of(one, 0, 0).depth, 9u);
  EXPECT_TRUE(content_of(one, 0, 1).is_negated);
  EXPECT_EQ(content_of(one, 0, 1).distance, -2);
  EXPECT_EQ(content_of(one, 0, 1).within, 7u);
  EXPECT_EQ(content_of(one, 1, 0).bytes, std::string("\0\xff", 2));
  EXPECT_EQ(content_of(one, 1, 0).depth, 2u);
  EXPECT_TRUE(content_of(one, 1, 0).is_fast);
  EXPECT_TRUE(content_of(one, 1, 1).is_at_end);
}

TEST(RuleFile, ReadsPatternsSizesFlowAndThresholds) {
  const Signature one = taken(rule(
      R"(flow:established,to_server; dsize:>100; sip.from; bsize:5<>10; pcre:"/^a\/b\;$/ism"; isdataat:!4; )"
      R"(threshold:type both, track by_callee, count 5, seconds 60; sid:1;)"));
  EXPECT_EQ(one.flow, SignatureFlow::Request);
  EXPECT_EQ(one.message_size.least, 101u);
  const auto& size = std::get<SizeRange>(one.matches.at(0).conditions.at(0));
  EXPECT_EQ(size.least, 6u);
  EXPECT_EQ(size.most, 9u);
  const auto& pcre = std::get<PcreMatch>(one.matches.at(0).conditions.at(1));
  EXPECT_EQ(pcre.pattern, R"(^a\/b\;$)");
  EXPECT_TRUE(pcre.is_caseless && pcre.dot_is_all && pcre.is_multi_line && !pcre.is_extended);
  EXPECT_TRUE(std::get<ReachMatch>(one.matches.at(0).conditions.at(2)).is_negated);
  ASSERT_TRUE(one.threshold);
  EXPECT_EQ(one.threshold->kind, SignatureThreshold::Kind::Both);
  EXPECT_EQ(one.threshold->track, SignatureThreshold::Track::Callee);
  EXPECT_EQ(one.threshold->count, 5u);
}

TEST(RuleFile, PassesOverCommentsAndJoinsLines) {
  const RuleFile file =
      parse_rule_file("# alert nothing\n\n" + std::string(kHead) + "\\\r\n  (content:\"a\"; \\\n" +
                      "  sid:5;)\r\n" + rule("content:\"b\"; sid:6;"));
  ASSERT_EQ(file.signatures.size(), 2u);
  EXPECT_EQ(file.signatures[0].line, 3u);
  EXPECT_EQ(file.signatures[1].line, 6u);
  EXPECT_TRUE(file.problems.empty());
}

TEST(RuleFile, NamesWhatItCantTakeAndTakesTheRest) {
  const RuleFile file =
      parse_rule_file(rule("content:\"a\"; sid:1;") + "\n" + rule("content:\"a\"; flowbits:set,x; sid:2;") +
                      "\n" + rule("content:\"a\"; sid:3;") + "\n" + rule("content:\"b\"; sid:3;"));
  ASSERT_EQ(file.signatures.size(), 2u);
  ASSERT_EQ(file.problems.size(), 2u);
  EXPECT_EQ(file.problems[0].line, 2u);
  EXPECT_EQ(file.problems[0].sid, 2u);
  EXPECT_EQ(file.problems[0].what, "the option 'flowbits' is not taken");
  EXPECT_EQ(file.problems[1].line, 4u);
  EXPECT_EQ(file.problems[1].what, "the rule of line 3 has this sid");
}

TEST(RuleFile, AddressesAndPortsMayBeListsAndNegated) {
  const Signature one = taken(
      "alert ip [192.0.2.0/24, !192.0.2.7, 2001:db8::/32] ![1:1023,6000] -> any [5060:5070,!5065] "
      "(content:\"a\"; sid:1;)");
  const SignatureWay& way = one.ways.at(0);
  EXPECT_TRUE(way.sources.contains(*IpAddress::parse("192.0.2.8")));
  EXPECT_FALSE(way.sources.contains(*IpAddress::parse("192.0.2.7")));
  EXPECT_TRUE(way.sources.contains(*IpAddress::parse("2001:db8::9")));
  EXPECT_FALSE(way.sources.contains(*IpAddress::parse("198.51.100.1")));
  EXPECT_FALSE(way.source_ports.contains(80));
  EXPECT_FALSE(way.source_ports.contains(6000));
  EXPECT_TRUE(way.source_ports.contains(5060));
  EXPECT_TRUE(way.destination_ports.contains(5070));
  EXPECT_FALSE(way.destination_ports.contains(5065));
  EXPECT_FALSE(way.destination_ports.contains(5071));
}

TEST(RuleFile, VariablesMeanWhoSendsAndWhoReceives) {
  const Signature in = taken("alert sip $EXTERNAL_NET any -> $HOME_NET $SIP_PORTS (content:\"a\"; sid:1;)");
  EXPECT_TRUE(in.ways.at(0).sources.contains(*IpAddress::parse("192.0.2.1")));
  EXPECT_TRUE(in.ways.at(0).destinations.contains(*IpAddress::parse("2001:db8::1")));
  EXPECT_TRUE(in.ways.at(0).destination_ports.contains(15060));
  EXPECT_EQ(refused("alert sip $HOME_NET any -> $EXTERNAL_NET any (content:\"a\"; sid:1;)"),
            "nothing that arrives here goes that way");
  const Signature both = taken("alert sip $HOME_NET $SIP_PORTS <> $EXTERNAL_NET any (content:\"a\"; sid:1;)");
  EXPECT_EQ(both.ways.size(), 1u);
  EXPECT_EQ(refused("alert sip $DNS_SERVERS any -> any any (content:\"a\"; sid:1;)"),
            "the address '$DNS_SERVERS' can't be read");
}

TEST(RuleFile, SaysWhatIsWrongWithAHead) {
  EXPECT_EQ(refused("alert sip any any -> any (sid:1;)"), "the head has 6 words");
  EXPECT_EQ(refused("pass sip any any -> any any (sid:1;)"), "the action 'pass' is not known");
  EXPECT_EQ(refused("alert http any any -> any any (sid:1;)"), "the protocol 'http' is not looked at");
  EXPECT_EQ(refused("alert sip any any <- any any (sid:1;)"), "'<-' is no direction");
  EXPECT_EQ(refused("alert sip any 70000 -> any any (sid:1;)"), "the port '70000' can't be read");
  EXPECT_EQ(refused("alert sip any 9:8 -> any any (sid:1;)"), "the port '9:8' can't be read");
  EXPECT_EQ(refused("alert sip [[[[[[192.0.2.1]]]]]] any -> any any (sid:1;)"),
            "the address '[[[[[[192.0.2.1]]]]]]' can't be read");
  EXPECT_EQ(refused("alert sip any any -> any any"), "the options are not in parentheses");
}

TEST(RuleFile, SaysWhatIsWrongWithAContent) {
  EXPECT_EQ(refused(rule("content:\"\"; sid:1;")), "the content is empty");
  EXPECT_EQ(refused(rule("content:abc; sid:1;")), "'abc' is not in double quotes");
  EXPECT_EQ(refused(rule("content:\"a;b\"; sid:1;")), "'\"a' has no closing quote before the next semicolon");
  EXPECT_EQ(refused(rule("content:\"|4|\"; sid:1;")), "the octets between the bars of '|4|' can't be read");
  EXPECT_EQ(refused(rule("content:\"|41\"; sid:1;")), "the octets between the bars of '|41' can't be read");
  EXPECT_EQ(refused(rule(R"(content:"a\qb"; sid:1;)")), R"(a backslash escapes nothing in 'a\qb')");
  EXPECT_EQ(refused(rule(R"(content:"a"b"; sid:1;)")), R"(a double quote stands within '"a"b"')");
  EXPECT_EQ(refused(rule("content:\"" + std::string(256, 'a') + "\"; sid:1;")), "the content has 256 octets");
  EXPECT_EQ(refused(rule("nocase; sid:1;")), "nocase stands behind no content");
  EXPECT_EQ(refused(rule("content:\"abc\"; depth:2; sid:1;")),
            "the content has 3 octets and its depth or within is less");
  EXPECT_EQ(refused(rule("content:\"abc\"; distance:2; sid:1;")),
            "distance or within has no content before it in the same buffer");
  EXPECT_EQ(refused(rule("content:\"a\"; sip.uri; content:\"b\"; within:2; sid:1;")),
            "distance or within has no content before it in the same buffer");
  EXPECT_EQ(refused(rule("content:\"a\"; offset:1; content:\"b\"; within:2; offset:3; sid:1;")),
            "offset or depth and distance or within are asked of one content");
  EXPECT_EQ(refused(rule("content:!\"a\"; fast_pattern; sid:1;")),
            "fast_pattern stands at a negated content");
}

TEST(RuleFile, SaysWhatIsWrongWithOtherOptions) {
  EXPECT_EQ(refused(rule("content:\"a\";")), "the rule has no sid");
  EXPECT_EQ(refused(rule("sid:0;")), "sid 0 is no number of a rule");
  EXPECT_EQ(refused(rule("sid:4294967296;")), "sid '4294967296' is no number");
  EXPECT_EQ(refused(rule("content:\"a\"; sid:1")), "the option 'sid:1' has no end");
  EXPECT_EQ(refused(rule("sip.uri; sid:1;")), "nothing is asked of sip.uri");
  EXPECT_EQ(refused(rule("sip.uri:\"a\"; sid:1;")), "sip.uri takes no value");
  EXPECT_EQ(refused(rule("pcre:\"abc\"; sid:1;")), "the pattern 'abc' is not between slashes");
  EXPECT_EQ(refused(rule("pcre:\"/a/U\"; sid:1;")), "the flag 'U' of a pcre is not taken");
  EXPECT_EQ(refused(rule("pcre:\"/a/R\"; sid:1;")),
            "the flag R counts from a content, and there is none right before the pcre");
  EXPECT_EQ(refused(rule("content:\"a\"; pcre:\"/^b/R\"; sid:1;")),
            "a pcre with the flag R has an anchor or the flag x");
  EXPECT_EQ(refused(rule("pcre:\"/a/\"; content:\"b\"; within:3; sid:1;")),
            "distance or within would count from the end of a pcre");
  EXPECT_EQ(refused(rule("flow:to_server,to_client; sid:1;")), "flow names both directions");
  EXPECT_EQ(refused(rule("flow:not_established; sid:1;")), "the flow 'not_established' is not taken");
  EXPECT_EQ(refused(rule("threshold:type limit, track by_src, count 0, seconds 1; sid:1;")),
            "'count 0' is not taken in threshold");
  EXPECT_EQ(refused(rule("detection_filter:track by_src, count 5; sid:1;")), "detection_filter lacks a part");
  EXPECT_EQ(refused(rule("detection_filter:track by_src, count 5, count 6; sid:1;")),
            "'count 5' is not taken in detection_filter");
  EXPECT_EQ(refused(rule("dsize:<0; sid:1;")), "dsize '<0' can't be read or holds for no size");
  EXPECT_EQ(refused(rule("byte_test:4,>,100,0; content:\"a\"; sid:1;")),
            "the option 'byte_test' is not taken");
}

TEST(RuleFile, BoundsWhatOneFileMayHold) {
  std::string many;
  for (int i = 0; i < 40; ++i) many += "content:\"a\"; ";
  EXPECT_EQ(refused(rule(many + "sid:1;")), "more than 32 conditions");
  EXPECT_EQ(refused(rule("msg:\"" + std::string(9000, 'a') + "\"; sid:1;")), "the rule has 9045 octets");
  std::string bad;
  for (int i = 0; i < 1500; ++i) bad += "x\n";
  const RuleFile file = parse_rule_file(bad);
  ASSERT_EQ(file.problems.size(), kRuleProblemsMax + 1);
  EXPECT_EQ(file.problems.back().what, "500 further rules can't be taken");
  EXPECT_EQ(parse_rule_file(std::string((4 << 20) + 1, '\n')).problems.size(), 1u);
}

TEST(RuleFile, ControlOctetsAreNamedAndNeverShown) {
  const RuleFile file = parse_rule_file(rule(std::string("content:\"a\x1b[2J\"; sid:1;")));
  ASSERT_EQ(file.problems.size(), 1u);
  EXPECT_EQ(file.problems[0].what, "the rule holds a control octet");
}

}  // namespace
}  // namespace sallyport::policy
