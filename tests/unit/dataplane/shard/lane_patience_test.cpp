// lane_patience_test.cpp — a moment's delay costs nobody anything; a queue that stands still is not worked
// off.
#include "dataplane/shard/lane_patience.h"

#include <gtest/gtest.h>

namespace sallyport::dataplane {
namespace {

constexpr Duration kLongest = 50ms;

TEST(LanePatience, WhatComesInTimeIsNeverOverdue) {
  LanePatience patience;
  for (Timestamp now{1s}; now < Timestamp{3s}; now += 1ms)
    ASSERT_FALSE(patience.is_overdue(now, now - kLongest, kLongest));
}

// A thread that was away for two seconds: all that waited is taken.
TEST(LanePatience, APauseOfTheThreadMakesNothingOverdue) {
  LanePatience patience;
  Timestamp now{3s};
  for (int i = 0; i < 1000; ++i, now += 20us)
    ASSERT_FALSE(patience.is_overdue(now, Timestamp{1s} + i * 2ms, kLongest));
}

TEST(LanePatience, WhatStandsForLongerThanOneMayWaitIsOverdueUntilSomethingComesInTime) {
  LanePatience patience;
  const Timestamp begin{1s};
  const auto late = [&](Timestamp now) { return patience.is_overdue(now, now - 60ms, kLongest); };
  EXPECT_FALSE(late(begin));
  EXPECT_FALSE(late(begin + 59ms)) << "it came before anything was late";
  EXPECT_TRUE(late(begin + 60ms));
  EXPECT_TRUE(late(begin + 90ms));
  EXPECT_FALSE(patience.is_overdue(begin + 91ms, begin + 50ms, kLongest));
  EXPECT_FALSE(late(begin + 92ms));
  EXPECT_FALSE(late(begin + 151ms));
  EXPECT_TRUE(late(begin + 152ms));
}

TEST(LanePatience, AnEmptyQueueForgetsItsDelay) {
  LanePatience patience;
  EXPECT_FALSE(patience.is_overdue(Timestamp{1s}, Timestamp{}, kLongest));
  patience.on_empty();
  EXPECT_FALSE(patience.is_overdue(Timestamp{2s}, Timestamp{}, kLongest));
  EXPECT_TRUE(patience.is_overdue(Timestamp{3s}, Timestamp{2s}, kLongest));
}

}  // namespace
}  // namespace sallyport::dataplane
