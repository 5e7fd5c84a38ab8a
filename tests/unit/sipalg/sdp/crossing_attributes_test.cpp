// crossing_attributes_test.cpp — which attributes cross: the table, and what it keeps back.
#include "sipalg/sdp/crossing_attributes.h"

#include <gtest/gtest.h>

namespace sallyport::sip {
namespace {

TEST(CrossingAttributes, WhatNamesAddressesKeysOrMakersStaysBehind) {
  for (const std::string_view name : {"candidate",
                                      "remote-candidates",
                                      "ice-ufrag",
                                      "ice-pwd",
                                      "ice-options",
                                      "ice-lite",
                                      "end-of-candidates",
                                      "crypto",
                                      "fingerprint",
                                      "setup",
                                      "connection",
                                      "tls-id",
                                      "key-mgmt",
                                      "group",
                                      "mid",
                                      "bundle-only",
                                      "msid",
                                      "msid-semantic",
                                      "ssrc",
                                      "ssrc-group",
                                      "rid",
                                      "simulcast",
                                      "rtcp",
                                      "rtcp-mux",
                                      "rtcp-xr",
                                      "source-filter",
                                      "tool",
                                      "identity",
                                      "label",
                                      "cdsc",
                                      "cpar",
                                      "sqn",
                                      "acap",
                                      "pcfg",
                                      "curr",
                                      "des",
                                      "T38VendorInfo",
                                      "X-nat",
                                      "gpmd",
                                      "sendrecv",
                                      "inactive",
                                      "",
                                      "unknown"})
    EXPECT_EQ(form_of_attribute(name), AttributeForm::Never) << name;
}

TEST(CrossingAttributes, WhatDescribesCodecsAndFaxCrosses) {
  EXPECT_EQ(form_of_attribute("rtpmap"), AttributeForm::FormatMap);
  EXPECT_EQ(form_of_attribute("fmtp"), AttributeForm::FormatText);
  EXPECT_EQ(form_of_attribute("PTIME"), AttributeForm::Number);
  EXPECT_EQ(form_of_attribute("T38FaxUdpEC"), AttributeForm::Flag);
  EXPECT_TRUE(may_cross(AttributeForm::Number, "29.97"));
  EXPECT_TRUE(may_cross(AttributeForm::Flag, "transferredTCF"));
  EXPECT_TRUE(may_cross(AttributeForm::Flag, ""));
  EXPECT_TRUE(may_cross(AttributeForm::Tokens, "off - - - -"));
  EXPECT_TRUE(may_cross(AttributeForm::FormatText, "profile-level-id=42e01f;packetization-mode=1"));
}

TEST(CrossingAttributes, ValuesOfAnotherFormStayBehind) {
  EXPECT_FALSE(may_cross(AttributeForm::Number, ""));
  EXPECT_FALSE(may_cross(AttributeForm::Number, "20 ms"));
  EXPECT_FALSE(may_cross(AttributeForm::Number, "10.1.2.3"));
  EXPECT_FALSE(may_cross(AttributeForm::Tokens, "a@b"));
  EXPECT_FALSE(may_cross(AttributeForm::Flag, "10.1.2.3"));
  EXPECT_FALSE(may_cross(AttributeForm::FormatText, "x=10.1.2.3"));
  EXPECT_FALSE(may_cross(AttributeForm::FormatText, ""));
  EXPECT_FALSE(may_cross(AttributeForm::Never, "x"));
}

TEST(CrossingAttributes, OnlyRegisteredExtensionsOfThePacketCross) {
  constexpr auto kForm = AttributeForm::Extension;
  EXPECT_TRUE(may_cross(kForm, "1 urn:ietf:params:rtp-hdrext:ssrc-audio-level vad=on"));
  EXPECT_TRUE(may_cross(kForm, "2/sendonly urn:ietf:params:rtp-hdrext:toffset"));
  EXPECT_FALSE(may_cross(kForm, "3 urn:ietf:params:rtp-hdrext:sdes:mid"));
  EXPECT_FALSE(may_cross(kForm, "4 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"));
  EXPECT_FALSE(may_cross(kForm, "99999 urn:ietf:params:rtp-hdrext:toffset"));
  EXPECT_FALSE(may_cross(kForm, "x urn:ietf:params:rtp-hdrext:toffset"));
  EXPECT_FALSE(may_cross(kForm, ""));
}

TEST(CrossingAttributes, AddressesAreFoundAnywhereInAText) {
  for (const std::string_view text :
       {"10.1.2.3", "x=10.1.2.3;y", "a 192.0.2.1", "2001:db8::1", "::1", "fe80:1:2:3"})
    EXPECT_TRUE(holds_address(text)) << text;
  for (const std::string_view text : {"0-15", "mode-set=0,2,4,7", "29.97", "1.2.3", "apt=96", "config=1;x:y",
                                      "sprop-parameter-sets=Z0IAKeNQFAe2AtwEBAaQeJEV,aM48gA=="})
    EXPECT_FALSE(holds_address(text)) << text;
}

}  // namespace
}  // namespace sallyport::sip
