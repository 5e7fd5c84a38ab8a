// shard_of_datagram_test.cpp — one call, one shard, whoever writes its Call-ID: RFC 3261 §8.1.1.4.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "sipalg/engine/sip_engine.h"
#include "sipalg/token/token.h"

namespace sallyport::sip {
namespace {

constexpr HashKey kKey{1, 2}, kOtherKey{3, 4};

std::string options(const std::string& call_id_line) {
  return "OPTIONS sip:a@example.net SIP/2.0\r\nVia: SIP/2.0/UDP 198.18.1.2\r\n" + call_id_line +
         "\r\nCSeq: 1 OPTIONS\r\nContact: <sip:i@198.18.1.2>\r\n\r\n";
}

std::string own_call_id(const HashKey& key, const Token& token) {
  return std::string(view(write_token(key, TokenKind::CallId, token)));
}

TEST(ShardOfDatagram, IsTheOneThatOurOwnCallIdNames) {
  for (unsigned shard = 0; shard < kShardCount; ++shard) {
    const Token token{static_cast<std::uint8_t>(shard), 1, std::uint64_t{shard} << 32 | 7};
    const std::string call_id = own_call_id(kKey, token);
    EXPECT_EQ(shard_of_call_id(kKey, call_id), shard);
    EXPECT_EQ(shard_of_datagram(kKey, options("Call-ID: " + call_id)), shard);
    EXPECT_EQ(shard_of_datagram(kKey, options("i:" + call_id)), shard);
  }
}

TEST(ShardOfDatagram, IsAHashOfAForeignCallId) {
  std::set<unsigned> shards;
  for (int i = 0; i < 2000; ++i) {
    const std::string call_id = "call-" + std::to_string(i) + "@198.18.1.2";
    const unsigned shard = shard_of_datagram(kKey, options("Call-ID: " + call_id));
    EXPECT_EQ(shard, shard_of_call_id(kKey, call_id));
    shards.insert(shard);
  }
  EXPECT_GT(shards.size(), 250U) << "spread over nearly all";
}

// Nobody but us can choose a shard, to fill it.
TEST(ShardOfDatagram, TakesNoTokenOfAnotherKeyOrKindForItsOwn) {
  std::set<unsigned> of_other_key, of_tags;
  for (std::uint64_t number = 0; number < 64; ++number) {
    const Token token{9, 1, number};
    of_other_key.insert(shard_of_call_id(kKey, own_call_id(kOtherKey, token)));
    of_tags.insert(shard_of_call_id(kKey, view(write_token(kKey, TokenKind::Tag, token))));
  }
  EXPECT_GT(of_other_key.size(), 30U);
  EXPECT_GT(of_tags.size(), 30U);
}

TEST(ShardOfDatagram, TakesNoTokenThatWasTouched) {
  const std::string whole = own_call_id(kKey, {9, 1, 77});
  std::set<unsigned> shards;
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string touched = whole;
    touched[at] = touched[at] == 'a' ? 'b' : 'a';
    shards.insert(shard_of_call_id(kKey, touched));
  }
  EXPECT_GT(shards.size(), 20U);
  EXPECT_NE(shard_of_call_id(kKey, whole + "@198.18.1.1"), shard_of_call_id(kKey, whole + "@198.18.1.2"))
      << "with a host behind it, it is somebody else's";
}

// RFC 3261 §7.3.1, §7.3.3
TEST(ShardOfDatagram, UnderstandsEachWayOfWritingTheHeader) {
  const unsigned shard = shard_of_call_id(kKey, "abc@host");
  for (const char* line : {"Call-ID: abc@host", "CALL-id :abc@host", "i: abc@host", "I\t:\r\n abc@host",
                           "Call-ID:\r\n\tabc@host  "})
    EXPECT_EQ(shard_of_datagram(kKey, options(line)), shard) << line;
}

TEST(ShardOfDatagram, TakesTheFirstOfSeveral) {
  EXPECT_EQ(shard_of_datagram(kKey, options("Call-ID: one\r\nCall-ID: two")), shard_of_call_id(kKey, "one"));
}

TEST(ShardOfDatagram, HashesTheWholeDatagramWithoutACallId) {
  std::set<unsigned> shards;
  for (int i = 0; i < 200; ++i) shards.insert(shard_of_datagram(kKey, std::to_string(i) + " no SIP\r\n\r\n"));
  EXPECT_GT(shards.size(), 100U);
  EXPECT_EQ(shard_of_datagram(kKey, ""), shard_of_datagram(kKey, ""));
}

}  // namespace
}  // namespace sallyport::sip
