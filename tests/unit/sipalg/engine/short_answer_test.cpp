// short_answer_test.cpp — the same response with fewer octets: RFC 3261 §7.3.3, §18.3.
#include "sipalg/engine/short_answer.h"

#include <gtest/gtest.h>

#include <string>

#include "sipalg/message/sip_message.h"

namespace sallyport::sip {
namespace {

std::string shortened(std::string text) {
  text.resize(shorten_response(text));
  return text;
}

constexpr std::string_view kChallenge =
    "SIP/2.0 401 Unauthorized\r\nVia: SIP/2.0/UDP 198.18.1.77:5060;branch=z9hG4bKa;rport=5060\r\n"
    "From: \"A: b\" <sip:alice@example.com>;tag=1\r\nTo: <sip:alice@example.com>;tag=12345678\r\n"
    "Call-ID: a:b@x\r\nCSeq: 1 REGISTER\r\n"
    "WWW-Authenticate: Digest realm=\"x\", nonce=\"n\", algorithm=MD5, qop=\"auth\"\r\n"
    "Content-Length: 0\r\n\r\n";

TEST(ShortAnswer, HasCompactNamesAndNoLengthOfNothing) {
  EXPECT_EQ(shortened(std::string(kChallenge)),
            "SIP/2.0 401 Unauthorized\r\nv:SIP/2.0/UDP 198.18.1.77:5060;branch=z9hG4bKa;rport=5060\r\n"
            "f:\"A: b\" <sip:alice@example.com>;tag=1\r\nt:<sip:alice@example.com>;tag=12345678\r\n"
            "i:a:b@x\r\nCSeq: 1 REGISTER\r\n"
            "WWW-Authenticate: Digest realm=\"x\", nonce=\"n\", algorithm=MD5, qop=\"auth\"\r\n\r\n");
}

TEST(ShortAnswer, SaysTheSame) {
  const std::string text = shortened(std::string(kChallenge));
  SipMessage before, after;
  ASSERT_EQ(parse_message(kChallenge, {}, before), ParseStatus::Complete);
  ASSERT_EQ(parse_message(text, {}, after), ParseStatus::Complete);
  EXPECT_EQ(after.start.status_code, 401);
  EXPECT_EQ(after.call_id, before.call_id);
  EXPECT_EQ(after.from.tag, before.from.tag);
  EXPECT_EQ(after.to.tag, before.to.tag);
  EXPECT_EQ(after.top_via.branch, before.top_via.branch);
  EXPECT_TRUE(after.has(HeaderName::WwwAuthenticate));
}

TEST(ShortAnswer, WhatIsShortAlreadyStays) {
  const std::string once = shortened(std::string(kChallenge));
  EXPECT_EQ(shortened(once), once);
  EXPECT_EQ(shortened("SIP/2.0 401 Unauthorized\r\n\r\n"), "SIP/2.0 401 Unauthorized\r\n\r\n");
  EXPECT_EQ(shortened(""), "");
}

}  // namespace
}  // namespace sallyport::sip
