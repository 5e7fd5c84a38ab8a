// connections_limits_test.cpp — who may open how many connections, and for how long one may do nothing.
// Threats R8, I5.
#include "tests/unit/dataplane/connection/connection_world.h"

namespace sallyport::dataplane {
namespace {

class ConnectionsLimits : public ConnectionWorld {};

TEST_F(ConnectionsLimits, CloseADeniedSourceAtOnce) {
  config.security.access.push_back({{kOtherLoopback, 32}, "", AccessAction::Deny});
  start();
  const FarEnd far = call_in(kOutsideTcp, kOtherLoopback);
  EXPECT_TRUE(far.has_been_closed());
  EXPECT_EQ(refused(Refusal::Denied), 1U);
  EXPECT_EQ(connections->size(), 0U);
}

TEST_F(ConnectionsLimits, GiveEachStrangerSoManyConnectionsAndOthersTheirs) {
  config.security.limits.tcp.connections_per_source = 3;
  start();
  std::vector<FarEnd> held;
  for (int i = 0; i < 3; ++i) held.push_back(call_in());
  EXPECT_TRUE(call_in().has_been_closed());
  EXPECT_EQ(refused(Refusal::SourceConnections), 1U);
  EXPECT_FALSE(call_in(kOutsideTcp, kOtherLoopback).has_been_closed());
  held.pop_back();
  turn_until([&] { return connections->size() == 2; });
  EXPECT_FALSE(call_in().has_been_closed());
}

TEST_F(ConnectionsLimits, KeepRoomForWhoIsKnown) {
  config.dataplane.capacity.connections = 16;
  config.security.limits.tcp.connections_per_source = 100;
  start();
  std::vector<FarEnd> held;
  for (int i = 0; i < 14; ++i) held.push_back(call_in());
  EXPECT_TRUE(call_in().has_been_closed());
  EXPECT_EQ(refused(Refusal::AllConnections), 1U);
  held.push_back(call_in(kInsideTcp, kOtherLoopback));
  held.push_back(call_in(kInsideTcp));
  EXPECT_EQ(connections->size(), 16U);
  EXPECT_TRUE(call_in(kInsideTcp).has_been_closed());
  EXPECT_EQ(refused(Refusal::AllConnections), 2U);
}

TEST_F(ConnectionsLimits, BoundWhatOnePeerHolds) {
  config.dataplane.capacity.connections = 100;
  config.security.limits.tcp.connections_per_source = 5;
  start();
  std::vector<FarEnd> held;
  for (int i = 0; i < 25; ++i) held.push_back(call_in(kInsideTcp, kOtherLoopback));
  EXPECT_EQ(connections->size(), 25U);
  EXPECT_TRUE(call_in(kInsideTcp, kOtherLoopback).has_been_closed());
  EXPECT_EQ(refused(Refusal::PeerConnections), 1U);
}

TEST_F(ConnectionsLimits, CloseAStrangerThatSaysNothing) {
  start();
  const FarEnd far = call_in();
  pass(config.security.limits.tcp.first_message - 1ms);
  EXPECT_EQ(connections->size(), 1U);
  pass(2ms);
  EXPECT_EQ(closed(Ending::FirstMessage), 1U);
  EXPECT_TRUE(far.has_been_closed());
}

TEST_F(ConnectionsLimits, TakeNoPingForAMessage) {
  start();
  const FarEnd far = call_in();
  for (int i = 0; i < 3; ++i) {
    pass(4s);
    if (connections->size() == 0) break;
    far.say("\r\n\r\n");
    turn();
  }
  EXPECT_EQ(closed(Ending::FirstMessage), 1U);
}

TEST_F(ConnectionsLimits, CloseWhoNeverEndsItsMessage) {
  start();
  const FarEnd far = call_in();
  far.say(options_request("one"));
  turn();
  const std::string request = options_request("two");
  std::size_t said = 0;
  for (; said < 12 && connections->size() == 1; ++said) {
    far.say(request.substr(said, 1));
    turn();
    pass(1s);
  }
  EXPECT_EQ(said, 10U) << "one octet a second";
  EXPECT_EQ(closed(Ending::Slow), 1U);
  EXPECT_EQ(take_arrived().size(), 1U);
}

TEST_F(ConnectionsLimits, CloseAnIdleStrangerButNoPeerAndNobodyWhoPings) {
  start();
  const FarEnd stranger = call_in(), pinging = call_in(), peer = call_in(kInsideTcp, kOtherLoopback);
  stranger.say(options_request("one"));
  pinging.say(options_request("two"));
  turn();
  for (int i = 0; i < 4; ++i) {
    pass(3min);
    pinging.say("\r\n\r\n");
    turn();
  }
  EXPECT_EQ(closed(Ending::Idle), 1U);
  EXPECT_TRUE(stranger.has_been_closed());
  EXPECT_EQ(connections->size(), 2U);
  EXPECT_FALSE(peer.has_been_closed());
}

// RFC 5626 §4.4.1: the phone answers each ping of ours by one CRLF, and says nothing else for hours.
TEST_F(ConnectionsLimits, KeepAConnectionWhoseOtherEndOnlyAnswersPings) {
  start();
  const FarEnd phone = call_in();
  phone.say(options_request("one"));
  turn();
  const auto spoken = take_arrived();
  ASSERT_EQ(spoken.size(), 1U);
  for (int i = 0; i < 40; ++i) {
    send(answer_path(spoken[0]), "\r\n\r\n");
    turn();
    EXPECT_EQ(phone.hear_now(), "\r\n\r\n") << "a ping, and no answer to what was one";
    phone.say("\r\n");
    turn();
    pass(25s);
  }
  EXPECT_EQ(closed(Ending::Slow), 0U);
  EXPECT_EQ(closed(Ending::Idle), 0U);
  EXPECT_FALSE(phone.has_been_closed());
}

// threats P14
TEST_F(ConnectionsLimits, BoundWhatUnfinishedMessagesOfAllStrangersTake) {
  unfinished_octets = 600000;
  start();
  const std::string most =
      "OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 65000\r\n\r\n" + std::string(60000, 'x');
  const FarEnd modest = call_in();
  modest.say(most.substr(0, 100));
  std::vector<FarEnd> greedy;
  for (int i = 0; i < 18 && closed(Ending::NoRoom) == 0; ++i) {
    greedy.push_back(call_in());
    greedy.back().say(most);
    turn();
  }
  EXPECT_EQ(closed(Ending::NoRoom), 1U);
  EXPECT_EQ(connections->size(), greedy.size());
  EXPECT_GE(greedy.size(), 10U);
  modest.say(most.substr(100, 100));
  turn();
  EXPECT_FALSE(modest.has_been_closed());
}

TEST(SourceCaps, CountAnIpv6NetworkAsOneSource) {
  SourceCaps caps({1, 2});
  const IpAddress one = *IpAddress::parse("fd18:1::1"), two = *IpAddress::parse("fd18:1::ffff:2"),
                  other = *IpAddress::parse("fd18:2::1");
  EXPECT_TRUE(caps.take(PortIndex{0}, one, 1));
  EXPECT_FALSE(caps.take(PortIndex{0}, two, 1));
  EXPECT_TRUE(caps.take(PortIndex{0}, other, 1));
  EXPECT_TRUE(caps.take(PortIndex{1}, two, 1)) << "another port is another network";
  EXPECT_EQ(caps.sources(), 3U);
  caps.give_back(PortIndex{0}, two);
  EXPECT_EQ(caps.sources(), 2U);
  EXPECT_TRUE(caps.take(PortIndex{0}, two, 1));
  EXPECT_FALSE(caps.take(PortIndex{0}, *IpAddress::parse("fd18:9::1"), 0));
}

TEST(Ways, ForgetPausesOfLongAgoWhenThereAreTooMany) {
  Ways ways({1, 2});
  const auto way_to = [](std::uint32_t host) {
    Way way;
    way.remote = {IpAddress::v4(0x0a000000 + host), 5060};
    return way;
  };
  const Timestamp begin{1s};
  for (std::uint32_t i = 0; i < Ways::kPausedMax + 10; ++i) ways.failed(way_to(i), begin);
  EXPECT_TRUE(ways.is_paused(way_to(0), begin));
  EXPECT_FALSE(ways.is_paused(way_to(Ways::kPausedMax + 5), begin)) << "full: tried again at once";
  const Timestamp later = begin + 2min;
  ways.failed(way_to(Ways::kPausedMax + 5), later);
  EXPECT_TRUE(ways.is_paused(way_to(Ways::kPausedMax + 5), later));
}

TEST(OutputQueue, KeepsAMessageUntilItsLastOctetIsOut) {
  OutputQueue queue;
  const auto put = [&](const char* text) {
    QueuedMessage message;
    message.bytes = text;
    return queue.put(message, 8);
  };
  EXPECT_TRUE(put("abcd"));
  EXPECT_TRUE(put("ef"));
  EXPECT_FALSE(put("ghi"));
  std::vector<QueuedMessage> out;
  queue.written(3, out);
  EXPECT_TRUE(out.empty());
  queue.written(2, out);
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0].bytes, "abcd");
  EXPECT_EQ(queue.out_of_first(), 1U);
  EXPECT_EQ(queue.octets(), 2U);
  const auto left = queue.take_all();
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].bytes, "ef");
  EXPECT_TRUE(queue.empty());
  EXPECT_TRUE(put("longer than the bound")) << "an empty queue takes any message";
}

