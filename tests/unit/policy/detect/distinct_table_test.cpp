// distinct_table_test.cpp — how many different things, about, and never more bits than things.
#include "policy/detect/distinct_table.h"

#include <gtest/gtest.h>

#include <thread>

namespace sallyport::policy {
namespace {

constexpr std::uint64_t mix(std::uint64_t n) {
  n = (n + 1) * 0x9e3779b97f4a7c15u;
  n ^= n >> 29;
  n *= 0xbf58476d1ce4e5b9u;
  return n ^ n >> 32;
}

TEST(DistinctTable, WhatIsRepeatedCountsOnce) {
  DistinctTable table(100);
  unsigned bits = 0;
  for (int i = 0; i < 1000; ++i) bits = table.add(mix(1), 7, mix(static_cast<std::uint64_t>(i % 5)));
  EXPECT_LE(bits, 5u);
  EXPECT_GE(bits, 3u);
}

TEST(DistinctTable, TellsHowManyThereAreAbout) {
  for (const std::uint64_t things : {10u, 40u, 100u, 150u}) {
    DistinctTable table(100);
    unsigned bits = 0;
    for (std::uint64_t i = 0; i < things; ++i) bits = table.add(mix(1), 7, mix(i + 1000));
    EXPECT_LE(bits, things);
    EXPECT_NEAR(static_cast<double>(DistinctTable::things_of(bits)), static_cast<double>(things),
                static_cast<double>(things) * 0.35);
  }
}

TEST(DistinctTable, AnotherStretchBeginsAnew) {
  DistinctTable table(100);
  for (std::uint64_t i = 0; i < 100; ++i) (void)table.add(mix(1), 7, mix(i));
  EXPECT_EQ(table.add(mix(1), 8, mix(1)), 1u);
}

TEST(DistinctTable, AFullLineKeepsWhoAskedForMost) {
  DistinctTable table(4);
  for (std::uint64_t i = 0; i < 50; ++i) (void)table.add(mix(1) & ~3ull, 7, mix(i));
  for (std::uint64_t other = 2; other < 10'000; ++other) (void)table.add(mix(other) & ~3ull, 7, mix(other));
  EXPECT_GT(table.add(mix(1) & ~3ull, 7, mix(51)), 25u);
}

TEST(DistinctTable, ThreadsFillOneBitmap) {
  DistinctTable table(100);
  const auto fill = [&table](std::uint64_t first) {
    for (std::uint64_t i = first; i < 1000; i += 2) (void)table.add(mix(1), 7, mix(i));
  };
  (void)table.add(mix(1), 7, mix(0));
  std::thread other(fill, 1);
  fill(0);
  other.join();
  EXPECT_EQ(table.add(mix(1), 7, mix(0)), 64u);
}

}  // namespace
}  // namespace sallyport::policy
