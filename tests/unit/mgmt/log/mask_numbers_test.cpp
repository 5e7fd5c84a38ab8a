// mask_numbers_test.cpp — numbers and users disappear, hosts and addresses stay. RFC 3261 §19.1, RFC 3966.
#include "mgmt/log/mask_numbers.h"

#include <gtest/gtest.h>

namespace sallyport::mgmt {
namespace {

TEST(MaskNumber, NoneLeavesItAsItIs) {
  EXPECT_EQ(mask_number("+4930123456", NumberMask::None), "+4930123456");
}

TEST(MaskNumber, Last4HidesTheLastFour) {
  EXPECT_EQ(mask_number("+4930123456", NumberMask::Last4), "+493012****");
  EXPECT_EQ(mask_number("+49-30-12-34", NumberMask::Last4), "+49-30-**-**");
  EXPECT_EQ(mask_number("112", NumberMask::Last4), "***");
  EXPECT_EQ(mask_number("alice.smith", NumberMask::Last4), "alice.s****");
  EXPECT_EQ(mask_number("", NumberMask::Last4), "");
}

TEST(MaskNumber, AllHidesItsLengthToo) {
  EXPECT_EQ(mask_number("112", NumberMask::All), "****");
  EXPECT_EQ(mask_number("+4930123456", NumberMask::All), "****");
}

TEST(MaskText, FindsUsersOfUris) {
  EXPECT_EQ(mask_text("to <sip:+4930123456@198.18.1.2:5060;user=phone>", NumberMask::Last4),
            "to <sip:+493012****@198.18.1.2:5060;user=phone>");
  EXPECT_EQ(mask_text("SIPS:alice@example.com", NumberMask::All), "SIPS:****@example.com");
  EXPECT_EQ(mask_text("tel:+1-555-0100;ext=7", NumberMask::All), "tel:****;ext=7");
  EXPECT_EQ(mask_text("sip:a@b@example.com", NumberMask::All), "sip:****@example.com");
}

TEST(MaskText, FindsBareNumbers) {
  EXPECT_EQ(mask_text("call 4930123456 failed", NumberMask::All), "call **** failed");
  EXPECT_EQ(mask_text("call +4930123456, twice", NumberMask::Last4), "call +493012****, twice");
}

TEST(MaskText, LeavesHostsAddressesAndShortNumbers) {
  for (const char* const text : {"198.18.1.2:5060", "[2001:db8::12]:5060", "sip:example.com",
                                 "after 123456 packets", "id 12345678abcdef", "", "sip:", "tel:"})
    EXPECT_EQ(mask_text(text, NumberMask::All), text);
}

}  // namespace
}  // namespace sallyport::mgmt
