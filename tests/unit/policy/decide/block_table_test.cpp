// block_table_test.cpp — blocked prefixes: nested, full, gone, and found while another thread changes them.
#include "policy/decide/block_table.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <random>
#include <thread>

namespace sallyport::policy {
namespace {

constexpr HashKey kKey{0x0123456789abcdef, 0xfedcba9876543210};
constexpr Timestamp kNow{1h};
constexpr BlockTable::Ends kForAll{Timestamp::max(), Timestamp::max(), Timestamp::max()};

IpAddress address(std::string_view text) { return IpAddress::parse(text).value(); }
Prefix prefix(std::string_view text) { return parse_prefix(text).value(); }

BlockTable::Id block(BlockTable& table, std::string_view text, const BlockTable::Ends& ends = kForAll) {
  const BlockTable::Id id = table.insert(prefix(text));
  if (id != BlockTable::kNone) table.set_ends(id, ends);
  return id;
}
bool is_blocked(const BlockTable& table, std::string_view text, Timestamp now = kNow,
                TrustClass trust = TrustClass::Untrusted) {
  return table.find(address(text), trust, now) != BlockTable::kNone;
}

TEST(BlockTable, FindsAHostAndNobodyBesideIt) {
  BlockTable table(100, kKey);
  block(table, "192.0.2.7");
  block(table, "2001:db8::7");
  EXPECT_TRUE(is_blocked(table, "192.0.2.7"));
  EXPECT_TRUE(is_blocked(table, "::ffff:192.0.2.7"));
  EXPECT_TRUE(is_blocked(table, "2001:db8::7"));
  EXPECT_FALSE(is_blocked(table, "192.0.2.6"));
  EXPECT_FALSE(is_blocked(table, "2001:db8::6"));
}

TEST(BlockTable, FindsEveryLengthOfPrefixOfBothFamilies) {
  for (unsigned length = 1; length <= 32; ++length) {
    BlockTable table(10, kKey);
    const Prefix one{address("170.170.170.170"), static_cast<std::uint8_t>(length)};
    table.set_ends(table.insert(one), kForAll);
    EXPECT_TRUE(is_blocked(table, "170.170.170.170")) << length;
    const IpAddress beside = IpAddress::v4(0xaaaaaaaa ^ 1u << (32 - length));
    EXPECT_EQ(table.find(beside, TrustClass::Untrusted, kNow), BlockTable::kNone) << length;
    EXPECT_EQ(table.find(IpAddress::v4(0xaaaaaaaa ^ (length < 32 ? 1u : 0u)), TrustClass::Untrusted, kNow),
              table.id_of(one))
        << length;
  }
  for (unsigned length = 1; length <= 128; ++length) {
    BlockTable table(10, kKey);
    auto octets = address("2aaa:5555:aaaa:5555:aaaa:5555:aaaa:5555").bytes();
    const Prefix one{IpAddress::v6(octets), static_cast<std::uint8_t>(length)};
    const BlockTable::Id id = table.insert(one);
    table.set_ends(id, kForAll);
    EXPECT_EQ(table.find(one.address, TrustClass::Untrusted, kNow), id) << length;
    octets[(length - 1) / 8] ^= static_cast<std::uint8_t>(0x80 >> ((length - 1) % 8));
    EXPECT_EQ(table.find(IpAddress::v6(octets), TrustClass::Untrusted, kNow), BlockTable::kNone) << length;
    EXPECT_EQ(table.look_at(id).prefix.length, length);
    EXPECT_EQ(table.look_at(id).prefix.network(), one.network());
    table.remove(id);
    EXPECT_EQ(table.find(one.address, TrustClass::Untrusted, kNow), BlockTable::kNone) << length;
  }
}

TEST(BlockTable, LeavesOneFamilyAloneWhenTheOtherIsBlocked) {
  BlockTable table(10, kKey);
  block(table, "::/1");
  EXPECT_FALSE(is_blocked(table, "192.0.2.7"));
  EXPECT_TRUE(is_blocked(table, "2001:db8::1"));
}

TEST(BlockTable, DoesNotBlockTheWholeWorld) {
  BlockTable table(10, kKey);
  EXPECT_EQ(table.insert(prefix("0.0.0.0/0")), BlockTable::kNone);
  EXPECT_EQ(table.insert(prefix("::/0")), BlockTable::kNone);
  EXPECT_EQ(table.size(), 0u);
}

TEST(BlockTable, WhatLiesWithinAnotherStaysWhenOneOfThemGoes) {
  BlockTable table(10, kKey);
  const auto wide = block(table, "10.0.0.0/8"), host = block(table, "10.1.2.3");
  EXPECT_EQ(table.find(address("10.1.2.3"), TrustClass::Untrusted, kNow), host) << "the longest";
  table.remove(host);
  EXPECT_TRUE(is_blocked(table, "10.1.2.3"));
  const auto again = block(table, "10.1.2.3");
  table.remove(wide);
  EXPECT_TRUE(is_blocked(table, "10.1.2.3"));
  EXPECT_FALSE(is_blocked(table, "10.1.2.4"));
  table.remove(again);
  EXPECT_FALSE(is_blocked(table, "10.1.2.3"));
  EXPECT_EQ(table.size(), 0u);
}

TEST(BlockTable, EndsAtItsTimeForEachClassByItself) {
  BlockTable table(10, kKey);
  block(table, "192.0.2.0/24", {kNow + 3s, kNow + 2s, BlockTable::kNotAtAll});
  const auto touched = [&](Timestamp now) {
    return std::vector{is_blocked(table, "192.0.2.1", now, TrustClass::Untrusted),
                       is_blocked(table, "192.0.2.1", now, TrustClass::Trusted),
                       is_blocked(table, "192.0.2.1", now, TrustClass::Known)};
  };
  EXPECT_EQ(touched(kNow), (std::vector{true, true, false}));
  EXPECT_EQ(touched(kNow + 2s), (std::vector{true, false, false}));
  EXPECT_EQ(touched(kNow + 3s - 1ns), (std::vector{true, false, false}));
  EXPECT_EQ(touched(kNow + 3s), (std::vector{false, false, false}));
}

TEST(BlockTable, LooksBeyondAPrefixThatDoesNotTouchTheClass) {
  BlockTable table(10, kKey);
  block(table, "192.0.2.1", {Timestamp::max(), BlockTable::kNotAtAll, BlockTable::kNotAtAll});
  const auto wide = block(table, "192.0.2.0/24");
  EXPECT_EQ(table.find(address("192.0.2.1"), TrustClass::Known, kNow), wide);
}

TEST(BlockTable, CountsWhatWasDroppedForEach) {
  BlockTable table(10, kKey);
  const auto id = block(table, "192.0.2.1");
  EXPECT_EQ(table.look_at(id).last_hit, Timestamp{});
  table.count(id, 3, kNow);
  table.count(id, 1, kNow + 1s);
  EXPECT_EQ(table.look_at(id).hits, 4u);
  EXPECT_EQ(table.look_at(id).last_hit, kNow + 1s);
  table.remove(id);
  EXPECT_EQ(table.look_at(block(table, "192.0.2.2")).hits, 0u) << "the place is another's";
}

TEST(BlockTable, IsFullAtItsCapacityAndHasRoomAgain) {
  BlockTable table(3, kKey);
  block(table, "192.0.2.1");
  const auto second = block(table, "192.0.2.2");
  block(table, "192.0.2.3");
  EXPECT_EQ(table.insert(prefix("192.0.2.4")), BlockTable::kNone);
  EXPECT_FALSE(is_blocked(table, "192.0.2.4"));
  table.remove(second);
  EXPECT_NE(block(table, "192.0.2.4"), BlockTable::kNone);
  EXPECT_TRUE(is_blocked(table, "192.0.2.4"));
  EXPECT_TRUE(is_blocked(table, "192.0.2.3"));
}

// Against a plain map, with prefixes of all lengths that come and go.
TEST(BlockTable, SaysWhatAPlainListWouldSay) {
  std::mt19937 random(7);
  BlockTable table(3000, kKey);
  std::map<Prefix, BlockTable::Id> plain;
  const auto any_prefix = [&]() -> Prefix {
    const auto length = static_cast<std::uint8_t>(8 + random() % 25);
    const IpAddress any = IpAddress::v4(0x0a000000 | (random() & 0x0303ffff));
    return {Prefix{any, length}.network(), length};
  };
  for (int round = 0; round < 20000; ++round) {
    const Prefix one = any_prefix();
    if (const auto known = plain.find(one); known != plain.end()) {
      table.remove(known->second);
      plain.erase(known);
    } else if (const auto id = table.insert(one); id != BlockTable::kNone) {
      table.set_ends(id, kForAll);
      plain.emplace(one, id);
    }
    if (round % 50 != 0) continue;
    const IpAddress source = IpAddress::v4(0x0a000000 | (random() & 0x0303ffff));
    BlockTable::Id wanted = BlockTable::kNone;
    for (const auto& [known, id] : plain)
      if (known.contains(source) &&
          (wanted == BlockTable::kNone || table.look_at(wanted).prefix.length < known.length))
        wanted = id;
    ASSERT_EQ(table.find(source, TrustClass::Untrusted, kNow), wanted) << round;
  }
  EXPECT_EQ(table.size(), plain.size());
  for (const auto& [known, id] : plain) {
    ASSERT_EQ(table.id_of(known), id);
    table.remove(id);
  }
  EXPECT_EQ(table.size(), 0u);
  EXPECT_FALSE(is_blocked(table, "10.1.2.3"));
}

TEST(BlockTable, HoldsAllThatItsCapacityPromises) {
  constexpr std::uint32_t kMany = 250'000;
  BlockTable table(kMany, kKey);
  std::mt19937 random(3);
  for (std::uint32_t i = 0; i < kMany; ++i) {
    const auto id = table.insert({IpAddress::v4(i * 2654435761u), 32});
    ASSERT_NE(id, BlockTable::kNone) << i;
    table.set_ends(id, kForAll);
  }
  EXPECT_EQ(table.size(), kMany);
  for (std::uint32_t i = 0; i < kMany; i += 97)
    ASSERT_NE(table.find(IpAddress::v4(i * 2654435761u), TrustClass::Known, kNow), BlockTable::kNone);
}

TEST(BlockTable, TellsTheSameOfWhatStaysWhileAnotherThreadChangesTheRest) {
  BlockTable table(64, kKey);
  block(table, "192.0.2.0/24");
  std::atomic<bool> is_over{false};
  std::atomic<int> seen{0};
  std::thread reader([&] {
    while (!is_over.load()) {
      ASSERT_TRUE(is_blocked(table, "192.0.2.200"));
      ASSERT_FALSE(is_blocked(table, "198.51.100.1"));
      const auto id = table.find(address("192.0.2.9"), TrustClass::Known, kNow);
      ASSERT_NE(id, BlockTable::kNone);
      table.count(id, 1, kNow);
      ++seen;
    }
  });
  for (int round = 0; round < 3000 || seen.load() < 100; ++round) {
    const auto host = block(table, "192.0.2.9"), net = block(table, "203.0.113.0/26");
    table.remove(host);
    table.remove(net);
  }
  is_over = true;
  reader.join();
  EXPECT_EQ(table.size(), 1u);
}

}  // namespace
}  // namespace sallyport::policy
