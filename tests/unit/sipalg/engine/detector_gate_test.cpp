// detector_gate_test.cpp — who did it, what becomes of the message, and what is told of it.
#include "sipalg/engine/detector_gate.h"

#include <gtest/gtest.h>

namespace sallyport::sip {
namespace {

using policy::Actor;
using policy::Detector;
using policy::Finding;

class DetectorGateTest : public testing::Test {
 protected:
  DetectorGateTest() {
    config.realms.resize(2);
    config.peers.resize(2);
    config.peers[0].name = "carrier";
    config.peers[1].name = "phones";
    config.peers[1].registrar = 0;
  }
  static MessageInput input(PeerIndex peer = PeerIndex::kNone) {
    MessageInput arrived;
    arrived.realm = RealmIndex{1};
    arrived.peer = peer;
    arrived.trust = TrustClass::Trusted;
    arrived.remote = *parse_endpoint("198.18.2.50:5060", 0);
    return arrived;
  }
  static Finding found(DetectorAction action, Detector detector = Detector::InviteFlood) {
    Finding finding;
    finding.detector = detector;
    finding.action = action;
    finding.confidence = 80;
    finding.block_for = 5min;
    finding.evidence = "61 in 10 s";
    return finding;
  }
  std::vector<DetectionEvent> told() {
    std::vector<DetectionEvent> events;
    for (const EngineEvent& event : out.events()) events.push_back(std::get<DetectionEvent>(event.what));
    return events;
  }
  DetectorGate make() { return DetectorGate({board, totals, counters, key}, config); }

