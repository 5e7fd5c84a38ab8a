// shared_table_test.cpp — values by key for many threads.
#include "policy/base/shared_table.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace sallyport {
namespace {

using Table = SharedTable<std::uint64_t, std::string>;

SharedValue<std::string> text(std::string value) { return make_value<std::string>(std::move(value)); }

TEST(SharedTable, FindsWhatWasPutLastAndNothingOnceItIsTakenOut) {
  Table table;
  EXPECT_EQ(table.find(1), nullptr);
  EXPECT_FALSE(table.has(1));
  EXPECT_EQ(table.put(1, text("first")), nullptr);
  EXPECT_EQ(*table.put(1, text("second")), "first");
  EXPECT_EQ(*table.find(1), "second");
  EXPECT_EQ(*table.put(1, nullptr), "second");
  EXPECT_FALSE(table.has(1));
  EXPECT_EQ(table.put(1, nullptr), nullptr);
}

TEST(SharedTable, AReaderKeepsWhatItFound) {
  Table table;
  table.put(7, text("old"));
  const SharedValue<std::string> held = table.find(7);
  table.put(7, text("new"));
  EXPECT_EQ(*held, "old");
  EXPECT_EQ(*table.find(7), "new");
}

TEST(SharedTable, AChangeSeesWhatIsThere) {
  Table table;
  const auto longer = [](const SharedValue<std::string>& there) { return text((there ? *there : "") + "x"); };
  table.change(5, longer);
  table.change(5, longer);
  EXPECT_EQ(*table.find(5), "xx");
  table.change(5, [](const SharedValue<std::string>&) { return SharedValue<std::string>(); });
  EXPECT_EQ(table.find(5), nullptr);
}

TEST(SharedTable, KeysThatWereHashedAreToldApartByAllOfTheirBits) {
  SharedTable<Hash128, std::string> table;
  table.put({.low = 1, .high = 2}, text("one"));
  table.put({.low = 1, .high = 2 + 64}, text("other"));  // of the same stripe
  EXPECT_EQ(*table.find({.low = 1, .high = 2}), "one");
  EXPECT_EQ(*table.find({.low = 1, .high = 2 + 64}), "other");
}

// Under ThreadSanitizer this says that nothing is shared without its lock.
TEST(SharedTable, ThreadsThatWriteAndReadLoseNothing) {
  constexpr std::uint64_t kKeys = 200;
  constexpr int kRounds = 200;
  SharedTable<std::uint64_t, int> table;
  std::atomic<bool> is_sound{true};
  std::vector<std::thread> threads;
  for (std::uint64_t writer = 0; writer < 2; ++writer)
    threads.emplace_back([&table, writer] {
      for (int round = 1; round <= kRounds; ++round)
        for (std::uint64_t key = writer; key < kKeys; key += 2) table.put(key, make_value<int>(round));
    });
  threads.emplace_back([&] {
    for (int round = 0; round < kRounds; ++round)
      for (std::uint64_t key = 0; key < kKeys; ++key)
        if (const auto found = table.find(key); found && (*found < 1 || *found > kRounds)) is_sound = false;
  });
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(is_sound);
  for (std::uint64_t key = 0; key < kKeys; ++key) EXPECT_EQ(*table.find(key), kRounds);
}

}  // namespace
}  // namespace sallyport
