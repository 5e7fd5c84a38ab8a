// shard_of_datagram_test.cpp — one call, one shard, whoever writes its Call-ID: RFC 3261 §8.1.1.4, §12.2,
// §17.1.3; RFC 3891.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "sipalg/engine/sip_engine.h"
#include "sipalg/engine/token_shown.h"
#include "sipalg/message/sip_message.h"
#include "sipalg/registrar/binding.h"
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

std::string token(TokenKind kind, unsigned shard, std::uint16_t part = 1) {
  return std::string(view(write_token(kKey, kind, {static_cast<std::uint8_t>(shard), part, 77})));
}

// As a datagram and as a request that was read.
unsigned shard_of(const std::string& bytes) {
  SipMessage message;
  const unsigned shard = shard_of_datagram(kKey, bytes);
  EXPECT_EQ(parse_message(bytes, {}, message), ParseStatus::Complete) << bytes;
  if (message.is_request()) {
    EXPECT_EQ(shard_of_request(kKey, message), shard) << bytes;
  }
  return shard;
}

std::string request(const std::string& method, const std::string& user, const std::string& to,
                    const std::string& lines = {}) {
  return method + " sip:" + user + "@198.18.1.1 SIP/2.0\r\nVia: SIP/2.0/UDP 198.18.1.2;branch=z9hG4bKx\r\n" +
         "Max-Forwards: 70\r\nFrom: <sip:a@198.18.1.2>;tag=x\r\n" + to + "\r\nCall-ID: far@198.18.1.2\r\n" +
         lines + "CSeq: 1 " + method + "\r\nContact: <sip:a@198.18.1.2>\r\nContent-Length: 0\r\n\r\n";
}

// A dialog that has gone over to another call. RFC 3261 §12.2
TEST(ShardOfDatagram, OfARequestWithinADialogIsThatOfTheContactItShows) {
  const std::string to = "To: \"x;tag=y\" <sip:b@198.18.1.1;tag=z> ; tag = " + token(TokenKind::Tag, 8);
  EXPECT_EQ(shard_of(request("BYE", token(TokenKind::Contact, 9), to)), 9u);
  EXPECT_EQ(shard_of(request("INVITE", token(TokenKind::Contact, 9), to)), 9u);
  EXPECT_EQ(shard_of(request("BYE", "somebody", to)), 8u);
  EXPECT_EQ(shard_of(request("BYE", token(TokenKind::Contact, 9, kBindingPart), to)), 8u);
  EXPECT_EQ(shard_of(request("BYE", "somebody", "t:<sip:b@198.18.1.1>;tag=foreign")),
            shard_of_call_id(kKey, "far@198.18.1.2"));
  EXPECT_EQ(shard_of(request("INVITE", token(TokenKind::Contact, 9), "To: <sip:b@198.18.1.1>")),
            shard_of_call_id(kKey, "far@198.18.1.2"))
      << "who calls a Contact of ours is in no dialog yet";
}

// RFC 3891 §3
TEST(ShardOfDatagram, OfAnInviteWithReplacesIsThatOfTheDialogItNames) {
  const std::string to = "To: <sip:b@198.18.1.1>";
  const std::string line =
      "Replaces: one@two\r\n ;to-tag=" + token(TokenKind::Tag, 7) + ";from-tag=three\r\n";
  const unsigned own = shard_of_call_id(kKey, "far@198.18.1.2");
  ASSERT_NE(own, 7u);
  EXPECT_EQ(shard_of(request("INVITE", "b", to, line)), 7u);
  EXPECT_EQ(shard_of("\r\n\r\n" + request("INVITE", "b", to, line)), 7u);
  EXPECT_EQ(shard_of(request("OPTIONS", "b", to, line)), own);
  EXPECT_EQ(shard_of(request("INVITE", "b", to, "Replaces: one@two;to-tag=x;from-tag=three\r\n")), own);
  EXPECT_EQ(shard_of(request("INVITE", "b", to, "Replaces: junk\r\n")), own);
}

// RFC 3261 §17.1.3
TEST(ShardOfDatagram, OfAResponseIsThatOfItsBranch) {
  const auto response = [](const std::string& branch) {
    return "SIP/2.0 200 OK\r\nCall-ID: far@198.18.1.2\r\nv: SIP/2.0/UDP 198.18.1.1;branch=" + branch +
           "\r\nFrom: <sip:a@198.18.1.2>;tag=x\r\nTo: <sip:b@198.18.1.1>;tag=y\r\nCSeq: 1 BYE\r\n" +
           "Content-Length: 0\r\n\r\n";
  };
  EXPECT_EQ(shard_of(response("z9hG4bK" + token(TokenKind::Branch, 6))), 6u);
  EXPECT_EQ(shard_of(response("z9hG4bK" + token(TokenKind::Tag, 6))),
            shard_of_call_id(kKey, "far@198.18.1.2"));
}

TEST(ShowsToken, OnlyWhatBelongsToSomethingThatIsThere) {
  const std::string to = "To: <sip:b@198.18.1.1>", tag = ";tag=" + token(TokenKind::Tag, 8);
  const auto response = [](const std::string& branch) {
    return "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 198.18.1.1;branch=z9hG4bK" + branch +
           "\r\nCall-ID: far@198.18.1.2\r\n\r\n";
  };
  EXPECT_TRUE(shows_token(kKey, request("BYE", "b", to + tag)));
  EXPECT_TRUE(shows_token(kKey, "\r\n" + request("INVITE", "b", to + tag)));
  EXPECT_TRUE(shows_token(kKey, request("ACK", token(TokenKind::Contact, 9), to + ";tag=theirs")));
  EXPECT_TRUE(shows_token(kKey, response(token(TokenKind::Branch, 6))));
  EXPECT_FALSE(shows_token(kKey, request("INVITE", "b", to)));
  EXPECT_FALSE(shows_token(kKey, request("INVITE", token(TokenKind::Contact, 9), to)));
  EXPECT_FALSE(shows_token(kKey, request("BYE", "b", to + ";tag=guessed")));
  EXPECT_FALSE(shows_token(kOtherKey, request("BYE", "b", to + tag)));
  EXPECT_FALSE(shows_token(kKey, response("guessed")));
  EXPECT_FALSE(shows_token(kKey, response(token(TokenKind::Tag, 6))));
  EXPECT_FALSE(shows_token(kKey, ""));
  EXPECT_FALSE(shows_token(kKey, "SIP/2.0 "));
  EXPECT_FALSE(shows_token(kKey, "\r\n\r\n"));
}

}  // namespace
}  // namespace sallyport::sip
