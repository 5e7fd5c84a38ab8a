// slot_map_test.cpp — handles with generations.
#include "policy/base/slot_map.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace sallyport {
namespace {

TEST(SlotMap, FindsWhatWasInserted) {
  SlotMap<std::string> map(2);
  const auto handle = map.insert("a").value();
  ASSERT_NE(map.find(handle), nullptr);
  EXPECT_EQ(*map.find(handle), "a");
  EXPECT_EQ(map.size(), 1u);
}

TEST(SlotMap, IsFullAtItsCapacityAndHasRoomAgainAfterErase) {
  SlotMap<int> map(2);
  const auto first = map.insert(1).value();
  ASSERT_TRUE(map.insert(2));
  EXPECT_TRUE(map.full());
  EXPECT_FALSE(map.insert(3));
  EXPECT_TRUE(map.erase(first));
  EXPECT_TRUE(map.insert(3));
}

TEST(SlotMap, MissesWithAStaleHandle) {
  SlotMap<int> map(1);
  const auto old = map.insert(1).value();
  EXPECT_TRUE(map.erase(old));
  const auto fresh = map.insert(2).value();
  EXPECT_EQ(fresh.index, old.index);
  EXPECT_EQ(map.find(old), nullptr);
  EXPECT_FALSE(map.erase(old));
  EXPECT_EQ(*map.find(fresh), 2);
}

TEST(SlotMap, MissesWithAHandleThatWasNeverGiven) {
  SlotMap<int> map(1);
  EXPECT_EQ(map.find({}), nullptr);
  EXPECT_EQ(map.find({7, 1}), nullptr);
  EXPECT_FALSE(map.erase({0, 1}));
}

TEST(SlotMap, DestroysWhatIsErased) {
  SlotMap<std::shared_ptr<int>> map(1);
  const auto watched = std::make_shared<int>(1);
  const auto handle = map.insert(watched).value();
  EXPECT_EQ(watched.use_count(), 2);
  map.erase(handle);
  EXPECT_EQ(watched.use_count(), 1);
}

TEST(SlotMap, NeverGivesTheSameHandleTwice) {
  SlotMap<int> map(3);
  std::vector<SlotMap<int>::HandleType> seen;
  for (int i = 0; i < 100; ++i) {
    const auto handle = map.insert(i).value();
    EXPECT_EQ(std::count(seen.begin(), seen.end(), handle), 0);
    seen.push_back(handle);
    map.erase(handle);
  }
}

}  // namespace
}  // namespace sallyport
