// via_header_test.cpp — Via: RFC 3261 §20.42; RFC 3581; RFC 5118 §4.5.
#include "sipalg/message/via_header.h"

#include <gtest/gtest.h>

#include <string>

namespace sallyport::sip {
namespace {

constexpr StrictnessPolicy kNormal = StrictnessPolicy::of(Strictness::Normal);

bool parses(std::string_view text, ViaHeader& via) {
  Lexer lexer(text);
  return parse_via_parm(lexer, kNormal, via) && lexer.done();
}

TEST(ViaHeader, ComesApart) {
  ViaHeader via;
  ASSERT_TRUE(parses("SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK77;rport;x=\"a;b\"", via));
  EXPECT_EQ(via.transport, "UDP");
  EXPECT_EQ(via.sent_by.host, "192.0.2.1");
  EXPECT_EQ(via.sent_by.port, 5070);
  EXPECT_EQ(via.branch, "z9hG4bK77");
  EXPECT_TRUE(via.rport_requested);
  EXPECT_EQ(via.params, ";branch=z9hG4bK77;rport;x=\"a;b\"");
}

// RFC 4475 §3.1.1.1
TEST(ViaHeader, SpaceAndFoldingAreAllowedAroundSeparators) {
  ViaHeader via;
  ASSERT_TRUE(parses("SIP  /   2.0\r\n /UDP\r\n    192.0.2.2 : 5060 ; branch\r\n = 390skdjuw", via));
  EXPECT_EQ(via.protocol_version, "2.0");
  EXPECT_EQ(via.sent_by.port, 5060);
  EXPECT_EQ(via.branch, "390skdjuw");
}

TEST(ViaHeader, ListIsReadOneAtATime) {
  Lexer lexer("SIP/2.0/UDP a.test;branch=1 , SIP/2.0/TCP b.test");
  ViaHeader via;
  ASSERT_TRUE(parse_via_parm(lexer, kNormal, via));
  EXPECT_FALSE(lexer.done());
  ASSERT_TRUE(parse_via_parm(lexer, kNormal, via));
  EXPECT_EQ(via.sent_by.host, "b.test");
  EXPECT_TRUE(via.branch.empty());
  EXPECT_TRUE(lexer.done());
}

TEST(ViaHeader, CommaPromisesAnother) {
  ViaHeader via;
  EXPECT_FALSE(parses("SIP/2.0/UDP a.test,", via));
}

// RFC 5118 §4.5
TEST(ViaHeader, ReceivedIsReadWithAndWithoutBrackets) {
  ViaHeader via;
  EXPECT_TRUE(parses("SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255]", via));
  EXPECT_TRUE(parses("SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255;branch=z9hG4bKas3", via));
  EXPECT_EQ(via.branch, "z9hG4bKas3");
  EXPECT_FALSE(parses("SIP/2.0/UDP a.test;received=nonsense", via));
}

// RFC 3581 §3
TEST(ViaHeader, RportWithValueIsNoRequestForIt) {
  ViaHeader via;
  ASSERT_TRUE(parses("SIP/2.0/UDP a.test;rport=5062", via));
  EXPECT_FALSE(via.rport_requested);
  EXPECT_FALSE(parses("SIP/2.0/UDP a.test;rport=65536", via));
}

// RFC 4475 §3.1.2.1: enough for an answer though the parameters are broken.
TEST(ViaHeader, BrokenParametersLeaveItAnswerable) {
  ViaHeader via;
  EXPECT_FALSE(parses("SIP/2.0/UDP 192.0.2.15;;,;,,", via));
  EXPECT_TRUE(via.answerable);
  EXPECT_EQ(via.sent_by.host, "192.0.2.15");
}

// Threats P6
TEST(ViaHeader, BrokenSyntaxIsRefused) {
  ViaHeader via;
  for (const std::string_view text :
       {"", "SIP/2.0", "SIP/2.0/UDP", "SIP/2.0/UDP ", "SIP/2.0/UDPa.test", "SIP/2.0/ a.test",
        "/2.0/UDP a.test", "SIP//UDP a.test", "SIP/2.0/UDP a.test:", "SIP/2.0/UDP a.test:0",
        "SIP/2.0/UDP a.test:70000", "SIP/2.0/UDP 300.1.1.1", "SIP/2.0/UDP a.test b", "SIP/2.0/UDP [::1",
        "SIP/2.0/UDP a.test;ttl=256", "SIP/2.0/UDP a.test;branch", "SIP/2.0/UDP a.test;branch=\"q\"",
        "SIP/2.0/UDP a.test;branch=a;branch=b"})
    EXPECT_FALSE(parses(text, via)) << text;
}

// Threats P8
TEST(ViaHeader, BranchHasALimit) {
  ViaHeader via;
  EXPECT_TRUE(parses("SIP/2.0/UDP a.test;branch=" + std::string(kBranchBytesMax, 'b'), via));
  EXPECT_FALSE(parses("SIP/2.0/UDP a.test;branch=" + std::string(kBranchBytesMax + 1, 'b'), via));
}

}  // namespace
}  // namespace sallyport::sip
