// costly_prefixes_test.cpp — one number in all the ways in which it is dialled, and those that look like it.
#include "policy/detect/costly_prefixes.h"

#include <gtest/gtest.h>

namespace sallyport::policy {
namespace {

TEST(CostlyPrefixes, KnowsAnInternationalNumberHoweverItsPlusIsDialled) {
  const CostlyPrefixes costly({"+882", "+979"});
  for (const char* const number :
       {"+8821600123456", "008821600123456", "0118821600123456", "00118821600123456", "90118821600123456",
        "9008821600123456", "0008821600123456", "+008821600123456", "+0118821600123456", "8821600123456",
        "+882-16-00123456", "+882.(16)00123456", "%2B8821600123456", "+8821600123456;phone-context=x",
        "+979123456789", "0011979123456789", "+882"})
    EXPECT_TRUE(costly.has(number)) << number;
}

TEST(CostlyPrefixes, TakesNoOtherNumberForOne) {
  const CostlyPrefixes costly({"+882", "+979"});
  for (const char* const number :
       {"+4930882160012", "9795551234", "19795551234", "8825551",
        "08821123456",  // Garmisch
        "0118821234",
        "01188212345",  // Turin, Reading
        "9011882123",   // an Indian mobile
        "9008821234",     "979",        "882",         "alice",   "", "+", "00", "011", "9", "0", "%", "%2",
        "+4988216001234", "112",        "911"})
    EXPECT_FALSE(costly.has(number)) << number;
}

TEST(CostlyPrefixes, LooksForOneWithoutPlusAsItStands) {
  const CostlyPrefixes costly({"0900", "1-900"});
  EXPECT_TRUE(costly.has("0900123456"));
  EXPECT_TRUE(costly.has("0900-123456"));
  EXPECT_TRUE(costly.has("19005551234"));
  EXPECT_FALSE(costly.has("+49900123456"));
  EXPECT_FALSE(costly.has("00900123456"));
}

TEST(CostlyPrefixes, HasNoneWhenThereAreNone) {
  EXPECT_FALSE(CostlyPrefixes().has("+8821600123456"));
  EXPECT_FALSE(CostlyPrefixes({"", "+"}).has("+8821600123456"));
}

TEST(CostlyPrefixes, ReadsNoFurtherThanANumberIsLong) {
  const CostlyPrefixes costly({"+882"});
  EXPECT_TRUE(costly.has("+882" + std::string(100'000, '1')));
  EXPECT_TRUE(costly.has(std::string(100'000, '-') + "+8821600123456"));
  EXPECT_FALSE(costly.has(std::string(100'000, '5') + "+8821600123456"));
}

}  // namespace
}  // namespace sallyport::policy
