// relay_learning_test.cpp — who is believed to be a side, through the whole relay: RFC 7362; threats M1.
#include "tests/unit/media-relay/relay/relay_fixture.h"

namespace sallyport::media {
namespace {

constexpr const char* kBehindNat = "192.0.2.10:61000";
constexpr const char* kStranger = "203.0.113.66:6666";

// The caller names a private address in its SDP; its signalling comes from 192.0.2.10.
class LearningTest : public RelayTest {
 protected:
  LearningTest() {
    command.sides[0].remote = endpoint("192.168.1.5:7000");
    command.sides[0].remote_rtcp = endpoint("192.168.1.5:7001");
  }
  std::string caller_hears_at() { return destination(from_callee(rtp())); }
};

TEST_F(LearningTest, SendsToTheSdpAddressUntilAnotherIsLearned) {
  open();
  EXPECT_EQ(caller_hears_at(), "192.168.1.5:7000");
  for (std::uint16_t i = 0; i < 4; ++i)
    EXPECT_EQ(fate(from_caller(rtp({.sequence = i}), kBehindNat)), "relayed");
  EXPECT_EQ(caller_hears_at(), "192.168.1.5:7000");
  EXPECT_EQ(fate(from_caller(rtp({.sequence = 5}), kBehindNat)), "relayed");
  EXPECT_EQ(caller_hears_at(), kBehindNat);
}

TEST_F(LearningTest, TellsAtOnceWhomItLearned) {
  open();
  for (std::uint16_t i = 0; i < 5; ++i) (void)from_caller(rtp({.sequence = i}), kBehindNat);
  relay.on_tick(now, notices);
  ASSERT_EQ(notices.all.size(), 1u);
  EXPECT_EQ(notices.all[0].kind, MediaNotice::Kind::Learned);
  EXPECT_EQ(notices.all[0].side, StreamSide::Caller);
  EXPECT_EQ(to_string(notices.all[0].sides[0].remote), kBehindNat);
  EXPECT_EQ(relay.counters().latches.value(), 1u);
}

TEST_F(LearningTest, BelievesTheSdpAddressAtItsFirstPacket) {
  command = open_command();
  open();
  (void)from_caller(rtp());
  EXPECT_EQ(fate(from_caller(rtp(), "192.0.2.10:4002")), "foreign_source");
}

TEST_F(LearningTest, NeverRelaysAStranger) {
  open();
  for (std::uint16_t i = 0; i < 100; ++i)
    EXPECT_EQ(fate(from_caller(rtp({.sequence = i}), kStranger)), "foreign_source");
  EXPECT_EQ(caller_hears_at(), "192.168.1.5:7000");
}

TEST_F(LearningTest, NeverRelaysAnybodyElseOnceLocked) {
  open();
  for (std::uint16_t i = 0; i < 5; ++i) (void)from_caller(rtp({.sequence = i}), kBehindNat);
  EXPECT_EQ(fate(from_caller(rtp(), kStranger)), "foreign_source");
  EXPECT_EQ(fate(from_caller(rtp(), "192.0.2.10:61001")), "foreign_source");
  EXPECT_EQ(caller_hears_at(), kBehindNat);
}

TEST_F(LearningTest, InModeSdpTakesOnlyTheHostOfTheSdp) {
  command.sides[0].latch = LatchMode::Sdp;
  open();
  for (std::uint16_t i = 0; i < 9; ++i)
    EXPECT_EQ(fate(from_caller(rtp({.sequence = i}), kBehindNat)), "foreign_source");
  for (std::uint16_t i = 0; i < 5; ++i) (void)from_caller(rtp({.sequence = i}), "192.168.1.5:9999");
  EXPECT_EQ(caller_hears_at(), "192.168.1.5:9999");
}

// M1: at most five packets of others are relayed, and a better source takes over whenever it comes.
TEST_F(LearningTest, InModeAnyABetterSourceTakesOverFromAStranger) {
  command.sides[0].latch = LatchMode::Any;
  open();
  for (std::uint16_t i = 0; i < 50; ++i) (void)from_caller(rtp({.sequence = i}), kStranger);
  EXPECT_EQ(caller_hears_at(), kStranger);
  EXPECT_EQ(fate(from_caller(rtp(), kBehindNat)), "relayed");
  EXPECT_EQ(caller_hears_at(), kBehindNat);
  EXPECT_EQ(fate(from_caller(rtp(), kStranger)), "foreign_source");
  EXPECT_EQ(fate(from_caller(rtp(), "192.168.1.5:7000")), "relayed");
  EXPECT_EQ(caller_hears_at(), "192.168.1.5:7000");
}

TEST_F(LearningTest, AStrangerIsNotLearnedWhileABetterSourceIsHeard) {
  command.sides[0].latch = LatchMode::Any;
  open();
  int injected = 0;
  for (std::uint16_t i = 0; i < 4; ++i) {
    now += 20ms;
    injected += fate(from_caller(rtp({.sequence = i}), kStranger)) == "relayed";
    (void)from_caller(rtp({.sequence = i}), kBehindNat);
    for (int flood = 0; flood < 100; ++flood) injected += fate(from_caller(rtp(), kStranger)) == "relayed";
  }
  (void)from_caller(rtp(), kBehindNat);
  EXPECT_EQ(caller_hears_at(), kBehindNat);
  EXPECT_LE(injected, 5);
}

TEST_F(LearningTest, RelaysNoMoreThanFivePacketsOfAllSourcesBeforeOneIsLearned) {
  command.sides[0].latch = LatchMode::Any;
  open();
  for (std::uint16_t i = 0; i < 4; ++i)
    EXPECT_EQ(fate(from_caller(rtp({.sequence = i}), kStranger)), "relayed");
  EXPECT_EQ(fate(from_caller(rtp(), kBehindNat)), "relayed");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(fate(from_caller(rtp(), kBehindNat)), "learning");
  EXPECT_EQ(fate(from_caller(rtp(), kBehindNat)), "relayed");
  EXPECT_EQ(caller_hears_at(), kBehindNat);
  EXPECT_EQ(relay.counters(kOutside).dropped.value(MediaDropReason::Learning), 3u);
}

TEST_F(LearningTest, AnUpdateWithTheSameLearningNumberKeepsTheSource) {
  open();
  for (std::uint16_t i = 0; i < 5; ++i) (void)from_caller(rtp({.sequence = i}), kBehindNat);
  update();
  EXPECT_EQ(fate(from_caller(rtp(), kBehindNat)), "relayed");
  EXPECT_EQ(caller_hears_at(), kBehindNat);
  EXPECT_EQ(fate(from_caller(rtp(), "192.0.2.10:61001")), "foreign_source");
}

TEST_F(LearningTest, SignallingThatMovesASideBeginsLearningAnewWithoutAGap) {
  open();
  for (std::uint16_t i = 0; i < 5; ++i) (void)from_caller(rtp({.sequence = i}), kBehindNat);
  command.sides[0].learning = 1;
  command.sides[0].remote = endpoint("192.168.1.5:8000");
  update();
  EXPECT_EQ(caller_hears_at(), "192.168.1.5:8000");
  // The old port still speaks, then the new one: neither is cut off.
  EXPECT_EQ(fate(from_caller(rtp(), kBehindNat)), "relayed");
  EXPECT_EQ(fate(from_caller(rtp(), "192.0.2.10:62000")), "relayed");
  for (std::uint16_t i = 0; i < 3; ++i) EXPECT_EQ(fate(from_caller(rtp(), "192.0.2.10:62000")), "relayed");
  EXPECT_EQ(fate(from_caller(rtp(), "192.0.2.10:62000")), "relayed");
  EXPECT_EQ(caller_hears_at(), "192.0.2.10:62000");
  EXPECT_EQ(fate(from_caller(rtp(), kBehindNat)), "foreign_source");
}

TEST_F(LearningTest, TheOldSourceIsBelievedAgainButGivesWayToTheNewOne) {
  open();
  for (std::uint16_t i = 0; i < 5; ++i) (void)from_caller(rtp({.sequence = i}), kBehindNat);
  command.sides[0].learning = 1;
  update();
  for (std::uint16_t i = 0; i < 5; ++i) EXPECT_EQ(fate(from_caller(rtp(), kBehindNat)), "relayed");
  EXPECT_EQ(caller_hears_at(), kBehindNat);
  EXPECT_EQ(fate(from_caller(rtp(), "192.0.2.10:62000")), "relayed");
  EXPECT_EQ(caller_hears_at(), "192.0.2.10:62000");
}

// A phone whose NAT has forgotten its ports says the same SDP once more.
TEST_F(LearningTest, WhoIsLearnedAnewAtTheSamePlaceIsSentMediaMeanwhile) {
  open();
  for (std::uint16_t i = 0; i < 5; ++i) (void)from_caller(rtp({.sequence = i}), kBehindNat);
  command.sides[0].learning = 1;
  update();
  EXPECT_EQ(caller_hears_at(), kBehindNat);
  for (std::uint16_t i = 0; i < 5; ++i) {
    EXPECT_EQ(caller_hears_at(), kBehindNat);
    EXPECT_EQ(fate(from_caller(rtp({.sequence = i}), "192.0.2.10:62000")), "relayed");
  }
  EXPECT_EQ(caller_hears_at(), "192.0.2.10:62000");
}

TEST_F(LearningTest, ASideThatMovesToWhereItIsHeardAlreadyIsNotLearnedAnew) {
  open();
  for (std::uint16_t i = 0; i < 5; ++i) (void)from_caller(rtp({.sequence = i}), kBehindNat);
  command.sides[0].learning = 1;
  command.sides[0].remote = endpoint(kBehindNat);
  update();
  EXPECT_EQ(caller_hears_at(), kBehindNat);
  EXPECT_EQ(fate(from_caller(rtp(), kBehindNat)), "relayed");
  EXPECT_EQ(fate(from_caller(rtp(), "192.0.2.10:61001")), "foreign_source");
}

TEST_F(LearningTest, ARestoredStreamKnowsItsSource) {
  command.sides[0].latched = endpoint(kBehindNat);
  command.sides[0].latched_rtcp = endpoint("192.0.2.10:61001");
  open();
  EXPECT_EQ(caller_hears_at(), kBehindNat);
  EXPECT_EQ(fate(from_caller(rtp(), kBehindNat)), "relayed");
  EXPECT_EQ(fate(from_caller(rtp(), "192.0.2.10:61007")), "foreign_source");
  relay.on_tick(now, notices);
  for (const MediaNotice& notice : notices.all) EXPECT_NE(notice.side, StreamSide::Caller);
}

TEST_F(LearningTest, LearnsDuringHoldWithoutRelaying) {
  command.sides[0].may_send = false;
  open();
  for (std::uint16_t i = 0; i < 5; ++i)
    EXPECT_EQ(fate(from_caller(rtp({.sequence = i}), kBehindNat)), "wrong_direction");
  EXPECT_EQ(caller_hears_at(), kBehindNat);
}

}  // namespace
}  // namespace sallyport::media
