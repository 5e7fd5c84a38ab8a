// adaptive_idle_test.cpp — when an lcore sleeps and for how long.
#include "dataplane/worker/adaptive_idle.h"

#include <gtest/gtest.h>

namespace sallyport::dataplane {
namespace {

TEST(AdaptiveIdle, DoesNotSleepWhileThereIsTraffic) {
  AdaptiveIdle idle(1);
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(idle.after_turn(Timestamp(i * 1s), i % 2 == 0 ? Moved::Urgent : Moved::Patient),
              Duration::zero());
}

TEST(AdaptiveIdle, SpinsForAMomentAfterWhatMustNotWait) {
  AdaptiveIdle idle(1);
  EXPECT_EQ(idle.after_turn(Timestamp(1s), Moved::Urgent), Duration::zero());
  EXPECT_EQ(idle.after_turn(Timestamp(1s + AdaptiveIdle::kSpinAfterTraffic / 2), Moved::Nothing),
            Duration::zero());
  EXPECT_GT(idle.after_turn(Timestamp(1s + AdaptiveIdle::kSpinAfterTraffic), Moved::Nothing),
            Duration::zero());
}

// The longest single sleep while nothing moves.
Duration longest_sleep(AdaptiveIdle& idle, Timestamp now) {
  Duration before{};
  for (int i = 0; i < 20; ++i) {
    const Duration sleep = idle.after_turn(now, Moved::Nothing);
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
  EXPECT_EQ(idle.after_turn(Timestamp(2s), Moved::Urgent), Duration::zero());
  EXPECT_EQ(idle.after_turn(Timestamp(2s + 1ms), Moved::Nothing), AdaptiveIdle::kFirstSleep);
}

TEST(AdaptiveIdle, SleepsAtOnceAfterSipAlone) {
  AdaptiveIdle idle(1);
  EXPECT_EQ(idle.after_turn(Timestamp(1s), Moved::Patient), Duration::zero());
  const Duration sleep = idle.after_turn(Timestamp(1s + 2us), Moved::Nothing);
  EXPECT_GT(sleep, AdaptiveIdle::kPatientSleep / 2);
  EXPECT_LE(sleep, AdaptiveIdle::kPatientSleep);
}

// What one nap after SIP takes in at this many datagrams a second, once it has settled.
std::size_t settled_burst(std::size_t rate, std::size_t lcores) {
  AdaptiveIdle idle(lcores);
  Timestamp now{1s};
  std::size_t burst = 1;
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(idle.after_turn(now, Moved::Patient, burst), Duration::zero());
    const Duration sleep = idle.after_turn(now, Moved::Nothing);
    EXPECT_LE(sleep, 1ms);
    now += sleep;
    burst = 1 + rate * static_cast<std::size_t>(sleep.count()) / 1'000'000'000;
  }
  return burst;
}

TEST(AdaptiveIdle, SleepsShorterTheMoreSipComesSoThatNoQueueFills) {
  for (const std::size_t lcores : {std::size_t{1}, std::size_t{4}}) {
    EXPECT_GE(settled_burst(30'000, lcores), 8U) << "what a nap is for";
    EXPECT_LE(settled_burst(1'000'000, lcores), 256U);
    EXPECT_LE(settled_burst(10'000'000, lcores), 1024U);
  }
}

TEST(AdaptiveIdle, SipIsNotPatientAmongTrafficThatMustNotWait) {
  AdaptiveIdle idle(1);
  EXPECT_EQ(idle.after_turn(Timestamp(1s), Moved::Urgent), Duration::zero());
  EXPECT_EQ(idle.after_turn(Timestamp(1s + 20us), Moved::Patient), Duration::zero());
  EXPECT_EQ(idle.after_turn(Timestamp(1s + 22us), Moved::Nothing), Duration::zero());
  EXPECT_EQ(idle.after_turn(Timestamp(1s + 90us), Moved::Nothing), AdaptiveIdle::kFirstSleep);
}

}  // namespace
}  // namespace sallyport::dataplane
