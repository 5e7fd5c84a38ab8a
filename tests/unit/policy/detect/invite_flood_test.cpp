// invite_flood_test.cpp — who calls too much and is not answered, and who calls much and is.
#include "policy/detect/invite_flood.h"

#include <deque>

#include "tests/unit/policy/detect/board_fixture.h"

namespace sallyport::policy {
namespace {

class InviteFloodTest : public BoardTest {
 protected:
  InviteFloodTest() {
    config.tdos_calls_per_callee = {1'000'000, 1s};  // looked at in tdos_test.cpp
    board.adopt(config);
  }
  static std::string number(int i) { return "+4930" + std::to_string(1'000'000 + i * 7919 % 900'000); }

  // Calls at a steady rate for a while, of which so many of ten are answered after `ringing`. How many were
  // refused.
  struct Dialler {
    Actor actor;
    Duration every;
    int answered_of_ten;
    Duration ringing = 8s;
  };
  int dial(const Dialler& dialler, Duration length, bool is_promoted = true) {
    std::deque<std::pair<Timestamp, std::string>> ringing;
    int refused = 0, i = 0;
    for (const Timestamp end = now + length; now < end; now += dialler.every, ++i) {
      for (; !ringing.empty() && ringing.front().first <= now; ringing.pop_front()) {
        board.on_answered(now, dialler.actor, ringing.front().second);
        if (is_promoted) earn(dialler.actor);
      }
      const std::string called = number(i);
      if (is_refused(call(dialler.actor, called)))
        ++refused;
      else if (i % 10 < dialler.answered_of_ten)
        ringing.emplace_back(now + dialler.ringing, called);
    }
    return refused;
  }
};

TEST_F(InviteFloodTest, AStrangersSixtyCallsAtOnceAreLetPassAndThenTheExcessIsRefused) {
  for (int i = 0; i < 60; ++i) ASSERT_FALSE(call(stranger(), number(i))) << i;
  const auto finding = call(stranger(), number(60));
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->detector, Detector::InviteFlood);
  EXPECT_EQ(finding->action, DetectorAction::Reject) << "graded: the block comes later";
  EXPECT_EQ(finding->block_for, Duration{});
  EXPECT_EQ(finding->evidence, "61 calls beyond 2 a second without an answer, 60 allowed");
}

TEST_F(InviteFloodTest, ThreeTimesTheRoomIsBlocked) {
  std::optional<Finding> finding;
  int calls = 0;
  while (calls < 1000 && (!finding || finding->action != DetectorAction::Block))
    finding = call(stranger(), number(calls++));
  EXPECT_EQ(calls, 180);
  EXPECT_EQ(finding->block_for, 10min);
  EXPECT_TRUE(finding->is_told) << "told anew, since it is another action";
  EXPECT_GT(finding->confidence, 70);
}

TEST_F(InviteFloodTest, GoingOnABitBeyondTheRateLeadsToABlockInTime) {
  std::optional<Finding> finding;
  const Timestamp begin = now;
  for (int i = 0; i < 10'000 && (!finding || finding->action != DetectorAction::Block); ++i, now += 333ms)
    finding = call(stranger(), number(i));
  EXPECT_GT(now - begin, 2min);
  EXPECT_LT(now - begin, 4min);
}

TEST_F(InviteFloodTest, TwoASecondThatNobodyAnswersAreLetPassForEver) {
  EXPECT_EQ(dial({stranger(), 501ms, 0}, 6h), 0);
}

TEST_F(InviteFloodTest, WhoStopsIsForgivenWithinMinutes) {
  for (int i = 0; i < 5000; ++i) (void)call(stranger(), number(i));
  EXPECT_TRUE(is_refused(call(stranger(), number(1))));
  now += 4 * 60s / 2 + 1s;
  EXPECT_FALSE(call(stranger(), number(1)));
}

// False positives: those who call much and are answered.
TEST_F(InviteFloodTest, ACallCentreIsNeverRefused) {
  EXPECT_EQ(dial({endpoint(), 200ms, 4}, 2h), 0) << "5 calls a second, 40 % answered, as an endpoint";
}
TEST_F(InviteFloodTest, ACallCentreThatNobodyKnowsYetIsNotEither) {
  EXPECT_EQ(dial({stranger(), 200ms, 4}, 2h), 0) << "its first answered call earns it trust";
}
TEST_F(InviteFloodTest, NorWhereAnsweredCallsEarnNoTrust) {
  EXPECT_EQ(dial({stranger(), 200ms, 4}, 2h, false), 0);
}
TEST_F(InviteFloodTest, NorAFastOneThatRingsLong) {
  EXPECT_EQ(dial({endpoint(), 50ms, 3, 15s}, 30min), 0) << "20 calls a second, 30 % answered";
}
TEST_F(InviteFloodTest, TwoHundredPhonesBehindOneAddressThatAllCallAgainAreNot) {
  for (int again = 0; again < 5; ++again, now += 15s)
    for (std::uint16_t phone = 0; phone < 200; ++phone)
      ASSERT_FALSE(is_refused(call(endpoint(1, static_cast<std::uint16_t>(20'000 + phone)), number(phone))));
}

TEST_F(InviteFloodTest, StrangersAtAnAddressDoNotUseUpWhatItsPhonesHave) {
  for (int i = 0; i < 5000; ++i) (void)call(stranger(1, static_cast<std::uint16_t>(1024 + i)), number(i));
  EXPECT_TRUE(is_refused(call(stranger(1, 999), number(1))));
  EXPECT_FALSE(call(endpoint(1, 20'000), number(2)));
}

TEST_F(InviteFloodTest, AnAddressThatChangesItsPortEachTimeIsRefusedAndBlocked) {
  std::optional<Finding> finding;
  int calls = 0;
  for (; calls < 5000 && action_of(finding) != DetectorAction::Block; ++calls)
    finding = call(stranger(1, static_cast<std::uint16_t>(1024 + calls)), number(calls));
  EXPECT_EQ(calls, 720);
}

TEST_F(InviteFloodTest, AFloodingEndpointIsPunishedByItsFlow) {
  const Actor actor = proved(endpoint());
  earn(actor);
  std::optional<Finding> finding;
  for (int i = 0; i < 2000 && action_of(finding) != DetectorAction::Block; ++i)
    finding = call(actor, number(i));
  ASSERT_EQ(action_of(finding), DetectorAction::Block);
  EXPECT_TRUE(finding->is_flow_only);
  EXPECT_TRUE(board.is_punished(now, actor));
}

// R3: each source far below its own limit.
TEST_F(InviteFloodTest, ADistributedFloodIsHeldToWhatAllStrangersMayHave) {
  int passed = 0, blocked = 0;
  for (int i = 0; i < 60'000; ++i, now += 1ms) {  // 1,000 a second from 10,000 sources of 10,000 networks
    const auto finding = call(stranger(static_cast<std::uint32_t>(i % 10'000) * 256 + 4096), number(i));
    passed += is_refused(finding) ? 0 : 1;
    blocked += action_of(finding) == DetectorAction::Block ? 1 : 0;
  }
  EXPECT_GE(passed, 2000 + 60 * 100);
  EXPECT_LE(passed, 2000 + 60 * 105) << "about 100 a second, and the room";
  EXPECT_EQ(blocked, 0) << "no one of them did it";
  EXPECT_FALSE(call(endpoint(), number(1))) << "an endpoint notices nothing";
  EXPECT_FALSE(call(peer(), number(1)));
}

TEST_F(InviteFloodTest, ADistributedFloodOfOneCalleeIsHeldToWhatItAnswers) {
  int passed = 0;
  for (int i = 0; i < 1200; ++i, now += 500ms)  // 2 a second for ten minutes
    passed += is_refused(call(stranger(static_cast<std::uint32_t>(i) * 256 + 4096), "support")) ? 0 : 1;
  EXPECT_LE(passed, 30 + 310);
  EXPECT_FALSE(call(stranger(3), "sales"));
}

TEST_F(InviteFloodTest, ABusyCalleeThatAnswersAThirdIsNotLimited) {
  std::deque<std::pair<Timestamp, Actor>> ringing;
  for (int i = 0; i < 3600; ++i, now += 333ms) {
    for (; !ringing.empty() && ringing.front().first <= now; ringing.pop_front())
      board.on_answered(now, ringing.front().second, "support");
    const Actor actor = stranger(static_cast<std::uint32_t>(i) * 256 + 4096);
    ASSERT_FALSE(is_refused(call(actor, "support"))) << i;
    if (i % 3 == 0) ringing.emplace_back(now + 10s, actor);
  }
}

TEST_F(InviteFloodTest, APeerIsOnlyLogged) {
  std::optional<Finding> finding;
  for (int i = 0; i < 7000; ++i) {
    const auto found = call(peer(), number(i));
    ASSERT_FALSE(is_refused(found));
    if (found) finding = found;
  }
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->action, DetectorAction::Log);
}

TEST_F(InviteFloodTest, WhatIsConfiguredAsLogIsLogged) {
  config.invite_flood.action = DetectorAction::Log;
  board.adopt(config);
  int found = 0;
  for (int i = 0; i < 1000; ++i) {
    const auto finding = call(stranger(), number(i));
    ASSERT_FALSE(is_refused(finding));
    found += finding ? 1 : 0;
  }
  EXPECT_EQ(found, 940);
}

TEST_F(InviteFloodTest, AChallengeIsAsked) {
  config.invite_flood.action = DetectorAction::Challenge;
  board.adopt(config);
  std::optional<Finding> finding;
  for (int i = 0; i < 61; ++i) finding = call(stranger(), number(i));
  EXPECT_EQ(action_of(finding), DetectorAction::Challenge);
}

TEST_F(InviteFloodTest, ACallThatGoesOnToAnotherNumberIsNotCountedTwice) {
  for (int i = 0; i < 60; ++i) ASSERT_FALSE(call(stranger(), number(i)));
  EXPECT_FALSE(board.before_call(now, stranger(), {.called = "+49301234567", .is_same_call = true}));
}

TEST_F(InviteFloodTest, ACallWithoutANumberCountsAtItsSource) {
  for (int i = 0; i < 60; ++i) ASSERT_FALSE(call(stranger(), ""));
  EXPECT_TRUE(is_refused(call(stranger(), "")));
}

}  // namespace
}  // namespace sallyport::policy
