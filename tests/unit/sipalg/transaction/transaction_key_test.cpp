// transaction_key_test.cpp — by what requests are found again: RFC 3261 §17.2.3, §8.2.2.2, §9.1; threats D2,
// D7.
#include "sipalg/transaction/transaction_key.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/message_builder.h"

namespace sallyport::sip {
namespace {

using tests::MessageBuilder;

TransactionKey key_of(const std::string& bytes, RealmIndex realm = RealmIndex{0},
                      std::string_view source = "198.18.1.2", HashKey secret = {1, 2}) {
  SipMessage message;
  EXPECT_EQ(parse_message(bytes, {}, message), ParseStatus::Complete);
  return server_transaction_key(secret, message, realm, *IpAddress::parse(source));
}

// RFC 3261 §17.2.3
TEST(TransactionKey, BranchSentByAndMethodMakeIt) {
  const auto base = key_of(MessageBuilder("OPTIONS").build());
  EXPECT_EQ(base, key_of(MessageBuilder("OPTIONS").call_id("other").cseq("7 OPTIONS").build()));
  EXPECT_NE(base, key_of(MessageBuilder("INFO").build()));
  EXPECT_NE(
      base,
      key_of(MessageBuilder("OPTIONS").via("SIP/2.0/UDP 198.18.1.2:5060;branch=z9hG4bKbuilder2").build()));
  EXPECT_NE(
      base,
      key_of(MessageBuilder("OPTIONS").via("SIP/2.0/UDP 198.18.1.2:5061;branch=z9hG4bKbuilder1").build()));
  EXPECT_NE(
      base,
      key_of(MessageBuilder("OPTIONS").via("SIP/2.0/UDP 198.18.1.3:5060;branch=z9hG4bKbuilder1").build()));
}

TEST(TransactionKey, SentByIsComparedWithoutCase) {
  EXPECT_EQ(key_of(MessageBuilder("OPTIONS").via("SIP/2.0/UDP PBX.test;branch=z9hG4bK1").build()),
            key_of(MessageBuilder("OPTIONS").via("SIP/2.0/UDP pbx.TEST;branch=z9hG4bK1").build()));
}

TEST(TransactionKey, AckBelongsToItsInvite) {
  EXPECT_EQ(key_of(MessageBuilder("INVITE").build()), key_of(MessageBuilder("ACK").build()));
  EXPECT_NE(key_of(MessageBuilder("INVITE").build()), key_of(MessageBuilder("CANCEL").build()));
}

TEST(TransactionKey, AnotherSourceRealmOrSecretIsAnotherKey) {
  const std::string bytes = MessageBuilder("OPTIONS").build();
  EXPECT_NE(key_of(bytes), key_of(bytes, RealmIndex{1}));
  EXPECT_NE(key_of(bytes), key_of(bytes, RealmIndex{0}, "198.18.1.3"));
  EXPECT_NE(key_of(bytes), key_of(bytes, RealmIndex{0}, "198.18.1.2", {1, 3}));
}

// RFC 4475 §3.2.1: two such never collide.
TEST(TransactionKey, BareCookieIsMatchedAsRfc2543Did) {
  for (const std::string_view via :
       {"SIP/2.0/UDP a.test;branch=z9hG4bK", "SIP/2.0/UDP a.test", "SIP/2.0/UDP a.test;branch=old"}) {
    const auto make = [via] { return MessageBuilder("OPTIONS").via(via); };
    const auto base = key_of(make().build());
    EXPECT_EQ(base, key_of(make().build()));
    EXPECT_NE(base, key_of(make().call_id("other").build()));
    EXPECT_NE(base, key_of(make().cseq("2 OPTIONS").build()));
    EXPECT_NE(base, key_of(make().from("<sip:a@b.test>;tag=other").build()));
    EXPECT_NE(base, key_of(make().uri("sip:other@b.test").build()));
  }
}

constexpr HashKey kSecret{1, 2};

SipMessage parsed(const std::string& bytes) {
  SipMessage message;
  EXPECT_EQ(parse_message(bytes, {}, message), ParseStatus::Complete);
  return message;
}

// RFC 3261 §9.2, §17.2.3
TEST(TransactionKey, AckAndCancelLeadToTheirInvite) {
  const IpAddress source = *IpAddress::parse("198.18.1.2");
  const auto invite = key_of(MessageBuilder("INVITE").build());
  const std::string ack = MessageBuilder("ACK").build();
  const std::string cancel = MessageBuilder("CANCEL").build();
  EXPECT_EQ(invite, invite_transaction_key(kSecret, parsed(ack), RealmIndex{0}, source));
  EXPECT_EQ(invite, invite_transaction_key(kSecret, parsed(cancel), RealmIndex{0}, source));
  EXPECT_NE(invite, invite_transaction_key(kSecret, parsed(cancel), RealmIndex{1}, source));
}

TEST(TransactionKey, CancelOfAnOldPeerLeadsToItsInviteToo) {
  const IpAddress source = *IpAddress::parse("198.18.1.2");
  const auto make = [](std::string_view method) {
    return MessageBuilder(method).via("SIP/2.0/UDP 198.18.1.2").cseq("1 " + std::string(method)).build();
  };
  const std::string cancel = make("CANCEL");
  EXPECT_EQ(key_of(make("INVITE")), invite_transaction_key(kSecret, parsed(cancel), RealmIndex{0}, source));
}

std::uint64_t merge_of(const std::string& bytes, HashKey secret = kSecret) {
  return merge_hash(secret, parsed(bytes));
}

// RFC 3261 §8.2.2.2
TEST(MergeHash, FromTagCallIdAndCSeqMakeIt) {
  const auto make = [] { return MessageBuilder("INVITE"); };
  const auto base = merge_of(make().build());
  EXPECT_EQ(base, merge_of(make().via("SIP/2.0/UDP 198.18.1.3;branch=z9hG4bKother").build()));
  EXPECT_EQ(base, merge_of(make().uri("sip:other@edge.test").to("<sip:other@edge.test>").build()));
  EXPECT_NE(base, merge_of(make().call_id("other").build()));
  EXPECT_NE(base, merge_of(make().cseq("2 INVITE").build()));
  EXPECT_NE(base, merge_of(make().from("<sip:probe@198.18.1.2>;tag=f2").build()));
  EXPECT_NE(base, merge_of(MessageBuilder("OPTIONS").build()));
  EXPECT_NE(base, merge_of(make().build(), {1, 3}));
  EXPECT_NE(merge_of(MessageBuilder("FROB").build()), merge_of(MessageBuilder("BLAH").build()));
}

TEST(MergeHash, FieldsDoNotRunIntoEachOther) {
  const auto make = [](std::string_view tag, std::string_view call_id) {
    return merge_of(
        MessageBuilder("INVITE").from("<sip:a@b.test>;tag=" + std::string(tag)).call_id(call_id).build());
  };
  EXPECT_NE(make("ab", "cd"), make("abc", "d"));
  EXPECT_NE(make("ab", "cd"), make("a", "bcd"));
}

// RFC 3261 §9.1, threats D2
TEST(CancelHash, EqualForTheCancelOfThatInviteOnly) {
  const auto hash_of = [](const std::string& bytes) { return cancel_hash(kSecret, parsed(bytes)); };
  const auto base = hash_of(MessageBuilder("INVITE").build());
  const auto make = [] { return MessageBuilder("CANCEL"); };
  EXPECT_EQ(base, hash_of(make().build()));
  EXPECT_NE(base, hash_of(make().call_id("other").build()));
  EXPECT_NE(base, hash_of(make().cseq("2 CANCEL").build()));
  EXPECT_NE(base, hash_of(make().from("<sip:probe@198.18.1.2>;tag=f2").build()));
  EXPECT_NE(base, hash_of(make().uri("sip:other@edge.test").build()));
}

}  // namespace
}  // namespace sallyport::sip
