// tdos_test.cpp — many calls to one callee, as shipped: five a second.
#include "policy/detect/tdos.h"

#include <deque>

#include "tests/unit/policy/detect/board_fixture.h"

namespace sallyport::policy {
namespace {

class TdosTest : public BoardTest {
 protected:
  // Calls from a trunk: all of the same source. How many of them are refused.
  int ring(std::string_view called, Duration every, Duration length, int answered_of_ten,
           Duration ringing = 5s) {
    std::deque<Timestamp> answers;
    int refused = 0, i = 0;
    for (const Timestamp end = now + length; now < end; now += every, ++i) {
      for (; !answers.empty() && answers.front() <= now; answers.pop_front())
        board.on_answered(now, peer(), called);
      if (is_refused(call(peer(), called)))
        ++refused;
      else if (i % 10 < answered_of_ten)
        answers.push_back(now + ringing);
    }
    return refused;
  }
};

TEST_F(TdosTest, TwentyFiveAtOnceAreLetPassAndThenTheExcessIsRefused) {
  for (std::uint32_t i = 0; i < 25; ++i) ASSERT_FALSE(call(endpoint(i), "+4930123456")) << i;
  const auto finding = call(endpoint(25), "+4930123456");
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->detector, Detector::Tdos);
  EXPECT_EQ(finding->action, DetectorAction::Reject);
  EXPECT_EQ(finding->evidence, "26 calls to one callee beyond its rate, answers taken off, 25 allowed");
  EXPECT_FALSE(call(endpoint(26), "+4930123457")) << "another callee";
  EXPECT_FALSE(call(peer(), "+4930123456")) << "what peers bring is another matter";
}

// Through a peer come the calls of many, a load generator's too.
TEST_F(TdosTest, PeersTogetherMayHaveTwentyTimesAsMuch) {
  for (int i = 0; i < 500; ++i) ASSERT_FALSE(call(peer(), "+4930123456")) << i;
  EXPECT_TRUE(is_refused(call(peer(), "+4930123456")));
  EXPECT_FALSE(is_refused(call(endpoint(1), "+4930123456")));
}

TEST_F(TdosTest, FiveASecondThatNobodyAnswersAreLetPassForEver) {
  EXPECT_EQ(ring("+4930123456", 201ms, 2h, 0), 0);
}

TEST_F(TdosTest, OfTwiceTheRateHalfPasses) {
  const int refused = ring("+4930123456", 5ms, 100s, 0);
  EXPECT_NEAR(20'000 - refused, 10'000 + 500, 100);
}

TEST_F(TdosTest, ItsSourcesDoNotMatter) {
  int passed = 0;
  for (std::uint32_t i = 0; i < 100; ++i) passed += is_refused(call(endpoint(i), "+4930123456")) ? 0 : 1;
  EXPECT_EQ(passed, 25);
}

// False positives: callees that are called much and answer.
TEST_F(TdosTest, AHotlineOfTwelveASecondThatAnswersTwoThirdsIsNotLimited) {
  EXPECT_EQ(ring("+49800123", 83ms, 1h, 7, 1s), 0);
}
TEST_F(TdosTest, AConferenceThatTwoHundredJoinWithinHalfAMinuteIsNotLimited) {
  EXPECT_EQ(ring("conference", 150ms, 30s, 10, 200ms), 0);
}
// A load test that dials one number, or a bridge: 200 a second, each answered at once.
TEST_F(TdosTest, WhatAnswersEverythingAtOnceIsNotLimited) { EXPECT_EQ(ring("ivr", 5ms, 60s, 10, 50ms), 0); }
TEST_F(TdosTest, WhatHasAnsweredMuchMayHaveMoreRingingAtOnce) {
  EXPECT_EQ(ring("hotline", 200ms, 10min, 8, 4s), 0);
  EXPECT_EQ(ring("hotline", 50ms, 10min, 8, 8s), 0) << "20 a second after a broadcast";
}
TEST_F(TdosTest, WhatAnswersNoMoreIsLimitedAgain) {
  EXPECT_EQ(ring("hotline", 200ms, 10min, 8, 4s), 0);
  const int refused = ring("hotline", 1ms, 2min, 0);  // 1000 a second, none answered
  EXPECT_GE(refused, 120'000 - 120 * 100 - 10'500);
}

TEST_F(TdosTest, BlockIsMoreThanItDoes) {
  config.tdos.action = DetectorAction::Block;
  board.adopt(config);
  std::optional<Finding> finding;
  for (int i = 0; i < 26; ++i) finding = call(endpoint(), "+4930123456");
  EXPECT_EQ(action_of(finding), DetectorAction::Reject);
}

TEST_F(TdosTest, ARateOfAnHourMayComeAtOnce) {
  config.tdos_calls_per_callee = {10, 1h};
  board.adopt(config);
  for (int i = 0; i < 10; ++i) ASSERT_FALSE(call(endpoint(), "1"));
  EXPECT_TRUE(call(endpoint(), "1"));
  now += 6min + 1s;
  EXPECT_FALSE(call(endpoint(), "1"));
  EXPECT_TRUE(call(endpoint(), "1"));
}

TEST_F(TdosTest, ARateBeyondAllMeasureLimitsNobody) {
  config.tdos_calls_per_callee = {1'000'000, 1s};
  board.adopt(config);
  for (int i = 0; i < 100'000; ++i) ASSERT_FALSE(is_refused(call(peer(), "1")));
}

}  // namespace
}  // namespace sallyport::policy
