// recency_table_test.cpp — RecencyTable against a plain model, and what it forgets.
#include "dataplane/net/recency_table.h"

#include <gtest/gtest.h>

#include <map>

namespace sallyport::dataplane {
namespace {

constexpr PortIndex kPort{3};
IpAddress address(std::uint32_t n) { return IpAddress::v4(0x0A000000 + n); }

TEST(RecencyTable, FindsWhatWasInsertedUntilErased) {
  RecencyTable<int> table(8, HashKey{7, 9});
  table.insert({}, kPort, address(1)) = 11;
  ASSERT_NE(table.find({}, kPort, address(1)), nullptr);
  EXPECT_EQ(*table.find({}, kPort, address(1)), 11);
  EXPECT_EQ(table.find({}, PortIndex{4}, address(1)), nullptr);
  table.erase(kPort, address(1));
  table.erase(kPort, address(1));
  EXPECT_EQ(table.find({}, kPort, address(1)), nullptr);
  EXPECT_EQ(table.size(), 0u);
}

TEST(RecencyTable, GivesAFreshValueWhereAnOldOneMadeRoom) {
  RecencyTable<int> table(1, HashKey{});
  table.insert({}, kPort, address(1)) = 5;
  EXPECT_EQ(table.insert({}, kPort, address(2)), 0);
  EXPECT_EQ(table.size(), 1u);
}

TEST(RecencyTable, DoesNotCountAPeekAsAUse) {
  RecencyTable<int> table(2, HashKey{});
  Timestamp now{};
  table.insert(now, kPort, address(1));
  table.insert(now += 1s, kPort, address(2));
  now += 1s;
  EXPECT_NE(table.peek(kPort, address(1)), nullptr);
  table.insert(now, kPort, address(3));
  EXPECT_EQ(table.peek(kPort, address(1)), nullptr);
  EXPECT_NE(table.peek(kPort, address(2)), nullptr);
}

TEST(RecencyTable, AgreesWithAModelOverManyRandomSteps) {
  constexpr std::size_t kCapacity = 16;
  RecencyTable<std::uint32_t> table(kCapacity, HashKey{1, 2});
  std::map<std::uint32_t, Timestamp> model;  // key, last use
  std::uint32_t random = 12345;
  Timestamp now{};
  for (int step = 0; step < 20000; ++step) {
    now += 1s;
    random = random * 1664525 + 1013904223;
    const std::uint32_t key = (random >> 16) % 40;
    if ((random >> 28) == 0) {
      table.erase(kPort, address(key));
      model.erase(key);
    } else if (auto* const found = table.find(now, kPort, address(key))) {
      ASSERT_EQ(*found, key);
      ASSERT_TRUE(model.contains(key));
      model[key] = now;
    } else {
      ASSERT_FALSE(model.contains(key));
      if (model.size() == kCapacity)
        model.erase(std::min_element(model.begin(), model.end(),
                                     [](auto& a, auto& b) { return a.second < b.second; }));
      table.insert(now, kPort, address(key)) = key;
      model[key] = now;
    }
    ASSERT_EQ(table.size(), model.size());
  }
  std::size_t visited = 0;
  table.for_each([&](PortIndex, const IpAddress&, std::uint32_t& key) { visited += model.count(key); });
  EXPECT_EQ(visited, model.size());
}

}  // namespace
}  // namespace sallyport::dataplane
