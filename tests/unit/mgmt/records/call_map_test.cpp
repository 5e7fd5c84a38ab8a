// call_map_test.cpp — the map of calls does what one of the library does, whatever comes and goes.
#include "mgmt/records/call_map.h"

#include <gtest/gtest.h>

#include <random>
#include <unordered_map>

namespace sallyport::mgmt {
namespace {

TEST(CallMap, FindsWhatWasPutAndNothingElse) {
  std::mt19937_64 random(16);
  for (const std::uint64_t range : {50u, 5'000u, 200'000u}) {
    CallMap map;
    std::unordered_map<std::uint64_t, std::uint32_t> expected;
    for (int turn = 0; turn < 100'000; ++turn) {
      const std::uint64_t call = 0x6740'8c3e'0000'0001 + random() % range;
      if (random() % 2 == 0) {
        const auto slot = static_cast<std::uint32_t>(random());
        map.put(call, slot);
        expected[call] = slot;
      } else {
        map.erase(call);
        expected.erase(call);
      }
      ASSERT_EQ(map.size(), expected.size());
    }
    for (std::uint64_t call = 0x6740'8c3e'0000'0001; call < 0x6740'8c3e'0000'0001 + range; ++call) {
      const auto found = map.find(call);
      const auto known = expected.find(call);
      ASSERT_EQ(found.has_value(), known != expected.end());
      if (found) {
        ASSERT_EQ(*found, known->second);
      }
    }
  }
}

// Of a damaged record: no call has it.
TEST(CallMap, ZeroIsNoCall) {
  CallMap map;
  map.put(0, 7);
  EXPECT_EQ(map.size(), 0u);
  EXPECT_FALSE(map.find(0));
  map.erase(0);
  EXPECT_EQ(map.size(), 0u);
}

}  // namespace
}  // namespace sallyport::mgmt
