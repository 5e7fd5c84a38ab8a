// far_address_test.cpp — From, To and Request-URI of the far leg: RFC 3261 §19.1, §25.1, RFC 3323 §4.1, RFC
// 3966 §3, RFC 4694 §4, RFC 5031; threats I12, P4.
#include <gtest/gtest.h>

#include "sipalg/hiding/leg_message.h"

namespace sallyport::sip {
namespace {

constexpr StrictnessPolicy kLenient = StrictnessPolicy::of(Strictness::Lenient);

NameAddr parsed(std::string_view value) {
  NameAddr address;
  Lexer lexer(value);
  EXPECT_TRUE(parse_name_addr(lexer, kLenient, address)) << value;
  return address;
}
// The user as it stands in the original.
std::string uri(std::string_view original) {
  const std::string bracketed = "<" + std::string(original) + ">";
  const NameAddr address = parsed(bracketed);
  return far_uri(address.uri, address.uri.user, "far.test");
}
std::string uri(std::string_view original, std::string_view user) {
  const std::string bracketed = "<" + std::string(original) + ">";
  return far_uri(parsed(bracketed).uri, user, "far.test:5080");
}
std::string address(std::string_view value) {
  const NameAddr original = parsed(value);
  return far_address({&original, original.uri.user, "far.test"});
}

TEST(FarUri, KeepsTheUserAndNothingElse) {
  EXPECT_EQ(uri("sip:alice@10.0.0.1"), "sip:alice@far.test");
  EXPECT_EQ(uri("sips:alice:secret@10.0.0.1:5061;transport=tls;lr;maddr=10.0.0.2;ttl=1;method=BYE;x=y"),
            "sip:alice@far.test");
  EXPECT_EQ(uri("sip:+1555@pbx.test;user=phone;gr=abc"), "sip:+1555@far.test;user=phone");
  EXPECT_EQ(uri("sip:+1555@pbx.test;USER=Phone"), "sip:+1555@far.test;user=phone");
  EXPECT_EQ(uri("sip:+1555@pbx.test;user=ip"), "sip:+1555@far.test");
  EXPECT_EQ(uri("sip:alice@10.0.0.1?Route=%3Csip:evil.test%3E&body=x"), "sip:alice@far.test");
}

TEST(FarUri, WithoutUserIsTheHost) {
  EXPECT_EQ(uri("sip:10.0.0.1"), "sip:far.test");
  EXPECT_EQ(uri("sip:10.0.0.1;user=phone"), "sip:far.test");
  EXPECT_EQ(uri("http://10.0.0.1/secret"), "sip:far.test");
}

TEST(FarUri, TakesTheUserThatTheRulesMade) {
  EXPECT_EQ(uri("sip:00155@pbx.test;user=phone", "+155"), "sip:+155@far.test:5080;user=phone");
  EXPECT_EQ(uri("urn:service:sos", "112"), "sip:112@far.test:5080");
}

// RFC 3261 §19.1.6, RFC 3966 §3
TEST(FarUri, TelBecomesSip) {
  EXPECT_EQ(uri("tel:+1-201-555-0123"), "sip:+1-201-555-0123@far.test;user=phone");
  EXPECT_EQ(uri("tel:7042;phone-context=+1201"), "sip:7042;phone-context=+1201@far.test;user=phone");
  EXPECT_EQ(uri("tel:*31#"), "sip:*31%23@far.test;user=phone");
  EXPECT_EQ(uri("tel:+1555;npdi;rn=+1631;cic=+1-6789;isub=12;ext=34;x=secret"),
            "sip:+1555;npdi;rn=+1631;cic=+16789;isub=12;ext=34@far.test;user=phone");
  // A rule that changes the number leaves what was said of the old one behind.
  EXPECT_EQ(uri("tel:+1555;npdi;rn=+1631", "+1666"), "sip:+1666@far.test:5080;user=phone");
}

// RFC 4694 §4
TEST(FarUri, ParametersInTheUserCrossOnlyWhenTheyBelongToTheNumber) {
  EXPECT_EQ(uri("sip:+1555;npdi;rn=+1631@10.0.0.1;user=phone"),
            "sip:+1555;npdi;rn=+1631@far.test;user=phone");
  EXPECT_EQ(uri("sip:+1555;NPDI;otg=trunk-7;tgrp=a;trunk-context=10.0.0.1@10.0.0.1"),
            "sip:+1555;npdi@far.test");
  // A domain as context names the other side.
  EXPECT_EQ(uri("sip:7042;phone-context=pbx.corp.test@10.0.0.1"), "sip:7042@far.test");
  EXPECT_EQ(uri("sip:7042;ext=secret;npdi=x;cic@10.0.0.1"), "sip:7042@far.test");
  EXPECT_EQ(uri("sip:7042;rn=10.0.0.1@10.0.0.1"), "sip:7042;rn=10001@far.test");
  EXPECT_EQ(uri("sip:;npdi@10.0.0.1"), "sip:far.test");
  EXPECT_EQ(uri("sip:x@10.0.0.1", "7;;=;ext=1;;"), "sip:7;ext=1@far.test:5080");
}

// RFC 3261 §25.1
TEST(FarUri, UserIsEscapedOnceAndNeverUnescaped) {
  EXPECT_EQ(uri("sip:%61lice%40home%00@10.0.0.1"), "sip:%61lice%40home%00@far.test");
  EXPECT_EQ(uri("sip:x@10.0.0.1", "a b@c:d<e>\"f\"%zz%4\r\n\x01\xff"),
            "sip:a%20b%40c%3Ad%3Ce%3E%22f%22%25zz%254%0D%0A%01%FF@far.test:5080");
  EXPECT_EQ(uri("sip:a&=+$,?/-_.!~*'()@10.0.0.1"), "sip:a&=+$,?/-_.!~*'()@far.test");
}

TEST(FarUri, TooLongIsEmpty) {
  EXPECT_EQ(uri("sip:x@10.0.0.1", std::string(4096, 'a')), "");
  EXPECT_EQ(uri("sip:x@10.0.0.1", std::string(kUriBytesMax / 3 + 1, ' ')), "");
}

// RFC 5031 §4.2
TEST(FarUri, ServiceUrnStaysAsItIs) {
  EXPECT_EQ(uri("urn:service:sos"), "urn:service:sos");
  EXPECT_EQ(uri("urn:service:sos.police"), "urn:service:sos.police");
  EXPECT_EQ(uri("URN:Service:sos"), "URN:Service:sos");
  EXPECT_EQ(uri("urn:service:"), "sip:far.test");
  EXPECT_EQ(uri("urn:service:sos@10.0.0.1"), "sip:far.test");
  EXPECT_EQ(uri("urn:uuid:f81d4fae-7dec"), "sip:far.test");
}

TEST(FarAddress, KeepsTheDisplayNameInNewQuotes) {
  EXPECT_EQ(address("<sip:a@10.0.0.1>;tag=x;epid=y"), "<sip:a@far.test>");
  EXPECT_EQ(address("Alice  B. <sip:a@10.0.0.1>"), "\"Alice B.\" <sip:a@far.test>");
  EXPECT_EQ(address("\"Alice\r\n  B\" <sip:a@10.0.0.1>"), "\"Alice B\" <sip:a@far.test>");
  EXPECT_EQ(address("\"a \\\"b\\\" \\\\ \\c\" <sip:a@10.0.0.1>"), "\"a \\\"b\\\" \\\\ c\" <sip:a@far.test>");
  EXPECT_EQ(address("\"\" <sip:a@10.0.0.1>"), "<sip:a@far.test>");
  EXPECT_EQ(address("\xc3\x84rger <sip:a@10.0.0.1>"), "\"\xc3\x84rger\" <sip:a@far.test>");
  EXPECT_EQ(address("sip:a@10.0.0.1;x=y"), "<sip:a@far.test>");
}

// RFC 4475 §3.1.1.2; threats P3
TEST(FarAddress, ControlOctetsInADisplayNameAreLeftOut) {
  using namespace std::literals;
  EXPECT_EQ(address("\"a\\\0b\\\x01\\\x7f\" <sip:a@10.0.0.1>"sv), "\"ab\" <sip:a@far.test>");
  EXPECT_EQ(address("\"\\\0\" <sip:a@10.0.0.1>"sv), "<sip:a@far.test>");
}

TEST(FarAddress, LongDisplayNameDoesNotCross) {
  EXPECT_EQ(address("\"" + std::string(4000, 'a') + "\" <sip:a@10.0.0.1>"), "<sip:a@far.test>");
}

// RFC 3323 §4.1
TEST(FarAddress, AnonymousShowsNothing) {
  const NameAddr original = parsed("\"Alice\" <sip:alice@10.0.0.1>");
  EXPECT_EQ(far_address({&original, "alice", "far.test", true}),
            "\"Anonymous\" <sip:anonymous@anonymous.invalid>");
}

TEST(FarAddress, OfAUriThatIsTooLongIsEmpty) {
  const NameAddr original = parsed("\"Alice\" <sip:alice@10.0.0.1>");
  EXPECT_EQ(far_address({&original, std::string(4096, 'a'), "far.test"}), "");
}

}  // namespace
}  // namespace sallyport::sip
