// adaptive_idle_test.cpp — when an lcore sleeps and for how long.
#include "dataplane/worker/adaptive_idle.h"

#include <gtest/gtest.h>

namespace sallyport::dataplane {
namespace {

TEST(AdaptiveIdle, DoesNotSleepWhileThereIsTraffic) {
  AdaptiveIdle idle;
  for (int i = 0; i < 100; ++i) EXPECT_EQ(idle.after_turn(Timestamp(i * 1s), true), Duration::zero());
}

TEST(AdaptiveIdle, SpinsForAMomentAfterTraffic) {
  AdaptiveIdle idle;
  EXPECT_EQ(idle.after_turn(Timestamp(1s), true), Duration::zero());
  EXPECT_EQ(idle.after_turn(Timestamp(1s + AdaptiveIdle::kSpinAfterTraffic / 2), false), Duration::zero());
  EXPECT_GT(idle.after_turn(Timestamp(1s + AdaptiveIdle::kSpinAfterTraffic), false), Duration::zero());
}

TEST(AdaptiveIdle, SleepsLongerAndLongerUpToABoundThatKeepsAnswersWithinTwoMilliseconds) {
  AdaptiveIdle idle;
  Timestamp now(1s);
  Duration before{};
  for (int i = 0; i < 20; ++i) {
    const Duration sleep = idle.after_turn(now, false);
    EXPECT_GE(sleep, before);
    EXPECT_LE(sleep, 1ms);
    before = sleep;
    now += sleep;
  }
  EXPECT_EQ(before, AdaptiveIdle::kLongestSleep);
  EXPECT_EQ(idle.after_turn(now, true), Duration::zero());
  EXPECT_EQ(idle.after_turn(now + 1ms, false), AdaptiveIdle::kFirstSleep);
}

}  // namespace
}  // namespace sallyport::dataplane
