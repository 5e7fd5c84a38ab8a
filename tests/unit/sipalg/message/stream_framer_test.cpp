// stream_framer_test.cpp — messages cut out of a connection: RFC 3261 §7.5, §18.3, §20.14; RFC 5626 §4.4.1;
// threats P1, P2, P14, P15.
#include "sipalg/message/stream_framer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/message_builder.h"

namespace sallyport::sip {
namespace {

using Kind = StreamFramer::Kind;
using tests::MessageBuilder;

struct Seen {
  Kind kind;
  std::string bytes;
  friend bool operator==(const Seen&, const Seen&) = default;
};

void drain(StreamFramer& framer, std::vector<Seen>& seen) {
  for (auto frame = framer.next(); frame.kind != Kind::NeedMore; frame = framer.next()) {
    seen.push_back({frame.kind, std::string(frame.bytes)});
    if (frame.kind != Kind::Message && frame.kind != Kind::KeepAlive) return;
  }
}

std::vector<Seen> frames_of(std::string_view stream, std::size_t piece) {
  StreamFramer framer;
  std::vector<Seen> seen;
  for (std::size_t at = 0; at < stream.size(); at += piece) {
    framer.take(std::string(stream.substr(at, piece)));  // a buffer of just that size, for the sanitizer
    drain(framer, seen);
    if (!seen.empty() && seen.back().kind != Kind::Message && seen.back().kind != Kind::KeepAlive) break;
  }
  return seen;
}

// In every piece size the same.
std::vector<Seen> frames_of(std::string_view stream) {
  const std::vector<Seen> whole = frames_of(stream, stream.size());
  for (const std::size_t piece : {1, 2, 3, 7, 64, 1000})
    EXPECT_EQ(frames_of(stream, piece), whole) << "in pieces of " << piece;
  return whole;
}

std::string options(std::string_view length = {}, std::string_view body = {}) {
  std::string text =
      "OPTIONS sip:a@example.com SIP/2.0\r\nVia: SIP/2.0/TCP 192.0.2.1;branch=z9hG4bK1\r\n"
      "Max-Forwards: 70\r\nFrom: <sip:b@example.com>;tag=1\r\nTo: <sip:a@example.com>\r\nCall-ID: 1\r\n"
      "CSeq: 1 OPTIONS\r\n";
  text.append(length).append(length.empty() ? "" : "\r\n").append("\r\n").append(body);
  return text;
}

TEST(StreamFramer, CutsPipelinedMessagesInOrder) {
  const std::string first = options("Content-Length: 4", "body"), second = options("l: 0"),
                    third = "SIP/2.0 200 OK\r\nContent-Length : 2\r\n\r\nok";
  const auto seen = frames_of(first + second + third);
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(seen[0], (Seen{Kind::Message, first}));
  EXPECT_EQ(seen[1], (Seen{Kind::Message, second}));
  EXPECT_EQ(seen[2], (Seen{Kind::Message, third}));
}

TEST(StreamFramer, BodyMayHoldAnyOctetsAndAnotherRequest) {
  const std::string inner = options("Content-Length: 0");
  const std::string outer =
      options("Content-Length: " + std::to_string(inner.size() + 4), inner + "\r\n\r\n");
  const auto seen = frames_of(outer);
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].bytes, outer);
}

// RFC 5626 §4.4.1; RFC 3261 §7.5
TEST(StreamFramer, PingIsOneFrameAndSingleLineEndsAreSkipped) {
  const std::string message = options("Content-Length: 0");
  const auto seen = frames_of("\r\n\r\n" + message + "\r\n" + message + "\r\n\r\n\r\n" + message);
  ASSERT_EQ(seen.size(), 5u);
  EXPECT_EQ(seen[0].kind, Kind::KeepAlive);
  EXPECT_EQ(seen[1].bytes, message);
  EXPECT_EQ(seen[2].bytes, message);
  EXPECT_EQ(seen[3].kind, Kind::KeepAlive);
  EXPECT_EQ(seen[4].bytes, message);
}

// RFC 5626 §4.4.1: a pong is half of a ping; it begins no message.
TEST(StreamFramer, PongIsNoMessageThatHasBegun) {
  StreamFramer framer;
  for (const std::string_view octets : {"\r", "\n"}) {
    framer.take(octets);
    EXPECT_EQ(framer.next().kind, StreamFramer::Kind::NeedMore);
    EXPECT_FALSE(framer.has_begun());
  }
  EXPECT_TRUE(framer.take_pong());
  EXPECT_EQ(framer.buffered(), 0u);
  EXPECT_FALSE(framer.take_pong());
  framer.take("\r\nO");
  EXPECT_EQ(framer.next().kind, StreamFramer::Kind::NeedMore);
  EXPECT_TRUE(framer.has_begun());
  EXPECT_FALSE(framer.take_pong());
}

TEST(StreamFramer, LengthMayBeFoldedAndSpaced) {
  const std::string message = options("Content-Length \t:\r\n  3", "abc");
  const auto seen = frames_of(message);
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0], (Seen{Kind::Message, message}));
}

// RFC 3261 §20.14: no body. What follows must be a message then.
TEST(StreamFramer, WithoutLengthThereIsNoBody) {
  const std::string message = options();
  const auto seen = frames_of(message + "v=0\r\no=- 1 1\r\n");
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0], (Seen{Kind::Message, message}));
  EXPECT_EQ(seen[1].kind, Kind::NotSip);
}

