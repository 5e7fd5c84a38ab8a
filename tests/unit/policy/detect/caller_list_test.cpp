// caller_list_test.cpp — numbers of callers: whole ones, beginnings, and how they are written.
#include "policy/detect/caller_list.h"

#include <gtest/gtest.h>

namespace sallyport::policy {
namespace {

TEST(CallerList, AWholeNumberIsThatNumberAlone) {
  const CallerList list({"+4930123456", "1001"});
  EXPECT_EQ(list.size(), 2u);
  for (const char* const number : {"+4930123456", "+49-30-123456", "%2B4930123456", "004930123456",
                                   "9004930123456", "+4930123456;phone-context=x", "1001"})
    EXPECT_TRUE(list.has(number)) << number;
  for (const char* const number :
       {"+49301234567", "+493012345", "30123456", "10010", "100", "+1001", "alice", "", "anonymous"})
    EXPECT_FALSE(list.has(number)) << number;
}

TEST(CallerList, AStarAtTheEndStandsForWhateverFollows) {
  const CallerList list({"+49900*", "555*"});
  for (const char* const number : {"+499001234567", "00499001234567", "+49900", "5551", "555"})
    EXPECT_TRUE(list.has(number)) << number;
  for (const char* const number : {"+4990", "+4989900", "55", "5655", "+5551234"})
    EXPECT_FALSE(list.has(number)) << number;
}

TEST(CallerList, WhatWouldBeEverybodyIsNobody) {
  for (const char* const all : {"*", "+*", "+", ""}) {
    const CallerList list({all});
    EXPECT_TRUE(list.empty()) << all;
    EXPECT_FALSE(list.has("+4930123456")) << all;
  }
  EXPECT_FALSE(CallerList().has("+4930123456"));
}

TEST(CallerList, AMillionNumbersAreFoundEach) {
  std::vector<std::string> numbers;
  for (unsigned i = 0; i < 1'000'000; ++i) numbers.push_back("+4930" + std::to_string(10'000'000 + 3 * i));
  numbers.push_back("+4930*9");  // a star elsewhere is a key of the telephone
  const CallerList list(numbers);
  for (unsigned i = 0; i < 1'000'000; i += 997) {
    EXPECT_TRUE(list.has(numbers[i])) << numbers[i];
    EXPECT_FALSE(list.has("+4930" + std::to_string(10'000'001 + 3 * i)));
  }
}

TEST(CallerList, HostileTextIsNobody) {
  const CallerList list({"+49900*"});
  EXPECT_FALSE(list.has(std::string(100'000, '4')));
  EXPECT_FALSE(list.has(std::string_view("\0+49900", 7)));
  EXPECT_FALSE(list.has("%%%%%"));
}

}  // namespace
}  // namespace sallyport::policy