TEST(ShardPosts, KeepWhatMustBeHeardUntilThereIsRoomUpToABound) {
  ConnectionInbox inbox(8);  // two of them for strangers
  ShardPosts posts({{&inbox, nullptr, nullptr}});
  const auto failure = [] { return std::make_unique<StreamMessage>(StreamMessage{StreamMessage::Failed{}}); };
  std::size_t taken = 0;
  for (std::size_t i = 0; i < ShardPosts::kHeldMax + 10; ++i)
    taken += posts.post(0, Lane::Strangers, failure());
  EXPECT_EQ(taken, ShardPosts::kHeldMax + 2);
  EXPECT_FALSE(posts.has_room(0, Lane::Strangers));
  EXPECT_FALSE(posts.post(1, Lane::Strangers, failure())) << "there is no such shard";
  for (const Lane lane : {Lane::Known, Lane::Trusted}) {
    EXPECT_TRUE(posts.has_room(0, lane));
    taken += posts.post(0, lane, failure());
  }
  for (FromConnections mail; posts.flush() || !inbox.empty();)
    while (inbox.receive(mail)) {
      delete mail.message;
      --taken;
    }
  EXPECT_EQ(taken, 0U);
  EXPECT_TRUE(posts.has_room(0, Lane::Strangers));
}