// Threats P1: the body's end is not where anyone says.
TEST(StreamFramer, LengthThatCantBeToldLosesTheFraming) {
  for (const char* const length :
       {"Content-Length: -1", "Content-Length: ten", "Content-Length:", "Content-Length: 4294967296",
        "Content-Length: 99999999999999999999999", "Content-Length: 1\r\nl: 2", "l: 1\r\nl: 1",
        "Content-Length: 0x10", "Content-Length: 1 1"}) {
    const std::string head = options(length);
    const auto seen = frames_of(head + "abc" + options("Content-Length: 0"));
    ASSERT_EQ(seen.size(), 1u) << length;
    EXPECT_EQ(seen[0], (Seen{Kind::FramingLost, head})) << length;
  }
}

TEST(StreamFramer, NothingIsReservedForAPromisedSize) {
  StreamFramer framer;
  framer.take(options("Content-Length: 65536"));
  EXPECT_EQ(framer.next().kind, Kind::NeedMore);
  EXPECT_LT(framer.buffered(), 400u);
  const std::string head = options("Content-Length: 65537");
  const auto seen = frames_of(head);
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0], (Seen{Kind::TooLarge, head}));
}

TEST(StreamFramer, HeadBeyondItsLimitIsTooLarge) {
  const std::string start = "OPTIONS sip:a@example.com SIP/2.0\r\n";
  std::string longest = start + "Subject: ";
  longest += std::string(kHeadBytesMax - longest.size() - 4, 'x') + "\r\n\r\n";
  ASSERT_EQ(longest.size(), kHeadBytesMax);
  EXPECT_EQ(frames_of(longest).at(0).kind, Kind::Message);
  const auto seen = frames_of(start + "Subject: " + std::string(kHeadBytesMax, 'x') + "\r\n\r\n");
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].kind, Kind::TooLarge);
  EXPECT_EQ(seen[0].bytes.size(), kHeadBytesMax);
}

// Threats P15: known at the first octets, not when enough of them are there.
TEST(StreamFramer, AnotherProtocolIsKnownAtOnce) {
  using namespace std::string_view_literals;
  for (const std::string_view start :
       {"\x16\x03\x01"sv, "GET /"sv, "POST /"sv, "\r\n\r\nPUT /"sv, "\0\0"sv, "\n\n"sv, "\rX"sv, "HTTP/"sv,
        "<xml"sv, " INVITE"sv, "SSH-2.0-x\r"sv, ":"sv, "\xff"sv}) {
    StreamFramer framer;
    framer.take(start);
    std::vector<Seen> seen;
    drain(framer, seen);
    ASSERT_FALSE(seen.empty()) << start;
    EXPECT_EQ(seen.back().kind, Kind::NotSip) << start;
  }
  // These look like a request until the version is missing.
  for (const char* const start :
       {"GET http://a/ HTTP/1.1\r\nH", "EHLO example.com\r\nX", "DESCRIBE rtsp://a RTSP/1.0\r\nC"}) {
    const auto seen = frames_of(start);
    ASSERT_EQ(seen.size(), 1u) << start;
    EXPECT_EQ(seen[0].kind, Kind::NotSip) << start;
  }
}

// NAT slipstreaming: a REGISTER behind the octets of an HTTP request is never looked at.
TEST(StreamFramer, NothingIsReadOnceItHasEnded) {
  StreamFramer framer;
  framer.take("POST / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(framer.next().kind, Kind::NotSip);
  const std::size_t held = framer.buffered();
  framer.take(options("Content-Length: 0"));
  EXPECT_EQ(framer.next().kind, Kind::NotSip);
  EXPECT_EQ(framer.buffered(), held);
}

TEST(StreamFramer, SaysWhetherItIsBetweenMessages) {
  StreamFramer framer;
  EXPECT_EQ(framer.buffered(), 0u);
  const std::string message = options("Content-Length: 2", "ab");
  framer.take(message + "OPT");
  EXPECT_EQ(framer.next().kind, Kind::Message);
  EXPECT_EQ(framer.next().kind, Kind::NeedMore);
  EXPECT_EQ(framer.buffered(), 3u);
  framer.take(message.substr(3));
  EXPECT_EQ(framer.next().kind, Kind::Message);
  EXPECT_EQ(framer.buffered(), 0u);
}

// A malformed head whose end is known is the engine's to answer: the stream goes on behind it.
TEST(StreamFramer, MalformedMessageKeepsTheFraming) {
  const std::string bad = "INVITE  sip:a@b  SIP/2.0\r\nVia: nonsense\r\nContent-Length: 1\r\n\r\nx";
  const std::string good = options("Content-Length: 0");
  const auto seen = frames_of(bad + good);
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen[0], (Seen{Kind::Message, bad}));
  EXPECT_EQ(seen[1], (Seen{Kind::Message, good}));
}

TEST(StreamFramer, FoldedFirstLineIsOneLine) {
  const std::string message = "OPTIONS sip:a@b\r\n SIP/2.0\r\nContent-Length: 0\r\n\r\n";
  const auto seen = frames_of(message);
  ASSERT_EQ(seen.size(), 1u);
  EXPECT_EQ(seen[0].kind, Kind::Message);
}

}  // namespace
}  // namespace sallyport::sip
