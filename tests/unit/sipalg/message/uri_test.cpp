// uri_test.cpp — URIs and hosts: RFC 3261 §19.1, §25.1; RFC 3966; RFC 5118 §4.
#include "sipalg/message/uri.h"

#include <gtest/gtest.h>

#include <string>

namespace sallyport::sip {
namespace {

bool parses(std::string_view text, Uri& uri, Strictness strictness = Strictness::Normal) {
  Lexer lexer(text);
  return parse_uri(lexer, StrictnessPolicy::of(strictness), uri);
}
bool parses(std::string_view text, Strictness strictness = Strictness::Normal) {
  Uri uri;
  return parses(text, uri, strictness);
}

TEST(Uri, SipUriComesApart) {
  Uri uri;
  ASSERT_TRUE(parses("sips:alice:secret@atlanta.test:5071;transport=tcp;lr?subject=x&a=b", uri));
  EXPECT_EQ(uri.scheme, UriScheme::Sips);
  EXPECT_EQ(uri.user, "alice");
  EXPECT_EQ(uri.password, "secret");
  EXPECT_EQ(uri.address.host, "atlanta.test");
  EXPECT_EQ(uri.address.port, 5071);
  EXPECT_EQ(uri.params, ";transport=tcp;lr");
  EXPECT_EQ(uri.headers, "subject=x&a=b");
  std::string_view value;
  EXPECT_TRUE(find_uri_param(uri.params, "transport", value));
  EXPECT_EQ(value, "tcp");
  EXPECT_TRUE(find_uri_param(uri.params, "lr", value));
  EXPECT_FALSE(find_uri_param(uri.params, "l", value));
}

// RFC 4475 §3.1.1.9
TEST(Uri, UserPartIsAllBeforeTheAt) {
  Uri uri;
  ASSERT_TRUE(parses("sip:user;par=u%40example.net@example.test", uri));
  EXPECT_EQ(uri.user, "user;par=u%40example.net");
  EXPECT_EQ(uri.address.host, "example.test");
}

// RFC 4475 §3.1.1.4, threats P4
TEST(Uri, EscapedNulDoesNotEndTheUserPart) {
  Uri uri;
  ASSERT_TRUE(parses("sip:null-%00-null@example.test", uri));
  EXPECT_EQ(uri.user, "null-%00-null");
}

TEST(Uri, BrokenSipUrisAreRefused) {
  for (const std::string_view text : {"",
                                      "sip",
                                      "sip:",
                                      ":x",
                                      "sip:@host",
                                      "sip:user@",
                                      "sip:user@host:",
                                      "sip:user@host:0",
                                      "sip:user@host:65536",
                                      "sip:user@host:99999999999999999999",
                                      "sip:user@ho st",
                                      "sip:us er@host",
                                      "sip:user@host;",
                                      "sip:user@host;=v",
                                      "sip:user@host;a=",
                                      "sip:user@host?",
                                      "sip:us%4@host",
                                      "sip:user@host;a=%zz",
                                      "sip:a@b@c",
                                      "sip:user@-host",
                                      "sip:user@.host",
                                      "sip:a:b:c@host",
                                      "1sip:x",
                                      "s p:x",
                                      "sip:2001:db8::10",
                                      "sip:[2001:db8::10",
                                      "sip:[10.0.0.1]",
                                      "sip:[2001:db8::10]]",
                                      "sip:[g::1]",
                                      "sip:user@host>"})
    EXPECT_FALSE(parses(text)) << text;
}

TEST(Uri, Ipv6ReferenceLosesItsBrackets) {
  Uri uri;
  ASSERT_TRUE(parses("sip:[2001:db8::10:5070]", uri));  // RFC 5118 §4.3: no port
  EXPECT_EQ(uri.address.host, "2001:db8::10:5070");
  EXPECT_EQ(uri.address.port, 0);
  ASSERT_TRUE(parses("sip:[2001:db8::10]:5070", uri));  // RFC 5118 §4.4
  EXPECT_EQ(uri.address.port, 5070);
  EXPECT_TRUE(uri.address.is_ipv6);
}

// RFC 5118 §4.10
TEST(Uri, ThreeColonsAreToleratedUnlessStrict) {
  EXPECT_TRUE(parses("sip:u@[2001:db8:::192.0.2.1]"));
  EXPECT_FALSE(parses("sip:u@[2001:db8:::192.0.2.1]", Strictness::Strict));
  EXPECT_EQ(literal_address("2001:db8:::192.0.2.1"), IpAddress::parse("2001:db8::192.0.2.1"));
}

TEST(Uri, NumericHostMustBeAnIpv4Address) {
  for (const std::string_view good : {"sip:0.0.0.0", "sip:255.255.255.255", "sip:192.0.2.1",
                                      "sip:1.22.133.244", "sip:3com.test", "sip:1a.2b3", "sip:10.0.0.1.test"})
    EXPECT_TRUE(parses(good)) << good;
  for (const std::string_view bad :
       {"sip:256.0.0.1", "sip:1.2.3", "sip:1.2.3.4.5", "sip:1..2.3", "sip:1.2.3.999", "sip:1.2.3.260",
        "sip:1.300.3.4", "sip:0001.2.3.4", "sip:12345678901234567.1", "sip:1.2.3.1111", "sip:5"})
    EXPECT_FALSE(parses(bad)) << bad;
}

TEST(Uri, EveryIpv4OctetIsBoundedInEveryPlace) {
  for (unsigned value = 0; value < 1000; ++value) {
    const std::string octet = std::to_string(value);
    EXPECT_EQ(parses("sip:" + octet + ".1.1.1"), value < 256) << octet;
    EXPECT_EQ(parses("sip:1.1.1." + octet), value < 256) << octet;
  }
}

TEST(Uri, UnderscoreInHostIsRefusedWhenStrict) {
  EXPECT_TRUE(parses("sip:u@my_pbx.test"));
  EXPECT_FALSE(parses("sip:u@my_pbx.test", Strictness::Strict));
}

// RFC 3966 §3
TEST(Uri, TelUriIsKnown) {
  Uri uri;
  ASSERT_TRUE(parses("tel:+1-555-0100;phone-context=example.test", uri));
  EXPECT_EQ(uri.scheme, UriScheme::Tel);
  EXPECT_EQ(uri.user, "+1-555-0100");
  EXPECT_TRUE(parses("tel:(555)0100"));
  EXPECT_TRUE(parses("tel:*21#"));
  EXPECT_FALSE(parses("tel:"));
  EXPECT_FALSE(parses("tel:1 2"));
  EXPECT_FALSE(parses("tel:1%2"));
}

// RFC 4475 §3.3.2 to §3.3.4
TEST(Uri, UnknownSchemeIsOpaqueText) {
  Uri uri;
  ASSERT_TRUE(parses("soap.beep://192.0.2.103:3002", uri));
  EXPECT_EQ(uri.scheme, UriScheme::Other);
  EXPECT_EQ(uri.text, "soap.beep://192.0.2.103:3002");
  EXPECT_FALSE(parses("isbn:"));
  EXPECT_FALSE(parses("isbn:a b"));
  EXPECT_FALSE(parses("a_b:c"));
}

TEST(Uri, SchemeIsComparedWithoutCase) {
  Uri uri;
  ASSERT_TRUE(parses("SIP:u@h.test", uri));
  EXPECT_EQ(uri.scheme, UriScheme::Sip);
}

// Threats P8: the same verdict on each side of the border.
TEST(Uri, LengthHasALimit) {
  const std::string head = "sip:u@h.test;a=";
  EXPECT_TRUE(parses(head + std::string(kUriBytesMax - head.size(), 'x')));
  EXPECT_FALSE(parses(head + std::string(kUriBytesMax - head.size() + 1, 'x')));
}

}  // namespace
}  // namespace sallyport::sip
