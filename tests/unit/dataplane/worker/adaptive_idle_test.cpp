// adaptive_idle_test.cpp — when an lcore sleeps and for how long.
#include "dataplane/worker/adaptive_idle.h"

#include <gtest/gtest.h>

namespace sallyport::dataplane {
namespace {

TEST(AdaptiveIdle, DoesNotSleepWhileThereIsTraffic) {
  AdaptiveIdle idle(1);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(idle.after_turn(Timestamp(i * 1s), true), Duration::zero());
}

TEST(AdaptiveIdle, SpinsForAMomentAfterTraffic) {
  AdaptiveIdle idle(1);
  EXPECT_EQ(idle.after_turn(Timestamp(1s), true), Duration::zero());
  EXPECT_EQ(idle.after_turn(Timestamp(1s + AdaptiveIdle::kSpinAfterTraffic / 2), false), Duration::zero());
  EXPECT_GT(idle.after_turn(Timestamp(1s + AdaptiveIdle::kSpinAfterTraffic), false), Duration::zero());
}

// The longest single sleep while nothing moves.
Duration longest_sleep(AdaptiveIdle& idle, Timestamp now) {
  Duration before{};
  for (int i = 0; i < 20; ++i) {
    const Duration sleep = idle.after_turn(now, false);
    EXPECT_GE(sleep, before);
    before = sleep;
    now += sleep;
  }
  return before;
}

TEST(AdaptiveIdle, SleepsLongerAndLongerUpToABoundThatKeepsAnswersWithinTwoMilliseconds) {
  AdaptiveIdle alone(1), one_of_two(2);
  EXPECT_LE(longest_sleep(alone, Timestamp(1s)), 1500us);
  EXPECT_LE(2 * longest_sleep(one_of_two, Timestamp(1s)), 1500us) << "a packet may have to wake two";
}

TEST(AdaptiveIdle, BeginsAnewAfterTraffic) {
  AdaptiveIdle idle(1);
  (void)longest_sleep(idle, Timestamp(1s));
  EXPECT_EQ(idle.after_turn(Timestamp(2s), true), Duration::zero());
  EXPECT_EQ(idle.after_turn(Timestamp(2s + 1ms), false), AdaptiveIdle::kFirstSleep);
}

}  // namespace
}  // namespace sallyport::dataplane
