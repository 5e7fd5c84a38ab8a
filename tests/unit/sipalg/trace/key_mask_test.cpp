// key_mask_test.cpp — keys are hidden, all else stays, in body and headers or in the body alone.
#include "sipalg/trace/key_mask.h"

#include <gtest/gtest.h>

#include <string>

namespace sallyport::sip {
namespace {

std::string masked(std::string text) {
  mask_keys(text);
  return text;
}
std::string masked_body(std::string text) {
  mask_keys_of_body(text);
  return text;
}

TEST(KeyMask, HidesKeysWhereverTheyStand) {
  EXPECT_EQ(masked("a=crypto:1 X inline:abc|2^20 KDR=1\r\n"), "a=crypto:1 X inline:***|2^20 KDR=1\r\n");
  EXPECT_EQ(masked("inline:ab;INLINE:cd"), "inline:**;INLINE:**");
  EXPECT_EQ(masked("Inline:"), "Inline:");
  EXPECT_EQ(masked("v=0\nk=clear:secret word\r\nk=prompt\r\na=x:y"),
            "v=0\nk=clear:***********\r\nk=prompt\r\na=x:y");
  EXPECT_EQ(masked("\nk="), "\nk=");
  EXPECT_EQ(masked(""), "");
  EXPECT_EQ(masked("a=rtpmap:0 PCMU/8000\r\nmask=nothing:here"), "a=rtpmap:0 PCMU/8000\r\nmask=nothing:here");
}

TEST(KeyMask, OfTheBodyAlone) {
  EXPECT_EQ(masked_body("A: inline:x\r\n\r\ninline:xyz\r\n"), "A: inline:x\r\n\r\ninline:***\r\n");
  EXPECT_EQ(masked_body("A: b\r\n\r\nk=base64:xyz\r\n"), "A: b\r\n\r\nk=base64:***\r\n");
  EXPECT_EQ(masked_body("A: inline:x\r\n\r\n"), "A: inline:x\r\n\r\n");
  EXPECT_EQ(masked_body("inline:x"), "inline:x");
}

}  // namespace
}  // namespace sallyport::sip
