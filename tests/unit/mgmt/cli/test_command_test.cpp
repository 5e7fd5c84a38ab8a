// test_command_test.cpp — what `test route` and `test rules` say of a call.
#include "mgmt/cli/test_command.h"

#include <gmock/gmock.h>

#include "tests/unit/mgmt/config/config_text.h"

namespace sallyport::mgmt {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr policy::WeekMinute kMonday{9 * 60 + 5};

const std::string kConfig = R"(version: 1
node: { name: edge-1 }
ports:
  - { name: outside, device: "af_packet:s-out", addresses: [198.18.1.1/24] }
  - { name: inside, device: "af_packet:s-in", addresses: [198.18.2.1/24] }
realms:
  - { name: outside, port: outside, listen: [{ transport: udp, port: 5060 }], limits: { calls: 900, rate: 90/s } }
  - { name: inside, port: inside, trust: trusted, listen: [{ transport: udp, port: 5060 }] }
profiles: [{ name: p, headers: { in: [clean], out: [mark] }, identity: { accept: pai } }]
peers:
  - { name: carrier, realm: outside, profile: p, targets: [{ address: "198.18.1.2:5060" }], limits: { in: { calls: 20, rate: 10/h } } }
  - { name: pbx, realm: inside, profile: p, targets: [{ address: "198.18.2.2:5060" }, { address: "198.18.2.3:5060" }] }
header_rules:
  - { name: clean, steps: [{ field: called, replace: "^00", with: "+" }] }
  - name: national
    steps: [{ field: called, replace: "^\\+1", with: "" }, { field: "header:X-Internal", remove: all }]
  - { name: mark, when: { methods: [INVITE] }, steps: [{ field: "header:X-Edge", set: edge-1 }] }
routes:
  - { name: inbound, match: { peer: carrier, called: "^\\+1555" }, rules: [national], to: [pbx, { reject: 486 }] }
  - { name: costly, match: { called: "^\\+882" }, to: [{ reject: 603 }] }
  - { name: moved, match: { called: "^\\+7" }, to: [{ redirect: "sip:new@example.net" }] }
  - { name: tenant, match: { header: { X-Tenant: "^blue$" } }, to: [pbx] }
emergency: { to: [pbx] }
)";

const std::string kInvite =
    "INVITE sip:%2B15550199@sbc.example.net SIP/2.0\n"
    "Via: SIP/2.0/UDP 198.18.1.2:5060;branch=z9hG4bK1\n"
    "Max-Forwards: 70\n"
    "From: \"Ann\" <sip:+4930123@carrier.example>;tag=1\n"
    "To: <sip:+15550199@sbc.example.net>\n"
    "Call-ID: a@b\n"
    "CSeq: 1 INVITE\n"
    "Contact: <sip:198.18.1.2>\n"
    "P-Asserted-Identity: <sip:+4930555@carrier.example>\n"
    "X-Internal: secret\n"
    "X-Tenant: blue\n"
    "Content-Length: 0\n"
    "\n";

TestReport ask(TestQuestion question, std::string_view message = {}) {
  static const LoadedConfig loaded = load_text(kConfig);
  EXPECT_FALSE(loaded.has_errors());
  return test_report(loaded.config, question, message, kMonday);
}

TestQuestion called(std::string number, std::string peer = "carrier") {
  return {false, std::move(peer), std::move(number), {}, {}};
}

TEST(TestRoute, ShowsRouteTargetsLimitsAndRulesOfACall) {
  const TestReport report = ask(called("0015550100"));
  EXPECT_EQ(report.status, 0);
  EXPECT_EQ(report.error, "");
  EXPECT_EQ(report.text,
            "request    INVITE sip:0015550100 from peer carrier in realm outside, mon 09:05 UTC\n"
            "called     0015550100\n"
            "caller     none\n"
            "emergency  no\n"
            "limits     from carrier 20 calls, 10/h; realm outside 900 calls, 90/s\n"
            "rules of carrier\n"
            "    clean step 1: called: replace \"^00\" with \"+\": \"0015550100\" becomes \"+15550100\"\n"
            "route      inbound, number 1 of 4\n"
            "retry on   408, 500, 502, 503, 504\n"
            "target 1   pbx in realm inside: 198.18.2.2:5060, 198.18.2.3:5060\n"
            "  rules of the route\n"
            "    national step 1: called: replace \"^\\+1\" with \"\": \"+15550100\" becomes \"5550100\"\n"
            "    national step 2: header:X-Internal: remove all: \"\" stays, unchanged\n"
            "  rules for pbx\n"
            "    mark step 1: header:X-Edge: set \"edge-1\": \"\" becomes \"edge-1\"\n"
            "  called   5550100\n"
            "  caller   none\n"
            "  header   X-Edge: edge-1\n"
            "  identity no asserted identity\n"
            "  limits   to pbx 10000 calls, 500/s; realm inside 10000 calls, 500/s\n"
            "then       486\n");
}

