// dialled_test.cpp — spellings of one number, RFC 3261 §19.1.4, RFC 3966 §3, §5.1.1.
#include "policy/route/dialled.h"

#include <gtest/gtest.h>

namespace sallyport::policy {
namespace {

// RFC 3261 §19.1.4
TEST(Dialled, NeedlessEscapesAreTakenAway) {
  EXPECT_EQ(unescaped_user("%2B1%355"), "+155");
  EXPECT_EQ(unescaped_user("j%6fe"), "joe");
  EXPECT_EQ(unescaped_user("plain"), "plain");
}

TEST(Dialled, EscapesOfWhatMayNotStandInAUserPartStay) {
  for (const char* kept :
       {"a%40b", "a%3cb", "a%00b", "a%20b", "a%0d%0ab", "a%3bb", "a%25b", "a%ffb", "a%", "a%4", "%zz"})
    EXPECT_EQ(unescaped_user(kept), kept);
}

// RFC 3966 §5.1.1: only of global numbers it is known that separators mean nothing.
TEST(Dialled, AGlobalNumberLosesItsVisualSeparators) {
  EXPECT_EQ(unescaped_user("+1-(555).01-00"), "+15550100");
  EXPECT_EQ(unescaped_user("%2B8%2d8.2;phone-context=a-b.c"), "+882;phone-context=a-b.c");
  for (const char* kept : {"12-34", "ann.lee", "+1-ann", "1.2", "-+1"}) EXPECT_EQ(unescaped_user(kept), kept);
}

TEST(Dialled, UnescapingTwiceChangesNothingMore) {
  const std::string once = unescaped_user("%2531%2B%2525");
  EXPECT_EQ(once, "%2531+%2525");
  EXPECT_EQ(unescaped_user(once), once);
  for (const char* stray : {"%%312", "%4%30"}) EXPECT_EQ(unescaped_user(stray), stray);
}

// RFC 3261 §25.1: a number that a rule made must not end the user part or the URI.
TEST(Dialled, WhatMayNotStandInAUserPartIsEscaped) {
  EXPECT_EQ(escaped_user("1@evil.example>"), "1%40evil.example%3E");
  EXPECT_EQ(escaped_user("#31#+1"), "%2331%23+1");
  EXPECT_EQ(escaped_user("a b:c\"\\"), "a%20b%3Ac%22%5C");
  EXPECT_EQ(escaped_user(std::string_view("a\0\xff", 3)), "a%00%FF");
  EXPECT_EQ(escaped_user("100%41;isub=1/2?x"), "100%41;isub=1/2?x");
  EXPECT_EQ(escaped_user("100%"), "100%25");
}

// RFC 3966 §3, §5.1.1
TEST(Dialled, VisualSeparatorsEscapesAndParametersDoNotCount) {
  EXPECT_TRUE(is_same_number("112", "112"));
  EXPECT_TRUE(is_same_number("112", "1-1.(2)"));
  EXPECT_TRUE(is_same_number("112", "%31%312"));
  EXPECT_TRUE(is_same_number("112", "112;phone-context=+49"));
  EXPECT_TRUE(is_same_number("*31#", "*31%23"));
}

TEST(Dialled, OtherNumbersAreOthers) {
  EXPECT_FALSE(is_same_number("112", "+112"));
  EXPECT_FALSE(is_same_number("112", "1123"));
  EXPECT_FALSE(is_same_number("112", "11"));
  EXPECT_FALSE(is_same_number("112", ""));
  EXPECT_FALSE(is_same_number("112", std::string_view("112\0", 4)));
  EXPECT_FALSE(is_same_number("112", "112%00"));
  EXPECT_FALSE(is_same_number("112", "112%3b"));
  EXPECT_FALSE(is_same_number("112", "\xb9\xb9\xb2"));
}

}  // namespace
}  // namespace sallyport::policy
