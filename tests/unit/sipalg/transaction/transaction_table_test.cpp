// transaction_table_test.cpp — keys, capacity, kept responses: RFC 3261 §17.2.2, §17.2.3; threats R5, R6.
#include "sipalg/transaction/transaction_table.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

#include "tests/support/message_builder.h"

namespace sallyport::sip {
namespace {

using tests::MessageBuilder;

constexpr Timestamp kStart{std::chrono::seconds(100)};
const Endpoint kRemote = *parse_endpoint("198.18.1.2:5060", 0);

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

TEST(TransactionTable, RequestThatComesAgainGetsTheKeptResponse) {
  TransactionTable table(4);
  std::array<char, 4096> buffer;
  const auto key = key_of(MessageBuilder("OPTIONS").build());
  EXPECT_FALSE(table.on_request(key, buffer));
  const std::string response(700, 'r');
  ASSERT_TRUE(table.answer(key, 200, {response, kRemote}, {}, kStart));
  const auto kept = table.on_request(key, buffer);
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->bytes, response);
  EXPECT_EQ(kept->remote, kRemote);
}

// RFC 3261 §17.2.2, timer J
TEST(TransactionTable, TransactionIsForgottenAfterTimerJ) {
  TransactionTable table(4);
  std::array<char, 4096> buffer;
  const auto key = key_of(MessageBuilder("OPTIONS").build());
  ASSERT_TRUE(table.answer(key, 200, {"x", kRemote}, {}, kStart));
  ASSERT_TRUE(table.next_deadline());
  table.on_deadline(kStart + 32s - 1ms, 10);
  EXPECT_EQ(table.size(), 1u);
  table.on_deadline(kStart + 32s, 10);
  EXPECT_EQ(table.size(), 0u);
  EXPECT_FALSE(table.on_request(key, buffer));
  EXPECT_FALSE(table.next_deadline());
}

TransactionKey numbered(std::uint64_t low, std::uint64_t high) { return {{low, high}}; }

TEST(TransactionTable, FullTableSaysSoAndIsWholeAgainLater) {
  TransactionTable table(3);
  for (std::uint64_t i = 0; i < 3; ++i)
    EXPECT_TRUE(table.answer(numbered(i, i), 200, {"x", kRemote}, {}, kStart));
  EXPECT_FALSE(table.answer(numbered(9, 9), 200, {"x", kRemote}, {}, kStart));
  table.on_deadline(kStart + 33s, 2);  // at most two timers in one call
  EXPECT_EQ(table.size(), 1u);
  table.on_deadline(kStart + 33s, 2);
  EXPECT_EQ(table.size(), 0u);
  for (std::uint64_t i = 0; i < 3; ++i)
    EXPECT_TRUE(table.answer(numbered(i, i), 200, {"x", kRemote}, {}, kStart + 33s));
}

TEST(TransactionTable, ResponseTooLargeForTheBlocksIsNotKept) {
  TransactionTable table(2);
  const std::string large(ResponsePool::kBlockBytes * TransactionTable::kBlocksPerTransaction * 2 + 1, 'x');
  EXPECT_FALSE(table.answer(numbered(1, 1), 200, {large, kRemote}, {}, kStart));
  EXPECT_TRUE(table.answer(numbered(1, 1), 200, {std::string_view(large).substr(1), kRemote}, {}, kStart));
  EXPECT_FALSE(table.answer(numbered(2, 2), 200, {"x", kRemote}, {}, kStart));
}

// Threats R6
TEST(TransactionTable, ChainHasACap) {
  TransactionTable table(64);
  for (std::uint64_t i = 0; i < TransactionTable::kChainMax; ++i)
    EXPECT_TRUE(table.answer(numbered(0, i), 200, {"x", kRemote}, {}, kStart));
  EXPECT_FALSE(table.answer(numbered(0, 99), 200, {"x", kRemote}, {}, kStart));
  EXPECT_TRUE(table.answer(numbered(1, 0), 200, {"x", kRemote}, {}, kStart));
}

TEST(ResponsePool, BlocksComeBack) {
  ResponsePool pool(3);
  auto first = pool.store(std::string(300, 'a'));
  ASSERT_TRUE(first);
  EXPECT_EQ(pool.free_blocks(), 1u);
  EXPECT_FALSE(pool.store(std::string(300, 'b')));
  pool.release(*first);
  pool.release(*first);
  EXPECT_EQ(pool.free_blocks(), 3u);
  EXPECT_TRUE(pool.store(std::string(700, 'c')));
  EXPECT_FALSE(pool.store(""));
}

}  // namespace
}  // namespace sallyport::sip
