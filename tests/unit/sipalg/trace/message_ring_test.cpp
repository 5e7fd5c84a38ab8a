// message_ring_test.cpp — what stays in the ring, and for whom.
#include "sipalg/trace/message_ring.h"

#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <random>
#include <string>

namespace sallyport::sip {
namespace {

RingMessage message(std::uint64_t call, std::string_view bytes, std::int64_t at = 0) {
  RingMessage out;
  out.at = Timestamp(Duration(at));
  out.call = call;
  out.bytes = bytes;
  return out;
}

std::vector<std::string> texts(const MessageRing& ring, std::uint64_t call) {
  std::vector<std::string> out;
  ring.for_each(call, [&](const RingMessage& one) { out.emplace_back(one.bytes); });
  return out;
}

using Texts = std::vector<std::string>;

TEST(MessageRing, GivesTheMessagesOfOneCallTheOldestFirst) {
  MessageRing ring(100'000);
  ring.add(message(1, "INVITE"));
  ring.add(message(2, "BYE"));
  ring.add(message(1, "100"));
  ring.add(message(1, "200"));
  EXPECT_EQ(texts(ring, 1), (Texts{"INVITE", "100", "200"}));
  EXPECT_EQ(texts(ring, 2), (Texts{"BYE"}));
  EXPECT_EQ(texts(ring, 3), Texts{});
  EXPECT_EQ(ring.messages(), 4u);
  EXPECT_EQ(ring.overwritten(), 0u);
}

// threats M10: what is in memory after a call can be dumped.
TEST(MessageRing, KeepsNoKeyOfAMessage) {
  MessageRing ring(100'000);
  const std::string head = "INVITE sip:a@b SIP/2.0\r\nSubject: inline: k=clear:x\r\n\r\n";
  ring.add(
      message(1, head + "v=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0c2VjcmV0|2^31|1:4\r\n"));
  EXPECT_EQ(texts(ring, 1),
            Texts{head + "v=0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:****************|2^31|1:4\r\n"});
}

TEST(MessageRing, KeepsAllThatIsKnownOfAMessage) {
  MessageRing ring(100'000);
  RingMessage in = message(7, "INVITE", 123'456'789);
  in.direction = Direction::Out;
  in.is_again = true;
  in.path = {RealmIndex(3), *parse_endpoint("198.18.1.1:5060", 0), *parse_endpoint("[fd18:1::2]:5062", 0)};
  ring.add(in);
  std::size_t seen = 0;
  ring.for_each(7, [&](const RingMessage& out) {
    ++seen;
    EXPECT_EQ(out.at, in.at);
    EXPECT_EQ(out.direction, in.direction);
    EXPECT_EQ(out.path, in.path);
    EXPECT_EQ(out.call, in.call);
    EXPECT_TRUE(out.is_again);
    EXPECT_EQ(out.bytes, "INVITE");
  });
  EXPECT_EQ(seen, 1u);
}

TEST(MessageRing, MessagesOfNoCallAreKeptTogether) {
  MessageRing ring(100'000);
  ring.add(message(0, "OPTIONS"));
  ring.add(message(5, "INVITE"));
  EXPECT_EQ(texts(ring, 0), (Texts{"OPTIONS"}));
}

TEST(MessageRing, NewMessageOverwritesTheOldest) {
  MessageRing ring(4096);
  const std::string body(300, 'a');
  for (int i = 0; i < 100; ++i) ring.add(message(1, std::to_string(i) + body, i));
  const Texts left = texts(ring, 1);
  ASSERT_FALSE(left.empty());
  EXPECT_GE(left.size(), 7u);
  EXPECT_EQ(left.back(), "99" + body);
  for (std::size_t i = 0; i < left.size(); ++i)
    EXPECT_EQ(left[i], std::to_string(100 - left.size() + i) + body);
  EXPECT_EQ(ring.messages(), left.size());
  EXPECT_EQ(ring.overwritten(), 100 - left.size());
}

TEST(MessageRing, CallWhoseMessagesAreAllGoneHasNone) {
  MessageRing ring(4096);
  ring.add(message(1, "INVITE"));
  for (std::uint64_t i = 0; i < 100; ++i) ring.add(message(2 + i, std::string(200, 'b')));
  EXPECT_EQ(texts(ring, 1), Texts{});
}

TEST(MessageRing, MessageOfMoreThanAQuarterIsNotKept) {
  MessageRing ring(4096);
  ring.add(message(1, "INVITE"));
  ring.add(message(1, std::string(1025, 'a')));
  ring.add(message(1, std::string(100'000, 'a')));
  EXPECT_EQ(texts(ring, 1), (Texts{"INVITE"}));
}

TEST(MessageRing, RingTooSmallForAnythingKeepsNothing) {
  for (const std::uint64_t capacity : {0u, 1u, 7u, 8u, 100u, 200u}) {
    MessageRing ring(capacity);
    for (int i = 0; i < 10; ++i) ring.add(message(1, ""));
    for (int i = 0; i < 10; ++i) ring.add(message(1, "INVITE"));
    EXPECT_EQ(texts(ring, 1), Texts{}) << capacity;
    EXPECT_EQ(ring.messages(), 0u) << capacity;
  }
}

TEST(MessageRing, EmptyMessageIsAMessage) {
  MessageRing ring(4096);
  ring.add(message(1, ""));
  EXPECT_EQ(texts(ring, 1), (Texts{""}));
}

// Against a list of everything that was added: what the ring still has is the newest part of it, whole.
TEST(MessageRing, HoldsTheNewestMessagesWhateverTheirSizesAndTheCapacity) {
  for (const unsigned seed : {1u, 2u, 3u, 4u, 5u, 6u, 7u, 8u}) {
    std::mt19937 random(seed);
    const std::uint64_t capacity = 2000 + random() % 20'000;
    MessageRing ring(capacity);
    std::deque<std::pair<std::uint64_t, std::string>> added;
    for (int step = 0; step < 3000; ++step) {
      const std::uint64_t call = random() % 20;
      std::string bytes(random() % (capacity / 4 - 120), static_cast<char>('a' + random() % 26));
      ring.add(message(call, bytes));
      added.emplace_back(call, std::move(bytes));
      ASSERT_LE(ring.messages(), added.size());
      while (added.size() > ring.messages()) added.pop_front();
      if (step % 50 != 0) continue;
      std::map<std::uint64_t, Texts> expected;
      for (const auto& [number, text] : added) expected[number].push_back(text);
      for (std::uint64_t number = 0; number < 20; ++number)
        ASSERT_EQ(texts(ring, number), expected[number]) << "seed " << seed << " step " << step;
    }
    EXPECT_EQ(ring.messages() + ring.overwritten(), 3000u);
    EXPECT_GT(ring.messages(), 3u);
  }
}

TEST(MessageRing, ManyCallsFindTheirOwnMessages) {
  MessageRing ring(16'000'000);
  const std::uint64_t first = 0x6740'8c3e'0000'0001;
  for (std::uint64_t call = 0; call < 5000; ++call)
    for (int i = 0; i < 3; ++i)
      ring.add(message(first + call * 4, std::to_string(call * 3 + static_cast<unsigned>(i))));
  for (std::uint64_t call = 0; call < 5000; ++call)
    ASSERT_EQ(texts(ring, first + call * 4),
              (Texts{std::to_string(call * 3), std::to_string(call * 3 + 1), std::to_string(call * 3 + 2)}));
}

}  // namespace
}  // namespace sallyport::sip
