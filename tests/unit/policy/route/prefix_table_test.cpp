// prefix_table_test.cpp — the longest prefix wins, against a plain search; repeated lines; hostile numbers.
#include "policy/route/prefix_table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace sallyport::policy {
namespace {

using Lines = std::vector<std::pair<std::string, int>>;  // prefix, peer

PrefixTable table_of(const Lines& lines) {
  PrefixTable::Builder builder;
  std::uint32_t number = 0;
  for (const auto& [prefix, peer] : lines) {
    const auto key = prefix_key(prefix);
    EXPECT_TRUE(key) << prefix;
    builder.add(key.value_or(0), {++number, static_cast<std::uint16_t>(peer), 1});
  }
  std::vector<PrefixTable::Builder::Repeated> repeated;
  return builder.build(repeated);
}

std::string longest(const PrefixTable& table, std::string_view number) {
  const auto match = table.explain(number);
  return match ? match->prefix : "none";
}

TEST(PrefixTable, TheLongestPrefixWins) {
  const PrefixTable table = table_of({{"+49", 0}, {"+4930", 1}, {"+493", 2}, {"+1", 3}, {"0", 4}, {"*#", 5}});
  EXPECT_EQ(longest(table, "+493012345"), "+4930");
  EXPECT_EQ(longest(table, "+4931"), "+493");
  EXPECT_EQ(longest(table, "+4989"), "+49");
  EXPECT_EQ(longest(table, "+49"), "+49");
  EXPECT_EQ(longest(table, "+4"), "none");
  EXPECT_EQ(longest(table, "+15551234"), "+1");
  EXPECT_EQ(longest(table, "030"), "0");
  EXPECT_EQ(longest(table, "*#06#"), "*#");
  EXPECT_EQ(longest(table, "*"), "none");
  ASSERT_EQ(table.find("+4930").size(), 1u);
  EXPECT_EQ(table.find("+4930")[0].peer, 1);
  EXPECT_EQ(table.find("+4930")[0].line, 2u);
}

TEST(PrefixTable, AnEmptyTableKnowsNothing) {
  const PrefixTable table = table_of({});
  EXPECT_EQ(longest(table, "+49"), "none");
  EXPECT_EQ(longest(PrefixTable(), "+49"), "none");
  EXPECT_EQ(table.prefixes(), 0u);
}

TEST(PrefixTable, LinesOfOnePrefixStandTogetherInTheOrderOfTheFile) {
  const PrefixTable table = table_of({{"+49", 7}, {"+1", 0}, {"+49", 3}, {"+49", 5}});
  const auto lines = table.find("+49301");
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0].peer, 7);
  EXPECT_EQ(lines[1].peer, 3);
  EXPECT_EQ(lines[2].peer, 5);
  EXPECT_EQ(table.prefixes(), 2u);
  EXPECT_EQ(table.lines(), 4u);
}

TEST(PrefixTable, APeerNamedAgainForOnePrefixIsReportedAndDoesNotCount) {
  PrefixTable::Builder builder;
  const auto key = prefix_key("+49").value();
  builder.add(key, {3, 0, 10});
  builder.add(key, {5, 1, 20});
  builder.add(key, {9, 0, 30});
  std::vector<PrefixTable::Builder::Repeated> repeated;
  const PrefixTable table = builder.build(repeated);
  ASSERT_EQ(repeated.size(), 1u);
  EXPECT_EQ(repeated[0].line, 9u);
  EXPECT_EQ(repeated[0].first, 3u);
  ASSERT_EQ(table.find("+49").size(), 2u);
  EXPECT_EQ(table.find("+49")[0].weight, 10);
  EXPECT_EQ(builder.size(), 0u);
}

TEST(PrefixTable, OnlySymbolsOfNumbersMakeAPrefix) {
  for (const char* good : {"+", "+49", "0049", "*31#", "#31#", "+123456789012345", "1234567890123456"})
    EXPECT_TRUE(prefix_key(good)) << good;
  for (const char* bad : {"", "+49 30", "49+", "++1", "4a", "+49-30", "12345678901234567", "+4\xff"})
    EXPECT_FALSE(prefix_key(bad)) << bad;
}

TEST(PrefixTable, WhatFollowsTheNumberIsNotLookedAt) {
  const PrefixTable table = table_of({{"+4930", 0}, {"+49301234567890", 1}});
  EXPECT_EQ(longest(table, "+4930;ext=1"), "+4930");
  EXPECT_EQ(longest(table, "+4930abc"), "+4930");
  EXPECT_EQ(longest(table, "+49301234567890123456789"), "+49301234567890");
  EXPECT_EQ(longest(table, "+49+30"), "none");
}

TEST(PrefixTable, HostileNumbersFindNothingAndDoNoHarm) {
  const PrefixTable table = table_of({{"1", 0}});
  std::string octets;
  for (int i = 0; i < 256; ++i) octets += static_cast<char>(i);
  for (const std::string& number : {std::string(), octets, std::string("\0001", 2), std::string(100000, '+'),
                                    std::string("sip:1"), std::string(" 1")})
    EXPECT_EQ(longest(table, number), "none");
  EXPECT_EQ(longest(table, std::string(100000, '1')), "1");
}

TEST(PrefixTable, AgreesWithAPlainSearchOverRandomTables) {
  std::mt19937 random(20261121);
  const auto text = [&random](std::size_t most, std::string_view symbols) {
    std::string out;
    for (std::size_t n = 1 + random() % most; n > 0; --n) out += symbols[random() % symbols.size()];
    return out;
  };
  for (int round = 0; round < 50; ++round) {
    std::map<std::string, int> plain;
    for (int i = 0; i < 200; ++i) plain.emplace(text(i % 2 == 0 ? 4 : 16, "12*#"), i);
    const PrefixTable table = table_of(Lines(plain.begin(), plain.end()));
    ASSERT_EQ(table.prefixes(), plain.size());
    for (int i = 0; i < 500; ++i) {
      const std::string number = text(16, "12*#");
      std::string expected = "none";
      for (std::size_t n = number.size(); n > 0 && expected == "none"; --n)
        if (plain.contains(number.substr(0, n))) expected = number.substr(0, n);
      ASSERT_EQ(longest(table, number), expected) << number;
    }
  }
}

}  // namespace
}  // namespace sallyport::policy