  SbcConfig config;
  HashKey key{1, 2};
  policy::EarnedTrust earned{16, key};
  policy::DetectorBoard board{DetectorsConfig(), 1024, key, earned};
  EngineCounters totals{2};
  std::vector<RealmSipCounters> counters = std::vector<RealmSipCounters>(2);
  EngineOutput out;
  Timestamp now{1h};
};

TEST_F(DetectorGateTest, AnActionIsWhatBecomesOfTheMessage) {
  DetectorGate gate = make();
  const Actor actor = gate.actor_of(input());
  EXPECT_EQ(gate.judge(now, actor, std::nullopt, out), DetectorFate::Pass);
  EXPECT_TRUE(told().empty());
  EXPECT_EQ(gate.judge(now, actor, found(DetectorAction::Log), out), DetectorFate::Pass);
  EXPECT_EQ(gate.judge(now, actor, found(DetectorAction::Challenge), out), DetectorFate::Challenge);
  EXPECT_EQ(gate.judge(now, actor, found(DetectorAction::Reject), out), DetectorFate::Reject);
  EXPECT_EQ(gate.judge(now, actor, found(DetectorAction::Block), out), DetectorFate::Drop);
  EXPECT_EQ(told().size(), 4u);
  EXPECT_EQ(totals.detections.value(label_of(Detector::InviteFlood, DetectorAction::Block)), 1u);
}

TEST_F(DetectorGateTest, AnEventSaysWhoAndForHowLong) {
  DetectorGate gate = make();
  MessageInput arrived = input();
  arrived.transport = Transport::Tcp;
  (void)gate.judge(now, gate.actor_of(arrived), found(DetectorAction::Block), out);
  (void)gate.judge(now, gate.actor_of(input()), found(DetectorAction::Reject, Detector::Tdos), out);
  Finding of_flow = found(DetectorAction::Block);
  of_flow.is_flow_only = true;
  (void)gate.judge(now, gate.actor_of(input()), of_flow, out);
  ASSERT_EQ(told().size(), 3u);
  EXPECT_EQ(told()[0].detector, "invite_flood");
  EXPECT_EQ(told()[0].action, "block");
  EXPECT_EQ(told()[0].source, arrived.remote);
  EXPECT_EQ(told()[0].realm, RealmIndex{1});
  EXPECT_EQ(told()[0].confidence, 80);
  EXPECT_EQ(told()[0].evidence, "61 in 10 s");
  EXPECT_EQ(told()[0].block_for, Duration(5min));
  EXPECT_TRUE(told()[0].is_proved);
  EXPECT_EQ(told()[1].detector, "tdos");
  EXPECT_EQ(told()[1].block_for, Duration{});
  EXPECT_FALSE(told()[1].is_proved);
  EXPECT_EQ(told()[2].action, "block");
  EXPECT_EQ(told()[2].block_for, Duration{}) << "others behind the address are not to be touched";
}

TEST_F(DetectorGateTest, WhatWasToldAMomentAgoIsOnlyCountedAndDone) {
  DetectorGate gate = make();
  Finding again = found(DetectorAction::Reject);
  again.is_told = false;
  EXPECT_EQ(gate.judge(now, gate.actor_of(input()), again, out), DetectorFate::Reject);
  EXPECT_TRUE(told().empty());
  EXPECT_EQ(totals.detections.value(label_of(Detector::InviteFlood, DetectorAction::Reject)), 1u);
}

TEST_F(DetectorGateTest, ManySourcesAreNoFloodOfEventsAndBlocksHaveRoomOfTheirOwn) {
  DetectorGate gate = make();
  const Actor actor = gate.actor_of(input());
  for (int i = 0; i < 1000; ++i) (void)gate.judge(now, actor, found(DetectorAction::Reject), out);
  EXPECT_EQ(told().size(), 20u);
  for (int i = 0; i < 1000; ++i) (void)gate.judge(now, actor, found(DetectorAction::Block), out);
  EXPECT_EQ(told().size(), 120u);
  EXPECT_EQ(totals.detections.value(label_of(Detector::InviteFlood, DetectorAction::Block)), 1000u);
  now += 1s;
  (void)gate.judge(now, actor, found(DetectorAction::Reject), out);
  EXPECT_EQ(told().size(), 121u);
}

TEST_F(DetectorGateTest, OnlyAConfiguredPeerIsOne) {
  const DetectorGate gate = make();
  EXPECT_TRUE(gate.actor_of(input(PeerIndex{0})).is_peer);
  EXPECT_FALSE(gate.actor_of(input(PeerIndex{1})).is_peer) << "its endpoints are not";
  EXPECT_FALSE(gate.actor_of(input()).is_peer);
  EXPECT_FALSE(gate.actor_of(input(PeerIndex{7})).is_peer);
}

// So that a call which is restored after a restart is counted for the same account.
TEST_F(DetectorGateTest, AccountsAreNeverNobodysAndStayTheSame) {
  const DetectorGate gate = make();
  const auto at = [&](std::string_view address, PeerIndex peer = PeerIndex::kNone) {
    return gate.account_at(
        {.realm = RealmIndex{1}, .local = {}, .remote = *parse_endpoint(address, 5060), .peer = peer});
  };
  EXPECT_NE(gate.account_of(""), 0u);
  EXPECT_NE(gate.account_of("alice@example.com"), gate.account_of("bob@example.com"));
  EXPECT_EQ(gate.account_of("alice@example.com"), make().account_of("alice@example.com"));
  EXPECT_EQ(at("198.18.1.2", PeerIndex{0}), at("198.18.1.3", PeerIndex{0})) << "the peer's";
  EXPECT_NE(at("198.18.1.2"), at("198.18.1.3"));
  EXPECT_EQ(at("[fd18::1]"), at("[fd18::2]")) << "a network has as many as it likes";
  EXPECT_NE(at("[fd18::1]"), at("[fd18:0:0:1::1]"));
}

TEST_F(DetectorGateTest, AReloadThatNamesPeersAnewChangesTheirAccounts) {
  DetectorGate gate = make();
  const Path path{.realm = RealmIndex{1},
                  .local = {},
                  .remote = *parse_endpoint("198.18.1.2:5060", 0),
                  .peer = PeerIndex{0}};
  const std::uint64_t before = gate.account_at(path);
  config.peers[0].name = "other";
  gate.adopt(config);
  EXPECT_NE(gate.account_at(path), before);
}

// Before the board is asked at all.
TEST_F(DetectorGateTest, AnEmergencyCallPassesWhateverTheBoardWouldSay) {
  DetectorGate gate = make();
  const Actor actor = gate.actor_of(input());
  for (int i = 0; i < 5000; ++i)
    ASSERT_TRUE(gate.before_call(now, actor, {.called = "112", .is_emergency = true}).passes());
}

TEST(RecentMarks, HoldUntilTheirTimeIsOverOrTheyAreTaken) {
  RecentMarks marks;
  const Timestamp now{1h};
  EXPECT_FALSE(marks.holds(5, now));
  marks.put(5, now + 10s);
  EXPECT_TRUE(marks.holds(5, now));
  EXPECT_FALSE(marks.holds(5, now + 10s));
  EXPECT_TRUE(marks.take(5, now));
  EXPECT_FALSE(marks.take(5, now));
  marks.put(5, now + 10s);
  marks.put(5 + 2048, now + 10s);
  EXPECT_FALSE(marks.holds(5, now)) << "the later one stays";
}

TEST(TargetAtAGlance, IsTheUserOfWhatLooksLikeARequest) {
  EXPECT_EQ(target_at_a_glance("OPTIONS sip:100@198.18.1.1 SIP/2.0\r\nVia: x\r\n"), "100");
  EXPECT_EQ(target_at_a_glance("INVITE sips:a:b@x;y SIP/2.0\r\n"), "a");
  EXPECT_EQ(target_at_a_glance("REGISTER sip:example.com SIP/2.0\r\n"), "");
  EXPECT_EQ(target_at_a_glance("OPTIONS sip:a;phone-context=+1@x SIP/2.0\n"), "a");
  EXPECT_FALSE(target_at_a_glance("SIP/2.0 200 OK\r\n"));
  EXPECT_FALSE(target_at_a_glance("GET / HTTP/1.1\r\n"));
  EXPECT_FALSE(target_at_a_glance(" SIP/2.0"));
  EXPECT_FALSE(target_at_a_glance(""));
  EXPECT_FALSE(target_at_a_glance("OPTIONS sip:" + std::string(5000, 'a') + "@x SIP/2.0\r\n"));
}

}  // namespace
}  // namespace sallyport::sip
