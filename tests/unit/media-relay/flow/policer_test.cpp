// policer_test.cpp — token buckets of flows and realms (threats M8).
#include "media-relay/flow/policer.h"

#include <gtest/gtest.h>

namespace sallyport::media {
namespace {

class PolicerTest : public testing::Test {
 protected:
  int passed(int packets, std::size_t bytes, Duration apart) {
    int count = 0;
    for (int i = 0; i < packets; ++i, now += apart) count += policer.allow(now, bytes);
    return count;
  }
  Policer policer;
  Timestamp now{Timestamp{} + 100s};
};

TEST_F(PolicerTest, WithoutALimitLetsEverythingPass) { EXPECT_EQ(passed(10'000, 1500, 0s), 10'000); }

TEST_F(PolicerTest, PassesABurstOfAQuarterOfASecond) {
  policer.set(100, 0);
  EXPECT_NEAR(passed(1000, 200, 0s), 25, 1);
}

TEST_F(PolicerTest, PassesAFewPacketsAtOnceHoweverSlowTheRate) {
  policer.set(2, 500);
  EXPECT_GE(passed(100, 1500, 0s), 8);
  EXPECT_EQ(passed(10, 1500, 0s), 0);
}

TEST_F(PolicerTest, PassesTheRateInTheLongRun) {
  policer.set(75, 0);
  EXPECT_NEAR(passed(100'000, 200, 1ms), 7500, 25);
}

TEST_F(PolicerTest, PassesOctetsAtTheirRate) {
  policer.set(0, 10'000);
  EXPECT_NEAR(passed(100'000, 100, 1ms), 10'000, 200);
}

TEST_F(PolicerTest, ChargesNothingForWhatItRefuses) {
  policer.set(10, 0);
  (void)passed(100'000, 200, 0s);
  now += 100ms;
  EXPECT_TRUE(policer.allow(now, 200));
}

TEST_F(PolicerTest, KeepsWhatWasSpentWhenTheRateChanges) {
  policer.set(100, 0);
  (void)passed(1000, 200, 0s);
  policer.set(50, 0);
  EXPECT_FALSE(policer.allow(now, 200));
}

TEST_F(PolicerTest, BearsTheSmallestAndTheLargestRate) {
  policer.set(1, 1);
  EXPECT_GT(passed(100, 65'535, 0s), 0);
  policer.set(0xffffffffu, 0xffffffffu);
  now += 1h;
  EXPECT_EQ(passed(1000, 1500, 1us), 1000);
}

TEST(BandwidthPolicer, PassesTheRateInTheLongRun) {
  BandwidthPolicer policer;
  policer.set(1'000'000);
  Timestamp now{Timestamp{} + 1s};
  int passed = 0;
  for (int i = 0; i < 100'000; ++i, now += 100us) {
    if (policer.is_spent(now)) continue;
    policer.charge(now, 250);
    ++passed;
  }
  EXPECT_NEAR(passed, 5000, 60);
}

TEST(BandwidthPolicer, WithoutALimitIsNeverSpent) {
  BandwidthPolicer policer;
  const Timestamp now{Timestamp{} + 1s};
  for (int i = 0; i < 100'000; ++i) policer.charge(now, 1500);
  EXPECT_FALSE(policer.is_spent(now));
}

}  // namespace
}  // namespace sallyport::media
