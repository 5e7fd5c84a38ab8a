// mask_keys_test.cpp — no media key is left in what is captured.
#include "mgmt/capture/mask_keys.h"

#include <gtest/gtest.h>

namespace sallyport::mgmt {
namespace {

std::string masked(std::string text) {
  mask_keys(text);
  return text;
}

// RFC 4568 §9.1
TEST(MaskKeys, HidesEachInlineKeyAndKeepsTheLengthAndWhatFollows) {
  EXPECT_EQ(masked("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVC+/=|2^20|1:4 KDR=1\r\na=x\r\n"),
            "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:*************|2^20|1:4 KDR=1\r\na=x\r\n");
  EXPECT_EQ(masked("inline:abc;inline:def\r\n"), "inline:***;inline:***\r\n");
  EXPECT_EQ(masked("a=crypto:1 X INLINE:secret"), "a=crypto:1 X INLINE:******");
}

// RFC 8866 §5.12
TEST(MaskKeys, HidesTheKeyOfAKeyLine) {
  EXPECT_EQ(masked("v=0\r\nk=base64:c2VjcmV0\r\nk=prompt\r\na=a:b\r\n"),
            "v=0\r\nk=base64:********\r\nk=prompt\r\na=a:b\r\n");
}

TEST(MaskKeys, LeavesAllElseAsItIs) {
  for (const std::string& text :
       {std::string("INVITE sip:a@b SIP/2.0\r\nContent-Disposition: inline\r\n\r\nm=audio 1 RTP/AVP 0\r\n"),
        std::string(), std::string("inline:"), std::string("\nk="), std::string(3, '\0')})
    EXPECT_EQ(masked(text), text);
}

}  // namespace
}  // namespace sallyport::mgmt