// A shard that does nothing for a while, and many connections of strangers that all have something to say.
TEST_F(ConnectionsLimits, StrangersTakeTheirShareOfTheWayToAShardAndNoMore) {
  mailbox_capacity = 4;
  config.security.limits.source = {{1000, 1s}, 1000};
  start();
  std::vector<FarEnd> strangers;
  for (int i = 0; i < 6; ++i) strangers.push_back(call_in());
  std::string many;
  for (int i = 0; i < 4; ++i) many += options_request("stranger", std::to_string(i));
  for (const FarEnd& one : strangers) one.say(many);
  turn();
  EXPECT_EQ(inboxes[0]->lane(Lane::Strangers).used() + inboxes[1]->lane(Lane::Strangers).used(), 4U)
      << "all of one call, so of one shard";
  const FarEnd peer = call_in(kInsideTcp);
  peer.say(options_request("stranger", "of the peer"));
  turn();
  const auto messages = take_arrived();
  EXPECT_EQ(std::count_if(messages.begin(), messages.end(),
                          [](const auto& one) { return one.bytes.ends_with("of the peer"); }),
            1);
  std::size_t count = messages.size() - 1;
  for (int turns = 0; turns < 30; ++turns) {
    pass(2ms);
    count += take_arrived().size();
  }
  EXPECT_EQ(count, 24U) << "nothing of theirs is lost";
}

}  // namespace
}  // namespace sallyport::dataplane
