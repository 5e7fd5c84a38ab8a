// leak_table_test.cpp — leaky buckets by key: what is let pass, what leaks, what is taken back.
#include "policy/decide/leak_table.h"

#include <gtest/gtest.h>

#include <thread>

namespace sallyport::policy {
namespace {

constexpr Timestamp kNow{1000h};
constexpr std::uint64_t key(std::uint64_t n) { return n << 41; }
constexpr LeakShape kTenASecond = LeakShape::of({10, 1s}, 20);

TEST(LeakTable, LetsItsRoomPassAndThenAsMuchAsLeaks) {
  LeakTable table(100);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(table.take(key(1), kNow, kTenASecond)) << i;
  EXPECT_FALSE(table.take(key(1), kNow, kTenASecond));
  EXPECT_TRUE(table.take(key(2), kNow, kTenASecond));
  EXPECT_TRUE(table.take(key(1), kNow + 101ms, kTenASecond));
  EXPECT_FALSE(table.take(key(1), kNow + 101ms, kTenASecond));
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(table.take(key(1), kNow + 10s, kTenASecond)) << i;
}

TEST(LeakTable, CountsBeyondItsRoomUpToAMost) {
  LeakTable table(100);
  for (std::uint32_t i = 1; i <= 100; ++i)
    ASSERT_EQ(table.add(key(1), kNow, kTenASecond, 80), std::min(i, 80u));
  EXPECT_NEAR(table.add(key(1), kNow + 4s, kTenASecond, 80), 41, 1);
}

TEST(LeakTable, WhatIsTakenBackMakesRoomAndNoMoreThanThereWas) {
  LeakTable table(100);
  for (int i = 0; i < 20; ++i) (void)table.take(key(1), kNow, kTenASecond);
  table.take_back(key(1), kNow, kTenASecond, 3);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(table.take(key(1), kNow, kTenASecond));
  EXPECT_FALSE(table.take(key(1), kNow, kTenASecond));
  table.take_back(key(1), kNow, kTenASecond, 1000);
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(table.take(key(1), kNow, kTenASecond));
  EXPECT_FALSE(table.take(key(1), kNow, kTenASecond)) << "no credit was saved";
  table.take_back(key(9), kNow, kTenASecond, 1);
}

TEST(LeakTable, AFullLineGivesUpWhatIsEmptyFirst) {
  LeakTable table(8);
  for (int i = 0; i < 20; ++i) (void)table.take(key(1), kNow, kTenASecond);
  for (std::uint64_t n = 2; n < 1000; ++n) ASSERT_TRUE(table.take(key(n), kNow, kTenASecond));
  EXPECT_FALSE(table.take(key(1), kNow, kTenASecond));
}

TEST(LeakTable, ARateOfNothingHardlyLeaksAndOneBeyondATickLeaksAtOnce) {
  LeakTable table(100);
  const LeakShape never = LeakShape::of({0, 1s}, 2), always = LeakShape::of({1'000'000, 1s}, 1);
  EXPECT_TRUE(table.take(key(1), kNow, never));
  EXPECT_TRUE(table.take(key(1), kNow, never));
  EXPECT_FALSE(table.take(key(1), kNow + 1000h, never));
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(table.take(key(2), kNow, always));
}

TEST(LeakTable, AStepBackOfTheClockForgives) {
  LeakTable table(100);
  for (int i = 0; i < 20; ++i) (void)table.take(key(1), kNow, kTenASecond);
  EXPECT_FALSE(table.take(key(1), kNow - 1ms, kTenASecond)) << "another thread's clock";
  EXPECT_TRUE(table.take(key(1), kNow - 1h, kTenASecond));
}

TEST(LeakTable, ThreadsTakeNoMoreThanThereIsRoomFor) {
  LeakTable table(100);
  const LeakShape shape = LeakShape::of({1, 1h}, 1000);
  int taken[2] = {0, 0};
  const auto take = [&](int thread) {
    for (int i = 0; i < 2000; ++i) taken[thread] += table.take(key(1), kNow, shape) ? 1 : 0;
  };
  std::thread other(take, 1);
  take(0);
  other.join();
  EXPECT_EQ(taken[0] + taken[1], 1000);
}

}  // namespace
}  // namespace sallyport::policy
