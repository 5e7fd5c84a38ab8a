// connections_input_test.cpp — what others open and say: from octets to shards. RFC 3261 §18.3, RFC 5626
// §4.4.1; threats P2, P14, P15, R8.
#include "tests/unit/dataplane/connection/connection_world.h"

namespace sallyport::dataplane {
namespace {

class ConnectionsInput : public ConnectionWorld {};

TEST_F(ConnectionsInput, HandAMessageToAShardWithAllThatIsKnownOfItsConnection) {
  start();
  const FarEnd far = call_in();
  const std::string request = options_request("one");
  far.say(request);
  turn();
  const auto messages = take_arrived();
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_EQ(messages[0].bytes, request);
  const sip::MessageInput& input = messages[0].input;
  EXPECT_EQ(input.listener, kOutsideTcp);
  EXPECT_EQ(input.realm, kOutside);
  EXPECT_EQ(input.trust, TrustClass::Untrusted);
  EXPECT_EQ(input.transport, Transport::Tcp);
  EXPECT_EQ(input.local, *connections->listening_at(kOutsideTcp));
  EXPECT_EQ(input.remote, far.own());
  EXPECT_NE(input.connection, 0U);
  EXPECT_FALSE(input.is_framing_lost);
  EXPECT_EQ(active(Transport::Tcp, ConnectionDirection::In), 1U);
}

TEST_F(ConnectionsInput, SendTheAnswerOverTheConnectionThatTheRequestNames) {
  start();
  const FarEnd far = call_in();
  far.say(options_request("one"));
  turn();
  const auto messages = take_arrived();
  ASSERT_EQ(messages.size(), 1U);
  send(answer_path(messages[0]), "SIP/2.0 200 OK\r\n\r\n");
  turn();
  EXPECT_EQ(far.hear_now(), "SIP/2.0 200 OK\r\n\r\n");
  EXPECT_EQ(connections->counters().messages_out.value(), 1U);
}

// threats P14
TEST_F(ConnectionsInput, TakeAMessageByteByByte) {
  start();
  const FarEnd far = call_in();
  const std::string request = options_request("slowly", "body");
  for (const char octet : request) {
    far.say({&octet, 1});
    turn();
  }
  const auto messages = take_arrived();
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_EQ(messages[0].bytes, request);
}

// threats P2
TEST_F(ConnectionsInput, HandOverEachOfManyPipelinedMessagesInOrder) {
  mailbox_capacity = 256;
  start();
  const FarEnd far = call_in(kInsideTcp);
  std::string all;
  for (int i = 0; i < 100; ++i) all += options_request("same", std::to_string(i));
  far.say(all);
  turn();
  const auto messages = take_arrived();
  ASSERT_EQ(messages.size(), 100U);
  for (std::size_t i = 0; i < messages.size(); ++i)
    EXPECT_TRUE(messages[i].bytes.ends_with("\r\n\r\n" + std::to_string(i)));
}

TEST_F(ConnectionsInput, TakeABoundedNumberOfMessagesOfOneConnectionInATurn) {
  mailbox_capacity = 256;
  start();
  const FarEnd greedy = call_in(kInsideTcp), modest = call_in(kInsideTcp);
  std::string all;
  for (int i = 0; i < 100; ++i) all += options_request("greedy");
  greedy.say(all);
  modest.say(options_request("modest"));
  EXPECT_TRUE(connections->run_once(now));
  EXPECT_TRUE(connections->run_once(now));
  const auto messages = take_arrived();
  EXPECT_LT(messages.size(), 60U);
  EXPECT_TRUE(std::any_of(messages.begin(), messages.end(),
                          [](const auto& one) { return one.bytes.find("modest") != std::string::npos; }));
}

// RFC 5626 §4.4.1
TEST_F(ConnectionsInput, AnswerAPingWithAPong) {
  start();
  const FarEnd far = call_in();
  far.say("\r\n\r\n");
  turn();
  EXPECT_EQ(far.hear_now(), "\r\n");
  EXPECT_TRUE(take_arrived().empty());
}

// threats P15
TEST_F(ConnectionsInput, CloseAConnectionThatDoesNotSpeakSip) {
  start();
  const FarEnd far = call_in();
  far.say("POST / HTTP/1.1\r\nHost: a\r\n\r\n" + options_request("hidden"));
  turn();
  EXPECT_TRUE(take_arrived().empty());
  EXPECT_TRUE(far.has_been_closed());
  EXPECT_EQ(closed(Ending::NotSip), 1U);
  EXPECT_EQ(connections->size(), 0U);
}

// RFC 3261 §20.14: a Content-Length that is too small
TEST_F(ConnectionsInput, LetTheAnswerOutWhenWhatComesBehindAMessageIsNoSip) {
  start();
  const FarEnd far = call_in();
  far.say(options_request("good") + "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\n");
  turn();
  const auto messages = take_arrived();
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_FALSE(far.has_been_closed());
  send(answer_path(messages[0]), "SIP/2.0 200 OK\r\n\r\n");
  turn();
  EXPECT_EQ(far.hear_now(), "SIP/2.0 200 OK\r\n\r\n");
  now += Connection::kAnswerTime;
  turn();
  EXPECT_TRUE(far.has_been_closed());
  far.say_no_more();
  turn_until([&] { return connections->size() == 0; });
  EXPECT_EQ(closed(Ending::NotSip), 1U);
}

// RFC 3261 §18.3
TEST_F(ConnectionsInput, HandOverAMessageWhoseEndIsUnknownThenReadNoFurther) {
  start();
  const FarEnd far = call_in();
  far.say("OPTIONS sip:a@b SIP/2.0\r\nCall-ID: x\r\nContent-Length: many\r\n\r\n" + options_request("next"));
  turn();
  const auto messages = take_arrived();
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_TRUE(messages[0].input.is_framing_lost);
  // The engine answers, then closes; the answer arrives though more was said than is read.
  send(answer_path(messages[0]), "SIP/2.0 400 Bad\r\n\r\n");
  order_close(messages[0].input.connection);
  turn();
  EXPECT_EQ(far.hear_now(), "SIP/2.0 400 Bad\r\n\r\n");
  EXPECT_TRUE(far.has_been_closed());
  far.say_no_more();
  turn_until([&] { return connections->size() == 0; });
  EXPECT_EQ(closed(Ending::FramingLost), 1U);
}

TEST_F(ConnectionsInput, CloseALostConnectionThoughNobodyOrdersIt) {
  start();
  const FarEnd far = call_in();
  far.say("OPTIONS sip:a@b SIP/2.0\r\nContent-Length: many\r\n\r\n");
  turn();
  pass(Connection::kAnswerTime - 10ms);
  EXPECT_EQ(connections->size(), 1U);
  pass(20ms);
  EXPECT_EQ(connections->size(), 0U);
  EXPECT_EQ(closed(Ending::FramingLost), 1U);
}

TEST_F(ConnectionsInput, ReadNoFurtherWhileTheShardIsBehindAndLoseNothing) {
  mailbox_capacity = 4;
  start();
  const FarEnd far = call_in(kInsideTcp);
  std::string all;
  for (int i = 0; i < 30; ++i) all += options_request("same", std::to_string(i));
  far.say(all);
  turn();
  std::vector<StreamMessage::Arrived> messages = take_arrived();
  EXPECT_EQ(messages.size(), 4U);
  for (int turns = 0; turns < 20; ++turns) {
    EXPECT_TRUE(connections->next_deadline());
    pass(2ms);
    for (auto& one : take_arrived()) messages.push_back(std::move(one));
  }
  ASSERT_EQ(messages.size(), 30U);
  for (std::size_t i = 0; i < messages.size(); ++i)
    EXPECT_TRUE(messages[i].bytes.ends_with("\r\n\r\n" + std::to_string(i)));
}

TEST_F(ConnectionsInput, HoldBackAStrangerBeyondItsRateAndLoseNothing) {
  config.security.limits.source = {{10, 1s}, 5};
  start();
  const FarEnd far = call_in();
  std::string all;
  for (int i = 0; i < 20; ++i) all += options_request("same");
  far.say(all);
  turn();
  EXPECT_EQ(take_arrived().size(), 5U);
  std::size_t count = 5;
  for (int i = 0; i < 20; ++i) {
    pass(100ms);
    count += take_arrived().size();
  }
  EXPECT_EQ(count, 20U);
  EXPECT_EQ(closed(Ending::Rate), 0U);
}

TEST_F(ConnectionsInput, CloseAStrangerForWhomThereIsNoRateLeft) {
  config.security.limits.unknown = {0, 1s};
  start();
  const FarEnd far = call_in();
  far.say(options_request("one"));
  turn();
  for (int i = 0; i < 60; ++i) pass(100ms);
  EXPECT_TRUE(take_arrived().empty());
  EXPECT_EQ(closed(Ending::Rate), 1U);
}

TEST_F(ConnectionsInput, NeverHoldBackWhoIsTrusted) {
  config.security.limits.source = {{1, 1s}, 1};
  start();
  const FarEnd far = call_in(kInsideTcp);
  for (int i = 0; i < 10; ++i) far.say(options_request("same"));
  turn();
  EXPECT_EQ(take_arrived().size(), 10U);
}

TEST_F(ConnectionsInput, LetTheAnswerOutToWhoEndsRightAfterItsRequest) {
  start();
  const FarEnd far = call_in();
  far.say(options_request("one"));
  far.say_no_more();
  turn();
  const auto messages = take_arrived();
  ASSERT_EQ(messages.size(), 1U);
  send(answer_path(messages[0]), "answer");
  turn();
  EXPECT_EQ(far.hear_now(), "answer");
  pass(Connection::kHalfClosedTime + 1ms);
  EXPECT_EQ(connections->size(), 0U);
  EXPECT_EQ(closed(Ending::ByPeer), 1U);
}

TEST_F(ConnectionsInput, EndWithTheOtherSide) {
  start();
  FarEnd quiet = call_in(), rude = call_in();
  quiet.close();
  turn_until([&] { return connections->size() == 1; });
  EXPECT_EQ(closed(Ending::ByPeer), 1U);
  rude.reset();
  turn_until([&] { return connections->size() == 0; });
  EXPECT_EQ(closed(Ending::Reset), 1U);
  EXPECT_EQ(active(Transport::Tcp, ConnectionDirection::In), 0U);
}

TEST_F(ConnectionsInput, NeverGiveANumberTwice) {
  start();
  std::uint64_t last = 0;
  for (int i = 0; i < 5; ++i) {
    FarEnd far = call_in();
    far.say(options_request("one"));
    turn();
    const auto messages = take_arrived();
    ASSERT_EQ(messages.size(), 1U);
    EXPECT_NE(messages[0].input.connection, last);
    last = messages[0].input.connection;
    far.reset();
    turn_until([&] { return connections->size() == 0; });
  }
}

}  // namespace
}  // namespace sallyport::dataplane
