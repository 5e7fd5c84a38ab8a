// call_reload_test.cpp — a reload changes what begins, never what is up: each call keeps the rulebook that it
// began with.
#include <gtest/gtest.h>

#include "tests/support/call_fixture.h"

namespace sallyport::sip {
namespace {

using tests::holds;
using tests::only;
using tests::SentMessage;

class CallReloadTest : public ::testing::Test, public tests::CallFixture {
 protected:
  CallReloadTest() { config.peer_places = 8; }
  [[nodiscard]] tests::MessageBuilder other_invite(const std::string& id) const {
    return invite()
        .call_id(id)
        .via("SIP/2.0/UDP 198.18.1.2:5060;branch=z9hG4bK" + id + ";rport")
        .from("<sip:carol@198.18.1.2>;tag=" + id);
  }
  [[nodiscard]] std::string second_invite() const { return other_invite("second").build(); }
  [[nodiscard]] CallView only_call() { return engine().desk().calls(0, 10).at(0); }
  [[nodiscard]] bool tells(const CallView& view, std::string_view words) const {
    for (const CallReason& reason : view.reasons)
      if (reason.text.find(words) != std::string::npos) return true;
    return false;
  }
};

TEST_F(CallReloadTest, HeadersThatCrossAreThoseOfTheBeginningUntilTheEnd) {
  config.peers[1].profile.headers_pass.push_back("X-Note");
  set_up_call();
  SbcConfig next = config;
  next.peers[1].profile.headers_pass.clear();
  (void)adopt(next);
  const SentMessage info = only(from_carrier(in_dialog("INFO", 7, ok_out, "X-Note: still\r\n")), "INFO");
  EXPECT_EQ(info.header("X-Note"), "still");
  const SentMessage fresh = only(from_carrier(other_invite("second").line("X-Note: gone").build()), "INVITE");
  EXPECT_EQ(fresh.header("X-Note"), "");
}

TEST_F(CallReloadTest, CallThatOutlivesManyReloadsLetsGoOfTheRulebookThatItBeganWith) {
  (void)engine();
  const std::weak_ptr<const Rulebook> first = rulebook_of_the_day();
  set_up_call();
  const std::string route = records(CallRecordType::Start).at(0).route;
  SbcConfig next = config;
  RouteConfig other = next.routes[0];
  other.name = "before-all-others";
  other.match.called = {"^999$"};
  next.routes.insert(next.routes.begin(), other);
  for (std::uint64_t reload = 0; reload < kRulebooksMax; ++reload) (void)adopt(next);
  EXPECT_FALSE(first.expired()) << "the call goes by it";
  (void)adopt(next);
  EXPECT_TRUE(first.expired());
  EXPECT_TRUE(tells(only_call(), "route " + route + " matched")) << "its route has another number now";
  EXPECT_TRUE(holds(from_carrier(in_dialog("BYE", 7, ok_out)), "BYE"));
  EXPECT_EQ(records(CallRecordType::End).at(0).route, route);
}

TEST_F(CallReloadTest, RulesOfTheDayAreForCallsThatBegin) {
  HeaderRuleConfig rule;
  rule.name = "mark";
  rule.steps = {{.field = "header:X-Mark", .action = RuleAction::Set, .pattern = {}, .value = "one"}};
  config.header_rules = {rule};
  config.peers[1].profile.header_rules_out = {"mark"};
  SentMessage out = only(from_carrier(invite().build()), "INVITE");
  EXPECT_EQ(out.header("X-Mark"), "one");
  SbcConfig next = config;
  next.header_rules[0].steps[0].value = "two";
  (void)adopt(next);
  const auto sent = from_pbx(answer(out, 503, "x"));
  EXPECT_EQ(only(sent, "INVITE").header("X-Mark"), "one") << "the next target of the call that had begun";
  EXPECT_EQ(only(from_carrier(second_invite()), "INVITE").header("X-Mark"), "two");
}

TEST_F(CallReloadTest, RouteThatIsTakenAwayLeavesItsCallsAlone) {
  set_up_call();
  SbcConfig next = config;
  next.routes.erase(next.routes.begin());
  (void)adopt(next);
  EXPECT_TRUE(tells(only_call(), "inbound")) << "its own name, not that of the route in the same place";
  EXPECT_TRUE(holds(from_carrier(second_invite()), "404"));
  EXPECT_TRUE(holds(from_carrier(in_dialog("BYE", 7, ok_out)), "BYE"));
  EXPECT_EQ(records(CallRecordType::End).at(0).route, "inbound");
}

TEST_F(CallReloadTest, CallThatIsBeingSetUpStillGoesToTheTargetsItBeganWith) {
  const SentMessage out = only(from_carrier(invite().build()), "INVITE");
  SbcConfig next = config;
  next.peers[1].targets.pop_back();
  next.routes[0].retry_on.clear();
  (void)adopt(next);
  EXPECT_EQ(only(from_pbx(answer(out, 503, "x")), "INVITE").path.remote, second_pbx);
}

TEST_F(CallReloadTest, ShowsItselfToCallsThatAreUpAsItDidWhenTheyBegan) {
  set_up_call();
  SbcConfig next = config;
  next.realms[1].advertise.ipv4 = IpAddress::parse("192.0.2.9");
  (void)adopt(next);
  const SentMessage info = only(from_carrier(in_dialog("INFO", 7, ok_out)), "INFO");
  EXPECT_NE(info.header("Via").find("198.18.2.1"), std::string::npos) << info.bytes;
  const SentMessage fresh = only(from_carrier(second_invite()), "INVITE");
  EXPECT_NE(fresh.header("Via").find("192.0.2.9"), std::string::npos) << fresh.bytes;
  EXPECT_NE(fresh.header("Contact").find("192.0.2.9"), std::string::npos) << fresh.bytes;
}

TEST_F(CallReloadTest, ListenerThatIsTakenOutServesTheCallsThatItHasAndNoOthers) {
  set_up_call();
  SbcConfig next = config;
  for (ListenerConfig& listener : next.realms[0].listen) listener.is_former = true;
  (void)adopt(next);
  EXPECT_TRUE(from_carrier(second_invite()).empty());
  EXPECT_EQ(dropped(RealmIndex(0), SipDropReason::Stranger), 1u);
  EXPECT_TRUE(holds(from_carrier(in_dialog("INFO", 7, ok_out)), "INFO"));
  EXPECT_TRUE(holds(from_carrier(in_dialog("BYE", 8, ok_out)), "BYE"));
}

TEST_F(CallReloadTest, RealmOfNewCallsMayBeOneThatTheStartDidNotKnow) {
  config.realm_places = 3;
  (void)engine();
  SbcConfig next = config;
  RealmConfig annex = next.realms[1];
  annex.name = "annex";
  annex.listen[0].port = 5090;
  annex.media.ports = {40000, 40099};
  next.realms.push_back(annex);
  next.peers[1].realm = "annex";
  (void)adopt(next);
  const SentMessage out =
      only(from_carrier(invite().body("application/sdp", std::string(kSdp)).build()), "INVITE");
  EXPECT_EQ(out.path.realm, RealmIndex{2});
  EXPECT_EQ(out.path.local.port, 5090);
  EXPECT_NE(out.body().find("m=audio 40"), std::string::npos) << out.body();
}

TEST_F(CallReloadTest, TellsWhichListenersCallsComeAndGoBy) {
  EXPECT_TRUE(engine().desk().listeners_in_use().empty());
  set_up_call();
  const auto in_use = engine().desk().listeners_in_use();
  ASSERT_EQ(in_use.size(), 2u) << "each once";
  for (const Path& path : in_use)
    EXPECT_EQ(path.local.address, config.realms[to_position(path.realm)].listen[0].addresses[0]);
}

TEST_F(CallReloadTest, NewPeerTakesCallsAtOnce) {
  (void)engine();
  SbcConfig next = config;
  PeerConfig added = next.peers[1];
  added.name = "new-pbx";
  added.targets = {{.address = parse_endpoint("198.18.2.77:5060", 0), .domain = {}}};
  next.peers.push_back(added);
  next.routes[0].to = {RouteToPeer{"new-pbx"}};
  (void)adopt(next);
  EXPECT_EQ(only(from_carrier(invite().build()), "INVITE").path.remote, *added.targets[0].address);
}

TEST_F(CallReloadTest, PeerThatIsTakenOutMakesNoNewCallsButEndsThoseItHas) {
  set_up_call();
  SbcConfig next = config;
  next.peers[0].is_retired = true;
  next.routes.clear();
  (void)adopt(next);
  EXPECT_TRUE(from_carrier(second_invite()).empty());
  EXPECT_EQ(dropped(RealmIndex(0), SipDropReason::Stranger), 1u);
  const auto sent = from_carrier(in_dialog("BYE", 7, ok_out));
  EXPECT_TRUE(holds(sent, "BYE"));
}

TEST_F(CallReloadTest, PeerThatMovesMakesNoNewCallsFromWhereItWasButEndsThoseItHas) {
  set_up_call();
  SbcConfig next = config;
  next.peers[0].targets[0].address = parse_endpoint("198.18.1.77:5060", 0);
  next.peers[0].former_sources = {*parse_prefix("198.18.1.2/32")};
  (void)adopt(next);
  EXPECT_TRUE(from_carrier(second_invite()).empty());
  EXPECT_EQ(dropped(RealmIndex(0), SipDropReason::Stranger), 1u);
  EXPECT_TRUE(holds(from_carrier(in_dialog("BYE", 7, ok_out)), "BYE"));
}

TEST_F(CallReloadTest, CancelOfACallOfARetiredPeerStillCounts) {
  const std::string asked = invite().build();
  const SentMessage out = only(from_carrier(asked), "INVITE");
  (void)from_pbx(answer(out, 180, "x"));
  SbcConfig next = config;
  next.peers[0].is_retired = true;
  (void)adopt(next);
  const auto sent = from_carrier(cancel_of(asked));
  EXPECT_TRUE(holds(sent, "487"));
  EXPECT_TRUE(holds(sent, "CANCEL"));
}

TEST_F(CallReloadTest, PeersAreInUseForAsLongAsTheyHaveCalls) {
  EXPECT_EQ(engine().desk().peers_in_use(), std::vector<bool>(8, false));
  set_up_call();
  const auto in_use = engine().desk().peers_in_use();
  EXPECT_EQ(std::vector<bool>(in_use.begin(), in_use.begin() + 3), (std::vector<bool>{true, true, false}));
  const auto sent = from_carrier(in_dialog("BYE", 7, ok_out));
  (void)from_pbx(answer(only(sent, "BYE"), 200, callee_tag));
  (void)journal();
  tell_finals();
  (void)wait(std::chrono::seconds(40));
  EXPECT_EQ(engine().desk().peers_in_use(), std::vector<bool>(8, false));
}

TEST_F(CallReloadTest, FiguresOfAPlaceBeginAnewWithAnotherPeer) {
  const auto results = [this](std::size_t peer) {
    std::uint64_t sum = 0;
    for (const auto& direction : engine().counters().peers[peer].results)
      for (std::size_t i = 0; i < direction.kSize; ++i) sum += direction.value(static_cast<CallResult>(i));
    return sum;
  };
  const SentMessage out = only(from_carrier(invite().build()), "INVITE");
  (void)from_pbx(answer(out, 486, "x"));
  (void)journal();
  ASSERT_EQ(results(1), 1u);
  SbcConfig next = config;
  next.peers[1].name = "another";
  next.routes[0].to = {RouteToPeer{"another"}};
  (void)adopt(next);
  EXPECT_EQ(results(1), 0u);
  EXPECT_EQ(results(0), 1u) << "of a peer that stayed";
}

TEST_F(CallReloadTest, RestartAfterAReloadKnowsEachCallsRouteByName) {
  std::swap(config.routes[0], config.routes[1]);
  set_up_call();
  SbcConfig next = config;
  std::swap(next.routes[0], next.routes[1]);
  (void)adopt(next);
  restart();
  EXPECT_TRUE(tells(only_call(), "inbound"));
  EXPECT_TRUE(holds(from_carrier(in_dialog("BYE", 7, ok_out)), "BYE"));
}

TEST_F(CallReloadTest, LimitOfTheDayHoldsForTheNextCallAndEndsNone) {
  set_up_call();
  SbcConfig next = config;
  next.peers[0].limits_in = CallLimits{.calls = 1};
  (void)adopt(next);
  EXPECT_TRUE(holds(from_carrier(second_invite()), "503"));
  EXPECT_EQ(calls(), 1u);
  (void)adopt(config);
  EXPECT_TRUE(holds(from_carrier(other_invite("third").build()), "INVITE"));
}

TEST_F(CallReloadTest, ManyReloadsUnderACallChangeNothingOfIt) {
  set_up_call();
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(adopt(config).empty());
  EXPECT_TRUE(holds(from_carrier(in_dialog("BYE", 7, ok_out)), "BYE"));
}

}  // namespace
}  // namespace sallyport::sip
