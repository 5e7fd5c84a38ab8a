// threshold_table_test.cpp — counting in virtual time, and what happens when there is no room.
#include "policy/decide/threshold_table.h"

#include <gtest/gtest.h>

#include <thread>

namespace sallyport::policy {
namespace {

constexpr Timestamp at(Duration since_zero) { return Timestamp(since_zero); }
// Keys of one line: what names the line is the same, what tells them apart is not.
constexpr std::uint64_t key(std::uint64_t n) { return n << 41; }

TEST(ThresholdTable, CountsWithinTheWindowAndBeginsAnewAfterIt) {
  ThresholdTable table(1024, 10s);
  EXPECT_EQ(table.count(key(1), at(1s), 10s), 1u);
  EXPECT_EQ(table.count(key(1), at(5s), 10s), 2u);
  EXPECT_EQ(table.count(key(1), at(10999ms), 10s), 3u);
  EXPECT_EQ(table.count(key(1), at(11s), 10s), 1u);
  EXPECT_EQ(table.count(key(2), at(11s), 10s), 1u);
}

TEST(ThresholdTable, AFullLineGivesUpWhatItKnowsLeastOf) {
  ThresholdTable table(8, 60s);
  for (int i = 0; i < 50; ++i) (void)table.count(key(1), at(1s), 60s);
  for (std::uint64_t n = 2; n < 1000; ++n) EXPECT_EQ(table.count(key(n), at(2s), 60s), 1u);
  EXPECT_EQ(table.count(key(1), at(3s), 60s), 51u);
}

TEST(ThresholdTable, WhatIsOldIsPutOutBeforeWhatCountsLess) {
  ThresholdTable table(8, 10s);
  for (std::uint64_t n = 1; n <= 7; ++n)
    for (int i = 0; i < 5; ++i) (void)table.count(key(n), at(1s), 10s);
  (void)table.count(key(8), at(20s), 10s);
  (void)table.count(key(9), at(20s), 10s);
  EXPECT_EQ(table.count(key(8), at(21s), 10s), 2u);
}

TEST(ThresholdTable, MemoryIsTakenOnce) {
  const ThresholdTable table(65536, 10s);
  EXPECT_EQ(table.memory_bytes(), 65536u * 8);
}

TEST(ThresholdTable, ThreadsLoseNoCountToOneAnother) {
  ThresholdTable table(1024, 3600s);
  constexpr int kEach = 1000;
  std::thread other([&table] {
    for (int i = 0; i < kEach; ++i) (void)table.count(key(7), at(1s), 3600s);
  });
  for (int i = 0; i < kEach; ++i) (void)table.count(key(7), at(1s), 3600s);
  other.join();
  const std::uint32_t counted = table.count(key(7), at(2s), 3600s);
  EXPECT_GT(counted, kEach * 2 * 99 / 100);
  EXPECT_LE(counted, static_cast<std::uint32_t>(kEach * 2 + 1));
}

}  // namespace
}  // namespace sallyport::policy
