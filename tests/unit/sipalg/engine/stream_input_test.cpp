// stream_input_test.cpp — messages that came off a connection: RFC 3261 §18.2.2, §18.3, §20.14; threats I9,
// P1, P15.
#include <gtest/gtest.h>

#include "sipalg/message/sip_message.h"
#include "tests/support/engine_fixture.h"
#include "tests/support/message_builder.h"

namespace sallyport::sip {
namespace {

using tests::EngineFixture;
using tests::MessageBuilder;
using tests::status_of;

class StreamInput : public ::testing::Test, public EngineFixture {
 protected:
  StreamInput() {
    input.transport = Transport::Tcp;
    input.connection = 42;
    input.remote.port = 40001;
  }
  [[nodiscard]] static MessageBuilder options() {
    return MessageBuilder("OPTIONS")
        .via("SIP/2.0/TCP 198.18.1.2:5070;branch=z9hG4bKa")
        .body("text/plain", "x");
  }
  [[nodiscard]] bool is_closed() { return out.closes() == std::vector<std::uint64_t>{42}; }
};

TEST_F(StreamInput, AnswerGoesBackOverItsConnection) {
  ASSERT_EQ(status_of(receive(options().build()).value().bytes), 200);
  const Path& path = out.sends()[0].path;
  EXPECT_EQ(path.connection, 42u);
  EXPECT_EQ(path.transport, Transport::Tcp);
  EXPECT_EQ(path.peer, PeerIndex{0});
  EXPECT_EQ(path.local, input.local);
  EXPECT_EQ(path.remote, (Endpoint{input.remote.address, 5070}));
  EXPECT_TRUE(out.closes().empty());
}

TEST_F(StreamInput, StrangersConnectionIsClosedUnread) {
  input.trust = TrustClass::Untrusted;
  input.peer = PeerIndex::kNone;
  EXPECT_FALSE(receive(options().build()));
  EXPECT_TRUE(is_closed());
  EXPECT_EQ(dropped(SipDropReason::Stranger), 1u);
}

TEST_F(StreamInput, LostFramingIsAnswered400AndClosed) {
  input.is_framing_lost = true;
  const std::string text = options().build();
  for (const char* const length : {"-1", "ten", "1\r\nContent-Length: 2"}) {
    std::string head = text.substr(0, text.find("\r\n\r\n") + 4);
    head.replace(head.find("Content-Length: 1") + 16, 1, length);
    const auto answer = receive(head);
    ASSERT_TRUE(answer) << length;
    EXPECT_EQ(status_of(answer->bytes), 400) << length;
    EXPECT_TRUE(is_closed()) << length;
  }
}

TEST_F(StreamInput, TooLargeIsAnswered513AndClosed) {
  input.is_framing_lost = true;
  std::string text = options().build();
  text.insert(text.find("\r\n\r\n") + 2, "Subject: " + std::string(kHeadBytesMax, 'x') + "\r\n");
  const auto answer = receive(std::string_view(text).substr(0, kHeadBytesMax));
  ASSERT_TRUE(answer);
  EXPECT_EQ(status_of(answer->bytes), 513);
  EXPECT_TRUE(is_closed());
}

TEST_F(StreamInput, LostFramingOfAResponseOnlyCloses) {
  input.is_framing_lost = true;
  EXPECT_FALSE(receive("SIP/2.0 200 OK\r\nContent-Length: x\r\n\r\n"));
  EXPECT_TRUE(is_closed());
}

// Where framer and parser don't mean the same octets, nothing behind them is trusted.
TEST_F(StreamInput, MessageOfAnotherSizeThanItsFrameIsRefused) {
  const std::string text = options().build();
  EXPECT_EQ(status_of(receive(text.substr(0, text.size() - 1)).value().bytes), 400);
  EXPECT_TRUE(is_closed());
  EXPECT_EQ(status_of(receive(text + "y").value().bytes), 400);
  EXPECT_TRUE(is_closed());
}

// RFC 3261 §20.14: a must on a stream.
TEST_F(StreamInput, MissingContentLengthIsAnswered400AndStaysOpen) {
  std::string text = options().build();
  text.resize(text.size() - 1);
  const std::size_t at = text.find("Content-Length");
  text.erase(at, text.find("\r\n", at) + 2 - at);
  EXPECT_EQ(status_of(receive(text).value().bytes), 400);
  EXPECT_TRUE(out.closes().empty());
}

TEST_F(StreamInput, WithoutPortInSentByTheTransportsOwnIsMeant) {
  (void)receive(options().via("SIP/2.0/TCP 198.18.1.2;branch=z9hG4bKa").build());
  EXPECT_EQ(out.sends()[0].path.remote.port, 5060);
  input.transport = Transport::Tls;
  (void)receive(options().via("SIP/2.0/TLS 198.18.1.2;branch=z9hG4bKb").call_id("b").build());
  EXPECT_EQ(out.sends()[0].path.remote.port, 5061);
}

// RFC 3261 §17.2.2: timer J is zero.
TEST_F(StreamInput, AnsweredTransactionIsForgottenAtOnce) {
  (void)receive(options().build());
  EXPECT_EQ(engine().counters().transactions_active.value(), 1u);
  engine().on_deadline(now, out);
  EXPECT_EQ(engine().counters().transactions_active.value(), 0u);
}

}  // namespace
}  // namespace sallyport::sip
