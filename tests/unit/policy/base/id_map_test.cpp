// id_map_test.cpp — ids to slots: against a plain map, full, and at the worst order of erasing.
#include "policy/base/id_map.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace sallyport {
namespace {

TEST(IdMap, FindsWhatWasPutInAndNothingElse) {
  IdMap map(8);
  EXPECT_TRUE(map.insert(7, 70));
  EXPECT_TRUE(map.insert(8, 80));
  EXPECT_EQ(map.find(7), 70u);
  EXPECT_EQ(map.find(8), 80u);
  EXPECT_EQ(map.find(9), std::nullopt);
  EXPECT_EQ(map.find(0), std::nullopt);
  EXPECT_EQ(map.size(), 2u);
}

TEST(IdMap, AnIdIsThereOnce) {
  IdMap map(8);
  EXPECT_TRUE(map.insert(7, 70));
  EXPECT_FALSE(map.insert(7, 71));
  EXPECT_EQ(map.find(7), 70u);
  EXPECT_TRUE(map.erase(7));
  EXPECT_FALSE(map.erase(7));
  EXPECT_FALSE(map.erase(0));
  EXPECT_TRUE(map.insert(7, 72));
  EXPECT_EQ(map.find(7), 72u);
}

TEST(IdMap, FullIsAnAnswer) {
  IdMap map(3);
  for (std::uint32_t id = 1; id <= 3; ++id) EXPECT_TRUE(map.insert(id, id));
  EXPECT_TRUE(map.full());
  EXPECT_FALSE(map.insert(4, 4));
  EXPECT_TRUE(map.erase(2));
  EXPECT_TRUE(map.insert(4, 4));
  EXPECT_EQ(map.find(1), 1u);
  EXPECT_EQ(map.find(2), std::nullopt);
  EXPECT_EQ(map.find(3), 3u);
}

TEST(IdMap, NoCapacityHoldsNothing) {
  IdMap map(0);
  EXPECT_FALSE(map.insert(1, 1));
  EXPECT_EQ(map.find(1), std::nullopt);
  EXPECT_FALSE(map.erase(1));
}

TEST(IdMap, BehavesAsAPlainMapUnderAnyOrder) {
  constexpr std::uint32_t kCapacity = 64;
  std::mt19937_64 random(3);
  IdMap map(kCapacity);
  std::map<std::uint64_t, std::uint32_t> plain;
  for (std::uint32_t step = 0; step < 200000; ++step) {
    const std::uint64_t id = 1 + random() % 96;
    if (random() % 2 == 0) {
      const bool fits = plain.size() < kCapacity && !plain.contains(id);
      EXPECT_EQ(map.insert(id, step), fits);
      if (fits) plain[id] = step;
    } else {
      EXPECT_EQ(map.erase(id), plain.erase(id) == 1);
    }
    const std::uint64_t other = 1 + random() % 96;
    const auto found = plain.find(other);
    EXPECT_EQ(map.find(other), found == plain.end() ? std::nullopt : std::optional(found->second));
    ASSERT_EQ(map.size(), plain.size());
  }
}

}  // namespace
}  // namespace sallyport
