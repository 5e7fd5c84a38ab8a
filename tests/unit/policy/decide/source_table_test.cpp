// source_table_test.cpp — bounded table of sources.
#include "policy/decide/source_table.h"

#include <gtest/gtest.h>

#include <vector>

namespace sallyport::policy {
namespace {

constexpr HashKey kKey{0x0123456789abcdef, 0xfedcba9876543210};
constexpr BucketShape kTwo = BucketShape::of({{1, 1s}, 2});

IpAddress source(std::uint32_t number) { return IpAddress::v4(0x0a000000 + number); }

TEST(SourceTable, LimitsEachSourceByItself) {
  SourceTable table(1000, kKey);
  const auto one = table.key_of(source(1), 0), other = table.key_of(source(2), 0);
  const Timestamp now{1h};
  EXPECT_TRUE(table.take(one, kTwo, now));
  EXPECT_TRUE(table.take(one, kTwo, now));
  EXPECT_FALSE(table.take(one, kTwo, now));
  EXPECT_TRUE(table.take(other, kTwo, now));
  EXPECT_TRUE(table.take(one, kTwo, now + 1s));
  EXPECT_EQ(table.tracked(), 2u);
}

TEST(SourceTable, KeepsEqualAddressesOfTwoPortsApart) {
  SourceTable table(1000, kKey);
  const Timestamp now{1h};
  while (table.take(table.key_of(source(1), 0), kTwo, now)) continue;
  EXPECT_TRUE(table.take(table.key_of(source(1), 1), kTwo, now));
}

TEST(SourceTable, HoldsItsCapacityWithoutPuttingOutMany) {
  SourceTable table(10000, kKey);
  const Timestamp now{1h};
  for (std::uint32_t i = 0; i < 10000; ++i) ASSERT_TRUE(table.take(table.key_of(source(i), 0), kTwo, now));
  EXPECT_LT(table.evicted(), 300u);
  EXPECT_GT(table.tracked(), 9600u);
  EXPECT_GE(table.capacity(), 10000u);
  EXPECT_LE(table.memory_bytes(), 10000u * 64);
}

TEST(SourceTable, NeverGrowsBeyondItsMemory) {
  SourceTable table(64, kKey);
  const std::size_t memory = table.memory_bytes();
  for (std::uint32_t i = 0; i < 100000; ++i)
    ASSERT_TRUE(table.take(table.key_of(source(i), 0), kTwo, Timestamp{1h}));
  EXPECT_EQ(table.memory_bytes(), memory);
  EXPECT_LE(table.tracked(), table.capacity());
}

TEST(SourceTable, PutsOutWhoKnowsLeastAndKeepsTheWorstOffender) {
  SourceTable table(4, kKey);  // two lines
  const Timestamp now{1h};
  const BucketShape shape = BucketShape::of({{1, 1s}, 5});
  const auto offender = table.key_of(source(0), 0);
  while (table.take(offender, shape, now)) continue;
  for (std::uint32_t i = 1; i < 1000; ++i) EXPECT_TRUE(table.take(table.key_of(source(i), 0), shape, now));
  EXPECT_FALSE(table.take(offender, shape, now)) << "forgotten: a flood of spoofed sources would clear him";
}

TEST(SourceTable, NeverPutsOutAKnownSource) {
  SourceTable table(64, kKey);
  const Timestamp now{1h};
  const auto known = table.key_of(source(0), 0);
  ASSERT_TRUE(table.set_known(known, true, now));
  for (std::uint32_t i = 1; i < 100000; ++i)
    (void)table.take(table.key_of(source(i), 0), kTwo, now + i * 1us);
  EXPECT_TRUE(table.is_known(known));
  EXPECT_TRUE(table.set_known(known, false, now));
  EXPECT_FALSE(table.is_known(known));
}

TEST(SourceTable, LetsAStrangerPassToTheOtherLimitsWhenItsLineIsFullOfKnownSources) {
  SourceTable table(4, kKey);
  const Timestamp now{1h};
  std::vector<SourceTable::Key> refused;
  for (std::uint32_t i = 0; i < 200; ++i)
    if (!table.set_known(table.key_of(source(i), 0), true, now))
      refused.push_back(table.key_of(source(i), 0));
  EXPECT_EQ(refused.size(), 200u - table.capacity());
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(table.take(refused.front(), kTwo, now));
  EXPECT_EQ(table.tracked(), table.capacity());
}

TEST(SourceTable, ForgetsStrangersAtRestButNoKnownSource) {
  SourceTable table(64, kKey);
  const Timestamp now{1h};
  for (std::uint32_t i = 0; i < 20; ++i) (void)table.take(table.key_of(source(i), 0), kTwo, now);
  ASSERT_TRUE(table.set_known(table.key_of(source(5), 0), true, now));
  const std::uint64_t before = table.tracked();
  table.forget_idle(now, 1000);
  EXPECT_EQ(table.tracked(), before);
  table.forget_idle(now + 1s, 1000);
  EXPECT_EQ(table.tracked(), 1u);
  EXPECT_TRUE(table.is_known(table.key_of(source(5), 0)));
}

TEST(SourceTable, PutsSourcesElsewhereUnderAnotherKey) {
  SourceTable one(1000, kKey), other(1000, {1, 2});
  EXPECT_NE(one.key_of(source(1), 0).hash, other.key_of(source(1), 0).hash);
}

}  // namespace
}  // namespace sallyport::policy
