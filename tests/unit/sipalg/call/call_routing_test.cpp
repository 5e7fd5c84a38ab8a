// call_routing_test.cpp — failover, redirection, the response map, header rules and identity, as they show on
// the wire: RFC 3261 §8.1.3.4, §16.7, §22; RFC 3323, RFC 3325; threats D5, I3.
#include <gtest/gtest.h>

#include "tests/support/call_fixture.h"

namespace sallyport::sip {
namespace {

using tests::holds;
using tests::MessageBuilder;
using tests::only;
using tests::SentMessage;

class CallRoutingTest : public ::testing::Test, public tests::CallFixture {
 protected:
  // An INVITE of the PBX to a number outside.
  [[nodiscard]] MessageBuilder inside_invite() const {
    return MessageBuilder("INVITE")
        .uri("sip:+33123456789@198.18.2.1")
        .via("SIP/2.0/UDP 198.18.2.2:5060;branch=z9hG4bKinside;rport")
        .from("\"Bob Inside\" <sip:+15551234567@10.0.0.5>;tag=bobtag")
        .to("<sip:+33123456789@198.18.2.1>")
        .call_id("inside-call-id")
        .contact("<sip:bob@10.0.0.5:5061>")
        .body("application/sdp", kSdp);
  }
  SentMessage outside(const MessageBuilder& built) { return only(from_pbx(built.build()), "INVITE"); }
};

TEST_F(CallRoutingTest, RedirectionIsRefusedUnlessConfigured) {
  const SentMessage out = only(from_carrier(invite().build()), "INVITE");
  const auto sent = from_pbx(answer(out, 302, "x", "Contact: <sip:+15550000000@10.1.1.1>\r\n"));
  const SentMessage refused = only(sent, "480");
  EXPECT_EQ(refused.header("Contact"), "");
  EXPECT_EQ(refused.bytes.find("10.1.1.1"), std::string::npos);
  EXPECT_FALSE(holds(sent, "INVITE"));
}

TEST_F(CallRoutingTest, RedirectionIsPassedWithTheNumberAloneUnderOurHost) {
  config.peers[1].profile.redirect = RedirectMode::Pass;
  const SentMessage out = only(from_carrier(invite().build()), "INVITE");
  const auto sent =
      from_pbx(answer(out, 302, "x", "Contact: \"Secret\" <sip:+15550000000@10.1.1.1;x=y?Route=z>;q=1\r\n"));
  EXPECT_EQ(only(sent, "302").header("Contact"), "<sip:+15550000000@198.18.1.1>");
}

TEST_F(CallRoutingTest, RedirectionIsFollowedThroughTheSameRoutesAndNowhereElse) {
  config.peers[1].profile.redirect = RedirectMode::Follow;
  SentMessage out = only(from_carrier(invite().build()), "INVITE");
  auto sent = from_pbx(answer(out, 302, "x", "Contact: <sip:+15550000000@203.0.113.66:7777>\r\n"));
  EXPECT_TRUE(holds(sent, "ACK"));
  out = only(sent, "INVITE");
  EXPECT_EQ(out.path.remote, pbx) << "by the route, not by the Contact";
  EXPECT_EQ(out.uri(), "sip:+15550000000@198.18.2.2:5060");
  sent = from_pbx(answer(out, 302, "x", "Contact: <sip:999@198.18.2.2>\r\n"));
  EXPECT_FALSE(holds(sent, "INVITE")) << "no route for it";
  EXPECT_TRUE(holds(sent, "480"));
}

TEST_F(CallRoutingTest, RedirectionRoundAndRoundEnds) {
  config.peers[1].profile.redirect = RedirectMode::Follow;
  auto sent = from_carrier(invite().build());
  unsigned rounds = 0;
  while (holds(sent, "INVITE") && rounds < 50) {
    ++rounds;
    sent = from_pbx(answer(only(sent, "INVITE"), 302, "x", "Contact: <sip:+15551234567@198.18.2.2>\r\n"));
  }
  EXPECT_LT(rounds, 10u);
  EXPECT_TRUE(holds(sent, "480"));
  EXPECT_EQ(calls(), 0u);
}

TEST_F(CallRoutingTest, RedirectionMatchesRoutesByCallerToo) {
  config.peers[1].profile.redirect = RedirectMode::Follow;
  config.routes[0].match.caller = {"^alice-near$"};
  const SentMessage out = only(from_carrier(invite().build()), "INVITE");
  EXPECT_TRUE(holds(from_pbx(answer(out, 301, "x", "Contact: <sip:+15550000000@h.test>\r\n")), "INVITE"));
}

// RFC 3261 §22.1; threats I3: we have no credentials of that side and ask for none.
TEST_F(CallRoutingTest, ChallengeOfACalleeIs403WithoutIt) {
  for (const int code : {401, 407}) {
    CallFixture fixture;
    const SentMessage out = only(fixture.from_carrier(fixture.invite().build()), "INVITE");
    const auto sent = fixture.from_pbx(answer(
        out, code, "x",
        "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\nProxy-Authenticate: Digest realm=\"r\"\r\n"));
    EXPECT_EQ(only(sent, "403").bytes.find("uthenticate"), std::string::npos) << code;
  }
}

TEST_F(CallRoutingTest, ResponseMapOfTheCallersSideIsApplied) {
  config.peers[0].profile.response_map = {{486, 600}, {503, 500}};
  SentMessage out = only(from_carrier(invite().build()), "INVITE");
  EXPECT_TRUE(holds(from_pbx(answer(out, 486, "x")), "600"));
  EXPECT_EQ(records(CallRecordType::End)[0].sip_code, 600);
  EXPECT_EQ(records(CallRecordType::End)[0].result, CallResult::Busy);
}

TEST_F(CallRoutingTest, OnlyConfiguredCodesLeadToTheNextTarget) {
  config.routes[0].retry_on = {486};
  SentMessage out = only(from_carrier(invite().build()), "INVITE");
  const auto sent = from_pbx(answer(out, 486, "x"));
  out = only(sent, "INVITE");
  EXPECT_EQ(out.path.remote, second_pbx);
  EXPECT_FALSE(holds(sent, "486"));
  EXPECT_TRUE(holds(from(second_pbx, answer(out, 503, "x")), "503"));
}

TEST_F(CallRoutingTest, RouteMayRejectOrRedirectByItself) {
  RouteConfig reject, redirect;
  reject.match.called = {"^900"};
  reject.to = {RouteReject{403}};
  redirect.match.called = {"^800"};
  redirect.to = {RouteRedirect{"sip:+15551112222@far.example"}};
  config.routes.insert(config.routes.begin(), {reject, redirect});
  EXPECT_TRUE(holds(from_carrier(invite().uri("sip:900123@198.18.1.1").build()), "403"));
  const auto sent = from_carrier(invite()
                                     .uri("sip:800123@198.18.1.1")
                                     .call_id("r2")
                                     .via("SIP/2.0/UDP h;branch=z9hG4bKr2;rport")
                                     .build());
  EXPECT_EQ(only(sent, "302").header("Contact"), "<sip:+15551112222@far.example>");
  EXPECT_EQ(calls(), 0u);
}

TEST_F(CallRoutingTest, UnknownHeadersCrossOnlyWhereTheProfileOfTheFarSideNamesThem) {
  const std::string bytes =
      invite().line("X-Account: 42").line("X-Secret: 43").line("Diversion: <sip:+1@10.0.0.1>").build();
  EXPECT_EQ(only(from_carrier(bytes), "INVITE").header("X-Account"), "");
  CallFixture passing;
  passing.config.peers[1].profile.headers_pass = {"x-account", "Via", "Record-Route"};
  const SentMessage out = only(passing.from_carrier(bytes), "INVITE");
  EXPECT_EQ(out.header("X-Account"), "42");
  EXPECT_EQ(out.header("X-Secret"), "");
  EXPECT_EQ(out.header("Diversion"), "");
  EXPECT_EQ(out.bytes.find("callerbranch"), std::string::npos);
}

TEST_F(CallRoutingTest, RulesOfSourceRouteAndTargetAreAppliedInThatOrder) {
  const auto rule = [](std::string name, RuleStep step) {
    HeaderRuleConfig made;
    made.name = std::move(name);
    made.steps = {std::move(step)};
    return made;
  };
  config.header_rules = {rule("in", {"called", RuleAction::Replace, "^00(.*)$", "+\\1"}),
                         rule("route", {"called", RuleAction::Replace, "^\\+1(.*)$", "\\1"}),
                         rule("out", {"header:X-Site", RuleAction::Set, "", "edge"}),
                         rule("caller", {"caller", RuleAction::Replace, "^alice-(.*)$", "\\1"})};
  config.peers[0].profile.header_rules_in = {"in"};
  config.routes[0].rules = {"route"};
  config.peers[1].profile.header_rules_out = {"out", "caller"};
  const SentMessage out = only(from_carrier(invite().uri("sip:0015551234567@198.18.1.1").build()), "INVITE");
  EXPECT_EQ(out.uri(), "sip:5551234567@198.18.2.2:5060");
  EXPECT_EQ(out.header("X-Site"), "edge");
  EXPECT_NE(out.header("From").find("<sip:near@198.18.2.1>"), std::string::npos) << out.header("From");
  EXPECT_EQ(records(CallRecordType::End).size(), 0u);
}

TEST_F(CallRoutingTest, AssertedIdentityOfAnUntrustedSideIsTakenOut) {
  const SentMessage out = only(from_carrier(invite()
                                                .line("P-Asserted-Identity: <sip:+1999@evil.test>")
                                                .line("P-Preferred-Identity: <sip:+1998@evil.test>")
                                                .line("Remote-Party-ID: <sip:+1997@evil.test>")
                                                .build()),
                               "INVITE");
  for (const char* name : {"P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID"})
    EXPECT_EQ(out.header(name), "") << name;
}

TEST_F(CallRoutingTest, AssertedIdentityOfATrustedPeerCrossesUnderOurHost) {
  config.peers[1].profile.identity_accept = IdentityAccept::Pai;
  const SentMessage out =
      outside(inside_invite().line("P-Asserted-Identity: \"Bob\" <sip:+15557654321@10.0.0.5>"));
  EXPECT_NE(out.header("P-Asserted-Identity").find("<sip:+15557654321@198.18.1.1"), std::string::npos);
  CallFixture other;
  other.config.peers[1].profile.identity_accept = IdentityAccept::Pai;
  other.config.peers[0].profile.identity_send = IdentitySend::Rpid;
  const SentMessage rpid =
      only(other.from_pbx(inside_invite().line("P-Asserted-Identity: <sip:+15557654321@10.0.0.5>").build()),
           "INVITE");
  EXPECT_EQ(rpid.header("P-Asserted-Identity"), "");
  EXPECT_NE(rpid.header("Remote-Party-ID").find("+15557654321@198.18.1.1"), std::string::npos);
}

// RFC 3325 §7, RFC 3323 §5.3
TEST_F(CallRoutingTest, PrivacyIsKeptAtTheTrustBorder) {
  config.peers[1].profile.identity_accept = IdentityAccept::Pai;
  const SentMessage out = outside(inside_invite()
                                      .line("P-Asserted-Identity: <sip:+15557654321@10.0.0.5>")
                                      .line("Privacy: id;user")
                                      .line("Subject: about Bob"));
  EXPECT_EQ(out.header("P-Asserted-Identity"), "");
  EXPECT_EQ(out.header("From").find("\"Anonymous\" <sip:anonymous@anonymous.invalid>"), 0u);
  EXPECT_EQ(out.header("Subject"), "");
  for (const char* secret : {"+15557654321", "+15551234567", "Bob", "10.0.0.5"})
    EXPECT_EQ(out.bytes.substr(0, out.bytes.find("\r\n\r\n")).find(secret), std::string::npos) << secret;
}

TEST_F(CallRoutingTest, PrivacyGoesOnIntoATrustedRealm) {
  config.peers[0].profile.identity_accept = IdentityAccept::Pai;
  const SentMessage out = only(
      from_carrier(
          invite().line("P-Asserted-Identity: <sip:+15557654321@198.18.1.2>").line("Privacy: id").build()),
      "INVITE");
  EXPECT_NE(out.header("P-Asserted-Identity").find("+15557654321@198.18.2.1"), std::string::npos);
  EXPECT_EQ(out.header("Privacy"), "id");
}

// Threats D5: a number out of a 3xx has no more rights than one that was dialled.
class RedirectionTest : public CallRoutingTest {
 protected:
  RedirectionTest() { config.peers[1].profile.redirect = RedirectMode::Follow; }
  void add_rule(std::string name, RuleStep step) {
    HeaderRuleConfig& rule = config.header_rules.emplace_back();
    rule.name = std::move(name);
    rule.steps = {std::move(step)};
  }
  // The PBX answers its INVITE with a redirection to `user`.
  std::vector<SentMessage> redirect(const std::string& user, const MessageBuilder& built) {
    const SentMessage out = only(from_carrier(built.build()), "INVITE");
    return from_pbx(answer(out, 302, "x", "Contact: <sip:" + user + "@198.18.2.2>\r\n"));
  }
  std::vector<SentMessage> redirect(const std::string& user) { return redirect(user, invite()); }
};

TEST_F(RedirectionTest, NewNumberGoesThroughTheRulesOfSourceRouteAndTarget) {
  add_rule("in", {"called", RuleAction::Replace, "^00(.*)$", "+\\1"});
  add_rule("route", {"called", RuleAction::Replace, "^\\+1(.*)$", "\\1"});
  add_rule("out", {"called", RuleAction::Replace, "^(.*)$", "9\\1"});
  config.peers[0].profile.header_rules_in = {"in"};
  config.routes[0].rules = {"route"};
  config.peers[1].profile.header_rules_out = {"out"};
  const auto sent = redirect("0015557654321");
  EXPECT_EQ(only(sent, "INVITE").uri(), "sip:95557654321@198.18.2.2:5060");
}

TEST_F(RedirectionTest, NewNumberIsRefusedByTheRouteThatRefusesItWhenDialled) {
  add_rule("in", {"called", RuleAction::Replace, "^00(.*)$", "+\\1"});
  config.peers[0].profile.header_rules_in = {"in"};
  RouteConfig premium;
  premium.match.called = {"^\\+1900"};
  premium.to = {RouteReject{403}};
  RouteConfig any;
  any.to = {RouteToPeer{"pbx"}};
  config.routes = {premium, any};
  const auto sent = redirect("0019005551234");
  EXPECT_FALSE(holds(sent, "INVITE")) << "no spelling gets around the route";
  EXPECT_EQ(calls(), 0u);
}

TEST_F(RedirectionTest, RoutesSeeTheCallersHeadersAndTheCallerBehindTheRules) {
  add_rule("in", {"caller", RuleAction::Set, "", "switchboard"});
  config.peers[0].profile.header_rules_in = {"in"};
  RouteConfig premium;
  premium.match.called = {"^\\+1555000"};
  premium.match.caller = {"^switchboard$"};
  premium.match.headers = {{"X-Class", "low"}};
  premium.to = {RouteReject{403}};
  config.routes.insert(config.routes.begin(), premium);
  EXPECT_FALSE(holds(redirect("+15550001234", invite().line("X-Class: low")), "INVITE"));
}

TEST_F(RedirectionTest, EachRedirectionCountsAgainstTheRateOfTheCaller) {
  config.peers[0].limits_in = CallLimits{.calls = 10, .rate = {2, 1s}};
  auto sent = redirect("+15550000001");
  sent = from_pbx(answer(only(sent, "INVITE"), 302, "x", "Contact: <sip:+15550000002@h.test>\r\n"));
  EXPECT_FALSE(holds(sent, "INVITE")) << "two calls a second, and this would be the third";
  EXPECT_EQ(calls(), 0u);
  (void)wait(2s);
  const auto next =
      from_carrier(invite().call_id("next").via("SIP/2.0/UDP h;branch=z9hG4bKnext;rport").build());
  EXPECT_TRUE(holds(next, "INVITE")) << "nothing of the call that ended is still counted";
}

TEST_F(RedirectionTest, CallAtTheLimitOfItsCallerMayStillBeRedirected) {
  config.peers[0].limits_in = CallLimits{.calls = 1, .rate = {10, 1s}};
  EXPECT_TRUE(holds(redirect("+15550000001"), "INVITE"));
  EXPECT_EQ(calls(), 1u);
}

}  // namespace
}  // namespace sallyport::sip