TEST(TestRoute, ReadsARequestFromAFile) {
  TestQuestion question = called("");
  question.invite_file = "a.sip";
  const TestReport report = ask(question, kInvite);
  EXPECT_EQ(report.status, 0) << report.error;
  EXPECT_THAT(report.text,
              AllOf(HasSubstr("request    INVITE sip:%2B15550199@sbc.example.net from peer carrier"),
                    HasSubstr("called     +15550199\n"), HasSubstr("caller     +4930123\n"),
                    HasSubstr("header:X-Internal: remove all: \"secret\" becomes \"\"\n"),
                    HasSubstr("  header   X-Internal is taken out\n"),
                    HasSubstr("  identity P-Asserted-Identity\n")));
}

TEST(TestRoute, WordsCountBeforeTheFile) {
  TestQuestion question = called("+999");
  question.invite_file = "a.sip";
  question.caller = "anonymous";
  const TestReport report = ask(question, kInvite);
  EXPECT_EQ(report.status, 0);
  EXPECT_THAT(report.text, AllOf(HasSubstr("INVITE sip:+999@sbc.example.net"), HasSubstr("called     +999\n"),
                                 HasSubstr("caller     anonymous\n"), HasSubstr("route      tenant")));
}

TEST(TestRoute, NamesTheLineOfTheTableThatDecides) {
  const TestFolder folder;
  folder.write("lcr.csv", "prefix,peer,weight\n+49,carrier,10\n+4930,carrier,25\n+4930,pbx,75\n");
  std::string text = kConfig;
  text.replace(text.find("  - { name: inbound"), 0,
               "  - { name: lcr, match: { called: \"^\\\\+49\" }, to: [{ table: lcr }] }\n");
  const LoadedConfig loaded =
      load_config(folder.write("c.yaml", text + "tables: [{ name: lcr, file: lcr.csv }]\n"));
  ASSERT_FALSE(loaded.has_errors());
  const std::string report = test_report(loaded.config, called("0049301234"), {}, kMonday).text;
  EXPECT_THAT(report, HasSubstr("target 1   pbx in realm inside: 198.18.2.2:5060, 198.18.2.3:5060\n"
                                "  table    lcr line 4: prefix +4930, weight 75 of 100\n"));
  EXPECT_THAT(report, HasSubstr("  table    lcr line 3: prefix +4930, weight 25 of 100\n"));
}

TEST(TestRoute, NothingThatMatchesGives65) {
  const TestReport report = ask(called("+49", "pbx"));
  EXPECT_EQ(report.status, 65);
  EXPECT_THAT(report.text, HasSubstr("route      none matches: 404"));
}

TEST(TestRoute, RejectAndRedirectAreAnswers) {
  const TestReport costly = ask(called("+8821")), moved = ask(called("+7495"));
  EXPECT_EQ(costly.status, 0);
  EXPECT_THAT(costly.text, HasSubstr("route      costly, number 2 of 4\nanswer     603\n"));
  EXPECT_THAT(moved.text, HasSubstr("answer     302 with Contact sip:new@example.net\n"));
}

TEST(TestRoute, EmergenciesAreNamed) {
  for (const char* number : {"112", "1-1-2", "urn:service:sos.fire", "URN:SERVICE:SOS"}) {
    const TestReport report = ask(called(number));
    EXPECT_EQ(report.status, 0) << number;
    EXPECT_THAT(report.text, AllOf(HasSubstr("emergency  yes"), HasSubstr("route      emergency.to"),
                                   HasSubstr("target 1   pbx")))
        << number;
  }
}

TEST(TestRules, ShowsTheStepsAlone) {
  TestQuestion question = called("0015550100");
  question.only_rules = true;
  const TestReport report = ask(question);
  EXPECT_EQ(report.status, 0);
  EXPECT_THAT(report.text, AllOf(HasSubstr("clean step 1"), HasSubstr("national step 1"),
                                 HasSubstr("mark step 1"), HasSubstr("  called   5550100\n"),
                                 Not(HasSubstr("limits")), Not(HasSubstr("route    "))));
}

