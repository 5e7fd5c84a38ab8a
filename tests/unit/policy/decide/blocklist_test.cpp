// blocklist_test.cpp — what operator, feeds and detectors say of one prefix, and whom it touches.
#include "policy/decide/blocklist.h"

#include <gtest/gtest.h>

namespace sallyport::policy {
namespace {

constexpr HashKey kKey{0x0123456789abcdef, 0xfedcba9876543210};
constexpr Timestamp kNow{1h};

Prefix prefix(std::string_view text) { return parse_prefix(text).value(); }

class BlocklistTest : public testing::Test {
 protected:
  bool put(std::string_view what, BlockOrigin origin, Timestamp until = Timestamp::max(),
           bool is_proved = true, std::string reason = {}) {
    return blocks_.put({prefix(what), origin, is_proved, kNow, until, std::move(reason)});
  }
  void feed(const std::vector<std::string>& prefixes) {
    blocks_.begin_feeds({"drop.txt"});
    for (const std::string& one : prefixes) ASSERT_TRUE(blocks_.put_feed(prefix(one), 0, kNow));
    blocks_.end_feeds();
  }
  // Whether sources that are untrusted, trusted, known are blocked.
  std::string touched(std::string_view source, Timestamp now = kNow) {
    std::string out;
    for (const TrustClass trust : {TrustClass::Untrusted, TrustClass::Trusted, TrustClass::Known})
      out += blocks_.table().find(*IpAddress::parse(source), trust, now) != BlockTable::kNone ? 'x' : '-';
    return out;
  }

