// aor_test.cpp — addresses of record and comparison of Contacts: RFC 3261 §10.3 steps 5 and 7, §19.1.4.
#include "sipalg/registrar/aor.h"

#include <gtest/gtest.h>

#include "sipalg/engine/sip_engine.h"
#include "sipalg/registrar/contact_uri.h"
#include "tests/support/message_builder.h"

namespace sallyport::sip {
namespace {

constexpr HashKey kKey{1, 2};

std::string aor(std::string_view text) {
  Lexer lexer(text);
  Uri uri;
  EXPECT_TRUE(parse_uri(lexer, StrictnessPolicy::of(Strictness::Normal), uri)) << text;
  return aor_of(uri);
}

TEST(Aor, IsUserAndDomainWithoutAllElse) {
  EXPECT_EQ(aor("sip:alice@Example.COM:5070;transport=tcp;user=phone"), "alice@example.com");
  EXPECT_EQ(aor("sips:alice@example.com."), "alice@example.com");
  EXPECT_EQ(aor("sip:%61lice@example.com"), "alice@example.com");
  EXPECT_EQ(aor("sip:Alice@example.com"), "Alice@example.com") << "users differ by case";
  EXPECT_EQ(aor("sip:+1-555-0100@example.com"), "+15550100@example.com");
  EXPECT_EQ(aor("sip:alice@[2001:DB8::1]:5060"), "alice@2001:db8::1");
  EXPECT_EQ(aor("sip:alice:secret@example.com"), "alice@example.com");
}

TEST(Aor, IsNothingWithoutAUserAtAHost) {
  EXPECT_EQ(aor("sip:example.com"), "");
  EXPECT_EQ(aor("tel:+15550100"), "");
  EXPECT_EQ(aor("sip:" + std::string(kAorBytesMax, 'a') + "@example.com"), "");
}

TEST(Aor, KeepsEscapesThatWouldMakeItAmbiguous) {
  const std::string at = aor("sip:a%40b@example.com");
  EXPECT_EQ(user_of(at), "a%40b");
  EXPECT_EQ(domain_of(at), "example.com");
  EXPECT_EQ(aor("sip:a%00b@example.com"), "a%00b@example.com");
}

TEST(Aor, BecomesAUriAgain) {
  EXPECT_EQ(uri_of_aor("alice@example.com"), "sip:alice@example.com");
  EXPECT_EQ(uri_of_aor("alice@2001:db8::1"), "sip:alice@[2001:db8::1]");
}

TEST(Aor, DecidesTheShardOfARegister) {
  tests::MessageBuilder one("REGISTER"), other("REGISTER");
  one.to("\"Alice\" <sip:alice@example.com>").call_id("one");
  other.to("<sip:%61lice@EXAMPLE.com;user=phone>;x=y").call_id("other");
  const std::uint8_t shard = shard_of_aor(kKey, "alice@example.com");
  EXPECT_EQ(shard_of_datagram(kKey, one.build()), shard);
  EXPECT_EQ(shard_of_datagram(kKey, other.build()), shard);
  EXPECT_EQ(shard_of_datagram(kKey, "REGISTER sip:x SIP/2.0\r\nt:sip:alice@example.com\r\n\r\n"), shard);
  EXPECT_EQ(shard_of_datagram(kKey, "REGISTER sip:x SIP/2.0\r\nTO :\r\n <sip:alice@example.com>\r\n\r\n"),
            shard);
}

TEST(Aor, LeavesARegisterThatNamesNobodyToItsCallId) {
  const std::string bytes = tests::MessageBuilder("REGISTER").to("<nobody>").call_id("abc").build();
  EXPECT_EQ(shard_of_datagram(kKey, bytes), shard_of_call_id(kKey, "abc"));
  const std::string options =
      tests::MessageBuilder("OPTIONS").to("<sip:alice@example.com>").call_id("abc").build();
  EXPECT_EQ(shard_of_datagram(kKey, options), shard_of_call_id(kKey, "abc"));
}

// RFC 3261 §19.1.4: its own examples
TEST(ContactUri, IsTheSameByTheRulesOfSip) {
  EXPECT_TRUE(is_same_uri("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"));
  EXPECT_TRUE(is_same_uri("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"));
  EXPECT_TRUE(is_same_uri("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"));
  EXPECT_FALSE(is_same_uri("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"));
  EXPECT_FALSE(is_same_uri("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"));
  EXPECT_FALSE(is_same_uri("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"));
  EXPECT_FALSE(is_same_uri("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"));
  EXPECT_FALSE(is_same_uri("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"));
  EXPECT_FALSE(is_same_uri("sip:alice@atlanta.com", "sips:alice@atlanta.com"));
  EXPECT_FALSE(is_same_uri("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"));
  EXPECT_FALSE(is_same_uri("no uri", "sip:bob@192.0.2.4"));
  EXPECT_TRUE(is_same_uri("no uri", "no uri"));
}

}  // namespace
}  // namespace sallyport::sip