TEST(TestRules, NoRuleGives65) {
  static const LoadedConfig plain = load_text(joined(kGoodLines));
  const TestReport report =
      test_report(plain.config, {true, "carrier", "1", {}, {}}, {}, policy::WeekMinute{});
  EXPECT_EQ(report.status, 65);
  EXPECT_THAT(report.text, HasSubstr("no rule is for this call\n"));
}

TEST(TestQuestions, ThatCannotBeReadGive65AndOneSentence) {
  TestQuestion file = called("");
  file.invite_file = "a.sip";
  const struct {
    TestQuestion question;
    std::string message;
    const char* why;
  } kCases[] = {
      {called("1", "nobody"), "", "there is no peer \"nobody\""},
      {called(""), "", "--called or --invite"},
      {file, "", "a.sip: the message can't be read as SIP"},
      {file, "hello\n\n", "a.sip: the message can't be read as SIP"},
      {file, std::string(kTestedMessageBytesMax + 1, 'a'), "longer than 65536 octets"},
      {file,
       "SIP/2.0 200 OK\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\nFrom: <sip:a>;tag=1\nTo: <sip:b>;tag=2\n"
       "Call-ID: 1\nCSeq: 1 INVITE\nContent-Length: 0\n\n",
       "is no request"},
  };
  for (const auto& one : kCases) {
    const TestReport report = ask(one.question, one.message);
    EXPECT_EQ(report.status, 65);
    EXPECT_THAT(report.error, AllOf(StartsWith("sallyport: "), HasSubstr(one.why)));
    EXPECT_EQ(report.text, "");
  }
}

// What a stranger wrote must not steer the terminal of who looks at it.
TEST(TestQuestions, WhatAFileHoldsIsEscaped) {
  TestQuestion question = called(std::string("+1555\x1b[2J\n", 11));
  const TestReport report = ask(question);
  EXPECT_THAT(report.text, Not(HasSubstr("\x1b")));
  std::string odd = kInvite;
  odd.replace(odd.find("secret"), 6, "\x1b[2J\xff");
  question = called("");
  question.invite_file = "a\x1b.sip";
  const TestReport read = ask(question, odd);
  EXPECT_THAT(read.text + read.error, Not(HasSubstr("\x1b")));
}

TEST(TestCommand, LoadsTheConfigurationAndTheFile) {
  const TestFolder folder;
  const auto config = folder.write("c.yaml", kConfig);
  TestQuestion question = called("");
  question.invite_file = folder.write("a.sip", kInvite);
  EXPECT_EQ(test_command(config, question, WallTime{}).status, 0);
  question.invite_file = folder.path() / "none.sip";
  EXPECT_EQ(test_command(config, question, WallTime{}).status, 65);
  const auto bad = folder.write("bad.yaml", "version: 1\nroute: []\n");
  const TestReport refused = test_command(bad, called("1"), WallTime{});
  EXPECT_EQ(refused.status, 78);
  EXPECT_THAT(refused.error, HasSubstr("there is no such key"));
}

TEST(TestRoute, APhoneOfARegistrarCallsAndIsCalled) {
  const LoadedConfig loaded = load_text(
      with_line(12,
                "routes: [{ name: out, match: { registrar: [phones] }, to: [pbx] }, { name: in, match: { "
                "peer: [pbx] }, to: "
                "[{ registrar: phones }] }]\n"
                "registrars: [{ name: phones, realm: outside, upstream: pbx, domains: [example.com] }]"));
  ASSERT_FALSE(loaded.has_errors());
  const TestReport from = test_report(loaded.config, called("200", "phones"), {}, kMonday);
  EXPECT_EQ(from.status, 0);
  EXPECT_THAT(from.text, AllOf(HasSubstr("from an endpoint of registrar phones in realm outside"),
                               HasSubstr("pbx in realm inside: 198.18.2.2:5060")));
  const TestReport to = test_report(loaded.config, called("1001", "pbx"), {}, kMonday);
  EXPECT_THAT(to.text,
              HasSubstr("phones in realm outside: the contacts that are registered for the called address"));
}

}  // namespace
}  // namespace sallyport::mgmt