  Blocklist blocks_{8, kKey};
};

// Threats I10.
TEST_F(BlocklistTest, TouchesWhomItsOriginMay) {
  put("192.0.2.1", BlockOrigin::Operator);
  put("192.0.2.2", BlockOrigin::Detector, Timestamp::max(), true);
  put("192.0.2.3", BlockOrigin::Detector, Timestamp::max(), false);
  feed({"192.0.2.4"});
  EXPECT_EQ(touched("192.0.2.1"), "xxx");
  EXPECT_EQ(touched("192.0.2.2"), "xx-");
  EXPECT_EQ(touched("192.0.2.3"), "x--") << "a forged source shuts out nobody who is trusted";
  EXPECT_EQ(touched("192.0.2.4"), "xx-");
  EXPECT_EQ(touched("192.0.2.5"), "---");
}

TEST_F(BlocklistTest, KeepsWhatOthersSayWhenOneTakesItsWordBack) {
  put("192.0.2.1", BlockOrigin::Operator);
  put("192.0.2.1", BlockOrigin::Detector, kNow + 10s, false);
  EXPECT_EQ(blocks_.prefixes(), 1u);
  EXPECT_TRUE(blocks_.remove(prefix("192.0.2.1"), BlockOrigin::Operator));
  EXPECT_EQ(touched("192.0.2.1"), "x--");
  EXPECT_FALSE(blocks_.remove(prefix("192.0.2.1"), BlockOrigin::Operator));
  EXPECT_TRUE(blocks_.remove(prefix("192.0.2.1"), BlockOrigin::Detector));
  EXPECT_EQ(touched("192.0.2.1"), "---");
  EXPECT_EQ(blocks_.prefixes(), 0u);
}

TEST_F(BlocklistTest, SaysWhoBlocksSinceWhenUntilWhenAndWhy) {
  put("192.0.2.0/24", BlockOrigin::Detector, kNow + 10min, false, "scanner");
  put("192.0.2.0/24", BlockOrigin::Operator, Timestamp::max(), true, "abuse desk");
  put("192.0.2.7", BlockOrigin::Operator);
  const auto around = blocks_.around(prefix("192.0.2.7"));
  ASSERT_EQ(around.size(), 3u);
  EXPECT_EQ(to_string(around[0].block.prefix), "192.0.2.7/32");
  EXPECT_EQ(around[1].block.origin, BlockOrigin::Operator);
  EXPECT_EQ(around[1].block.reason, "abuse desk");
  EXPECT_EQ(around[2].block.reason, "scanner");
  EXPECT_EQ(around[2].block.until, kNow + 10min);
  EXPECT_FALSE(around[2].block.is_proved);
  EXPECT_TRUE(blocks_.around(prefix("192.0.3.7")).empty());
}

TEST_F(BlocklistTest, TakesTheLastWordOfAnOrigin) {
  put("192.0.2.1", BlockOrigin::Operator, Timestamp::max(), true, "first");
  put("192.0.2.1", BlockOrigin::Operator, kNow + 5s, true, "second");
  EXPECT_EQ(touched("192.0.2.1", kNow + 5s), "---");
  EXPECT_EQ(blocks_.of(prefix("192.0.2.1")).at(0).block.reason, "second");
}

TEST_F(BlocklistTest, EndsByItselfAndTellsWhich) {
  put("192.0.2.1", BlockOrigin::Operator, kNow + 10s);
  put("192.0.2.2", BlockOrigin::Operator);
  EXPECT_FALSE(blocks_.take_expired(kNow + 9s).has_value());
  EXPECT_EQ(touched("192.0.2.1", kNow + 10s), "---") << "before anybody cleans up";
  const auto over = blocks_.take_expired(kNow + 11s);
  ASSERT_TRUE(over.has_value());
  EXPECT_EQ(to_string(over->prefix), "192.0.2.1/32");
  EXPECT_FALSE(blocks_.take_expired(kNow + 1000h).has_value());
  EXPECT_EQ(blocks_.prefixes(), 1u);
}

TEST_F(BlocklistTest, OutlastsAShorterBlockOfAnotherOrigin) {
  put("192.0.2.1", BlockOrigin::Operator, kNow + 10s);
  put("192.0.2.1", BlockOrigin::Detector, kNow + 20s);
  EXPECT_EQ(touched("192.0.2.1", kNow + 15s), "xx-");
  (void)blocks_.take_expired(kNow + 15s);
  EXPECT_EQ(touched("192.0.2.1", kNow + 15s), "xx-");
}

TEST_F(BlocklistTest, ReplacesFeedsAndLeavesTheOperatorsAlone) {
  put("192.0.2.1", BlockOrigin::Operator);
  feed({"192.0.2.1", "192.0.2.2", "198.51.100.0/24"});
  EXPECT_EQ(blocks_.prefixes(), 3u);
  const auto since = blocks_.of(prefix("192.0.2.2")).at(0).block.since;
  feed({"192.0.2.2", "203.0.113.0/24"});
  EXPECT_EQ(touched("192.0.2.1"), "xxx");
  EXPECT_EQ(blocks_.of(prefix("192.0.2.1")).size(), 1u);
  EXPECT_EQ(touched("198.51.100.9"), "---");
  EXPECT_EQ(touched("203.0.113.9"), "xx-");
  EXPECT_EQ(blocks_.of(prefix("192.0.2.2")).at(0).block.since, since);
  EXPECT_EQ(blocks_.of(prefix("192.0.2.2")).at(0).block.reason, "drop.txt");
  feed({});
  EXPECT_EQ(blocks_.prefixes(), 1u);
}

TEST_F(BlocklistTest, RefusesWhatHasNoRoomAndKeepsWhatItHas) {
  for (int i = 1; i <= 8; ++i) EXPECT_TRUE(put("192.0.2." + std::to_string(i), BlockOrigin::Operator)) << i;
  EXPECT_FALSE(put("192.0.2.9", BlockOrigin::Operator));
  EXPECT_FALSE(put("192.0.2.8", BlockOrigin::Detector)) << "a word is a place";
  EXPECT_TRUE(put("192.0.2.8", BlockOrigin::Operator, kNow + 1s)) << "what is there can be changed";
  EXPECT_EQ(touched("192.0.2.9"), "---");
  EXPECT_TRUE(blocks_.take_expired(kNow + 2s).has_value());
  EXPECT_TRUE(put("192.0.2.9", BlockOrigin::Operator));
}

TEST_F(BlocklistTest, IsShownPageByPageTheFeedsLast) {
  feed({"198.51.100.1", "198.51.100.2", "198.51.100.3"});
  put("192.0.2.1", BlockOrigin::Operator);
  put("192.0.2.2", BlockOrigin::Detector);
  std::vector<std::string> seen;
  std::uint64_t from = 0;
  do {
    const auto page = blocks_.page(from, 2);
    ASSERT_LE(page.blocks.size(), 2u);
    for (const BlockView& one : page.blocks) seen.push_back(to_string(one.block.prefix));
    from = page.next;
  } while (from != 0);
  ASSERT_EQ(seen.size(), 5u);
  EXPECT_TRUE(seen[0].starts_with("192.0.2.") && seen[1].starts_with("192.0.2."));
}

TEST_F(BlocklistTest, CutsAReasonOff) {
  put("192.0.2.1", BlockOrigin::Operator, Timestamp::max(), true, std::string(1000, 'a'));
  EXPECT_EQ(blocks_.of(prefix("192.0.2.1")).at(0).block.reason.size(), Blocklist::kReasonBytesMax);
}

TEST_F(BlocklistTest, TellsThatThereIsSomethingNew) {
  const auto before = blocks_.table().edition();
  put("192.0.2.1", BlockOrigin::Operator);
  EXPECT_NE(blocks_.table().edition(), before);
}

// Issue 8.
TEST(Blocklist, TakesAtMost64MegabytesForAQuarterOfAMillion) {
  EXPECT_LE(Blocklist::memory_for(250'000), 64'000'000u);
}

TEST(Blocklist, WithoutRoomTakesNothing) {
  Blocklist none(0, kKey);
  EXPECT_FALSE(none.put({prefix("192.0.2.1"), BlockOrigin::Operator, true, kNow, Timestamp::max(), {}}));
  EXPECT_EQ(none.table().find(*IpAddress::parse("192.0.2.1"), TrustClass::Untrusted, kNow),
            BlockTable::kNone);
  EXPECT_TRUE(none.page(0, 10).blocks.empty());
}

}  // namespace
}  // namespace sallyport::policy
