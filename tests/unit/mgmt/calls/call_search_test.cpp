// call_search_test.cpp — an operator types a number as he knows it, or whatever he has of a call.
#include "mgmt/calls/call_search.h"

#include <gtest/gtest.h>

#include "tests/unit/mgmt/calls/fake_engines.h"

namespace sallyport::mgmt {
namespace {

bool finds(std::string_view text) {
  return CallSearch(text).matches(answered_call(0x6740'8c3e'0000'0001).record);
}

TEST(CallSearch, FindsANumberHoweverItIsWritten) {
  for (const char* const number :
       {"+4930111", "4930111", "+49 30 111", "+49 (30) 111", "49-30/111", "30.111", "0200"})
    EXPECT_TRUE(finds(number)) << number;
  for (const char* const other : {"+4930112", "0300", "+49 30 111 1"}) EXPECT_FALSE(finds(other)) << other;
}

TEST(CallSearch, FindsEachThingThatNamesACall) {
  for (const char* const text : {"67408c3e-00000001", "CARRIER", "pbx", "inbound", "abc@198.18.1.2",
                                 "198.18.2.2:5060", "198.18.2.2", "sip:200@", "  carrier  "})
    EXPECT_TRUE(finds(text)) << text;
  for (const char* const other : {"nobody", "198.18.2.3", "outbound"}) EXPECT_FALSE(finds(other)) << other;
}

TEST(CallSearch, NothingIsInEveryCallAndSeparatorsAloneAreText) {
  for (const char* const nothing : {"", " ", "\t"}) EXPECT_TRUE(finds(nothing));
  EXPECT_TRUE(finds("-")) << "the id has one";
  EXPECT_FALSE(finds("()"));
}

TEST(CallSearch, FindsIpv6AndTakesHostileTextAsText) {
  CallRecord record = answered_call(1).record;
  record.legs[0].remote = *parse_endpoint("[fd18:1::2]:5060", 0);
  record.from = "sip:\xff\xfe.*[\\]@x";
  EXPECT_TRUE(CallSearch("FD18:1::2").matches(record));
  EXPECT_TRUE(CallSearch("[fd18:1::2]:5060").matches(record));
  EXPECT_TRUE(CallSearch(".*[\\]").matches(record));
  EXPECT_FALSE(CallSearch(".+x").matches(record)) << "no pattern";
}

}  // namespace
}  // namespace sallyport::mgmt
