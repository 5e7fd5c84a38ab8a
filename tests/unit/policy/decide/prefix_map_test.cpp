// prefix_map_test.cpp — flattened prefixes give what a search through all of them would give.
#include "policy/decide/prefix_map.h"

#include <gtest/gtest.h>

#include <random>

namespace sallyport::policy {
namespace {

using Map = PrefixMap<int>;

IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }
Map::Entry entry(std::string_view text, int value) { return {parse_prefix(text).value(), value}; }
int inner_wins(int, int inner) { return inner; }

TEST(PrefixMap, GivesTheOutsideValueWhenItIsEmpty) {
  const Map map({}, -1, inner_wins);
  EXPECT_EQ(map.find(ip("0.0.0.0")), -1);
  EXPECT_EQ(map.find(ip("255.255.255.255")), -1);
  EXPECT_EQ(map.find(ip("::")), -1);
  EXPECT_EQ(map.find(ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")), -1);
}

TEST(PrefixMap, LetsTheLongestPrefixWin) {
  const Map map({entry("10.0.0.0/8", 1), entry("10.1.0.0/16", 2), entry("10.1.1.1", 3)}, 0, inner_wins);
  EXPECT_EQ(map.find(ip("9.255.255.255")), 0);
  EXPECT_EQ(map.find(ip("10.0.0.0")), 1);
  EXPECT_EQ(map.find(ip("10.1.0.0")), 2);
  EXPECT_EQ(map.find(ip("10.1.1.0")), 2);
  EXPECT_EQ(map.find(ip("10.1.1.1")), 3);
  EXPECT_EQ(map.find(ip("10.1.1.2")), 2);
  EXPECT_EQ(map.find(ip("10.2.0.0")), 1);
  EXPECT_EQ(map.find(ip("11.0.0.0")), 0);
}

TEST(PrefixMap, KeepsIpv4AndIpv6Apart) {
  const Map map({entry("::/0", 6), entry("0.0.0.0/0", 4)}, 0, inner_wins);
  EXPECT_EQ(map.find(ip("198.18.1.1")), 4);
  EXPECT_EQ(map.find(ip("::ffff:198.18.1.1")), 4);
  EXPECT_EQ(map.find(ip("fd18::1")), 6);
  const Map only6({entry("::/0", 6)}, 0, inner_wins);
  EXPECT_EQ(only6.find(ip("198.18.1.1")), 0);
}

TEST(PrefixMap, LetsTheEarlierOfTwoEqualPrefixesWin) {
  const Map map({entry("10.0.0.0/8", 1), entry("10.0.0.0/8", 2), entry("10.9.9.9/8", 3)}, 0, inner_wins);
  EXPECT_EQ(map.find(ip("10.0.0.1")), 1);
}

TEST(PrefixMap, HoldsTheLastAddressOfAll) {
  const Map map(
      {entry("255.255.255.255", 1), entry("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 2), entry("::", 3)}, 0,
      inner_wins);
  EXPECT_EQ(map.find(ip("255.255.255.255")), 1);
  EXPECT_EQ(map.find(ip("255.255.255.254")), 0);
  EXPECT_EQ(map.find(ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")), 2);
  EXPECT_EQ(map.find(ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe")), 0);
  EXPECT_EQ(map.find(ip("::")), 3);
  EXPECT_EQ(map.find(ip("::1")), 0);
}

TEST(PrefixMap, AgreesWithASearchThroughAllPrefixes) {
  std::mt19937 random(42);
  for (int round = 0; round < 50; ++round) {
    std::vector<Map::Entry> entries;
    for (int i = 0; i < 40; ++i) {
      const bool is_v4 = random() % 2 == 0;
      const IpAddress address = is_v4 ? IpAddress::v4(0x0a000000u | (random() & 0x3f))
                                      : ip("fd18::" + std::to_string(random() % 64));
      entries.push_back(
          {{address, static_cast<std::uint8_t>(is_v4 ? 24 + random() % 9 : 120 + random() % 9)}, i});
    }
    const Map map(entries, 1000, [](int outer, int inner) { return std::min(outer, inner); });
    for (std::uint32_t low = 0; low < 300; ++low)
      for (const IpAddress& address :
           {IpAddress::v4(0x0a000000u + low), ip("fd18::" + std::to_string(low))}) {
        int expected = 1000;
        for (const auto& [prefix, value] : entries)
          if (prefix.contains(address)) expected = std::min(expected, value);
        ASSERT_EQ(map.find(address), expected) << to_string(address);
      }
  }
}

}  // namespace
}  // namespace sallyport::policy
