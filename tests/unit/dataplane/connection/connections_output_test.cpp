// connections_output_test.cpp — what shards want sent: connections that we open, their reuse, their failure.
// RFC 3261 §18.1.1, §18.4; RFC 5923.
#include "tests/unit/dataplane/connection/connection_world.h"

namespace sallyport::dataplane {
namespace {

class ConnectionsOutput : public ConnectionWorld {
 protected:
  // Until Linux and the queue have no room for more; how many messages were refused.
  std::size_t fill(const sip::Path& path) {
    std::size_t refused_count = 0;
    for (int i = 0; i < 300 && refused_count == 0; ++i) {
      send(path, std::string(60000, 'x'));
      turn();
      refused_count = take_failed().size();
    }
    return refused_count;
  }
};

TEST_F(ConnectionsOutput, OpenAConnectionFromTheListenersAddressAndSendWhatWaits) {
  start();
  const FarListener target(kOtherLoopback);
  send(inside_path(target.endpoint()), "first");
  send(inside_path(target.endpoint()), "second");
  const FarEnd far = taken(target);
  EXPECT_EQ(heard(far, 11), "firstsecond");
  EXPECT_EQ(active(Transport::Tcp, ConnectionDirection::Out), 1U);
  ASSERT_EQ(permits.open.size(), 1U);
  EXPECT_EQ(permits.open[0].first.address, kLoopback);
  EXPECT_EQ(permits.open[0].second, target.endpoint());
  EXPECT_FALSE(target.take()) << "both share one connection";
}

TEST_F(ConnectionsOutput, GoOnWithTheConnectionThatIsOpen) {
  start();
  const FarListener target(kOtherLoopback);
  send(inside_path(target.endpoint()), "first");
  const FarEnd far = taken(target);
  EXPECT_EQ(heard(far, 5), "first");
  send(inside_path(target.endpoint()), "second", 1);
  EXPECT_EQ(heard(far, 6), "second");
  EXPECT_FALSE(target.take());
}

TEST_F(ConnectionsOutput, HandOverWhatComesBackAsFromThePeerThatWasCalled) {
  start();
  const FarListener target(kOtherLoopback);
  const sip::Path path = inside_path(target.endpoint());
  send(path, "question");
  const FarEnd far = taken(target);
  EXPECT_EQ(heard(far, 8), "question");
  far.say("SIP/2.0 200 OK\r\nCall-ID: x\r\nContent-Length: 0\r\n\r\n");
  turn_until([&] {
    collect();
    return !arrived.empty();
  });
  const sip::MessageInput& input = arrived.front().input;
  EXPECT_EQ(input.trust, TrustClass::Known);
  EXPECT_EQ(input.peer, kPbx);
  EXPECT_EQ(input.realm, kInside);
  EXPECT_EQ(input.listener, kInsideTcp);
  EXPECT_EQ(input.local, path.local);
  EXPECT_EQ(input.remote, path.remote);
}

// RFC 3261 §18.4
TEST_F(ConnectionsOutput, TellTheShardWhatCouldNotLeaveWhenNobodyListens) {
  start();
  Endpoint nobody;
  {
    const FarListener gone(kOtherLoopback);
    nobody = gone.endpoint();
  }
  send(inside_path(nobody), "one");
  send(inside_path(nobody), "two", 1);
  turn_until([&] {
    collect();
    return failed.size() == 2;
  });
  EXPECT_EQ(failed[0].path, inside_path(nobody));
  EXPECT_EQ(connections->size(), 0U);
  EXPECT_TRUE(permits.open.empty());
  EXPECT_EQ(closed(Ending::ConnectFailed), 1U);
  EXPECT_EQ(connections->counters().messages_failed.value(), 2U);
}

TEST_F(ConnectionsOutput, LeaveATargetAloneForAWhileAfterItFailed) {
  start();
  Endpoint nobody;
  {
    const FarListener gone(kOtherLoopback);
    nobody = gone.endpoint();
  }
  const auto opened = [&] {
    return connections->counters().opened[0][static_cast<std::size_t>(ConnectionDirection::Out)].value();
  };
  const auto fails = [&] {
    send(inside_path(nobody), "one");
    std::size_t count = 0;
    turn_until([&] { return (count += take_failed().size()) == 1; });
  };
  fails();
  EXPECT_EQ(opened(), 1U);
  fails();
  EXPECT_EQ(opened(), 1U) << "failed at once";
  pass(1s);
  fails();
  EXPECT_EQ(opened(), 2U);
  pass(1s);
  fails();
  EXPECT_EQ(opened(), 2U) << "the pause has doubled";
  pass(1s);
  fails();
  EXPECT_EQ(opened(), 3U);
}

TEST_F(ConnectionsOutput, FailAtOnceWithoutAPermit) {
  permits.has_room = false;
  start();
  const FarListener target(kOtherLoopback);
  send(inside_path(target.endpoint()), "one");
  turn();
  EXPECT_EQ(take_failed().size(), 1U);
  EXPECT_EQ(connections->size(), 0U);
}

// RFC 5923 §8.2
TEST_F(ConnectionsOutput, NeverUseAConnectionThatAStrangerOpenedUnlessItIsNamed) {
  start();
  sip::Path path;
  const FarEnd far = spoken(path);
  path.connection = 0;
  send(path, "unnamed");
  turn_until([&] { return take_failed().size() == 1; });  // nobody listens at its source port
  EXPECT_EQ(far.hear_now(), "");
}

TEST_F(ConnectionsOutput, OpenAnotherConnectionWhenTheNamedOneIsGone) {
  start();
  const FarListener target(kOtherLoopback);
  sip::Path path = inside_path(target.endpoint());
  path.connection = 0x700000001;
  send(path, "hello");
  const FarEnd far = taken(target);
  EXPECT_EQ(heard(far, 5), "hello");
}

// Behind a NAT nobody would answer for seconds; the engine has other bindings. RFC 5626 §5.3
TEST_F(ConnectionsOutput, FailAtOnceWhereAnEndpointWasWhoseConnectionIsGone) {
  config.registrars.emplace_back().realm = "outside";
  PeerConfig& place = config.peers.emplace_back();
  place.name = "phones";
  place.realm = "outside";
  place.registrar = 0;
  start();
  const FarListener listener;
  sip::Path path;
  FarEnd far = spoken(path, kOutsideTcp, kLoopback);
  path.peer = PeerIndex{2};
  send(path, "first");
  EXPECT_EQ(heard(far, 5), "first");
  far.reset();
  turn_until([&] { return connections->size() == 0; });
  path.remote = listener.endpoint();
  send(path, "second");
  turn();
  EXPECT_EQ(take_failed().size(), 1U);
  EXPECT_EQ(active(Transport::Tcp, ConnectionDirection::Out), 0U);
  path.connection = 0;  // one that says where it listens
  send(path, "third");
  EXPECT_EQ(heard(taken(listener), 5), "third");
}

TEST_F(ConnectionsOutput, NeverSendIntoAnotherRealmOrTransportThanThePathSays) {
  start();
  sip::Path way_back;
  const FarEnd far = spoken(way_back, kOutsideTcp, kLoopback);
  sip::Path path = way_back;
  path.realm = kInside;
  path.local = *connections->listening_at(kInsideTcp);
  send(path, "wrong");
  turn_until([&] { return take_failed().size() == 1; });
  path = way_back;
  path.transport = Transport::Tls;
  send(path, "wrong");
  turn_until([&] { return take_failed().size() == 1; });
  EXPECT_EQ(far.hear_now(), "");
}

TEST_F(ConnectionsOutput, FailWhatASlowPeerHasNoRoomForAndCloseOneThatNeverReads) {
  start();
  sip::Path path;
  const FarEnd far = spoken(path, kOutsideTcp, kLoopback);
  far.take_little();
  EXPECT_EQ(fill(path), 1U);
  EXPECT_EQ(connections->counters().queue_full.value(), 1U);
  // Others are served all the while.
  const FarEnd other = call_in(kOutsideTcp);
  other.say(options_request("two"));
  turn();
  EXPECT_EQ(take_arrived().size(), 1U);
  pass(Connection::kStallTime + 1ms);
  EXPECT_EQ(closed(Ending::NotReading), 1U);
  EXPECT_GE(take_failed().size(), 3U);
}

TEST_F(ConnectionsOutput, GoOnWithASlowPeerThatReads) {
  start();
  sip::Path path;
  const FarEnd far = spoken(path, kInsideTcp, kLoopback);
  const std::string big(60000, 'x');
  std::size_t said = 0, heard_octets = 0;
  for (int i = 0; i < 100; ++i) {
    send(path, big);
    turn();
    said += big.size();
    heard_octets += far.hear_now().size();
    said -= take_failed().size() * big.size();
  }
  turn_until([&] { return (heard_octets += far.hear_now().size()) == said; });
  EXPECT_EQ(closed(Ending::NotReading), 0U);
}

// Else who never reads our answers has us work for it at full speed until it is closed.
TEST_F(ConnectionsOutput, HardlyReadAPeerThatDoesNotReadUntilItDoes) {
  mailbox_capacity = 1024;
  start();
  sip::Path path;
  const FarEnd far = spoken(path);
  EXPECT_EQ(fill(path), 1U);
  constexpr std::size_t kAsked = 200;
  for (std::size_t i = 0; i < kAsked; ++i) far.say(options_request("same"));
  turn();
  std::size_t arrived_count = take_arrived().size();
  EXPECT_EQ(arrived_count, 0U);
  pass(Connection::kUnreadRetry);
  arrived_count += take_arrived().size();
  EXPECT_GE(arrived_count, 1U) << "it may wait for us to read, as we do for it";
  EXPECT_LE(arrived_count, 40U);
  std::size_t heard_octets = 0;
  turn_until([&] {
    heard_octets += far.hear_now().size();
    return (arrived_count += take_arrived().size()) == kAsked;
  });
  EXPECT_GT(heard_octets, Connections::kPeerQueueOctets / 4);
  EXPECT_EQ(closed(Ending::NotReading), 0U);
}

TEST_F(ConnectionsOutput, ReadAPeerAtFullSpeedWhoseAnswersLeave) {
  mailbox_capacity = 1024;
  start();
  sip::Path path;
  const FarEnd far = spoken(path);
  for (int i = 0; i < 10; ++i) {
    send(path, std::string(60000, 'x'));
    far.say(options_request("same"));
    std::size_t heard_octets = 0;
    turn_until([&] { return (heard_octets += far.hear_now().size()) == 60000; });
    turn();
    EXPECT_EQ(take_arrived().size(), 1U);
  }
}

TEST_F(ConnectionsOutput, CloseWhoNeverReadsThoughItGoesOnAsking) {
  mailbox_capacity = 1024;
  start();
  sip::Path path;
  const FarEnd far = spoken(path);
  far.take_little();
  EXPECT_EQ(fill(path), 1U);
  for (int i = 0; i < 110 && closed(Ending::NotReading) == 0; ++i) {
    far.say(options_request("same"));
    pass(Connection::kUnreadRetry);
  }
  EXPECT_EQ(closed(Ending::NotReading), 1U);
}

TEST_F(ConnectionsOutput, TellWhichMessagesDidNotLeaveWhenTheConnectionBreaks) {
  start();
  const FarListener target(kOtherLoopback);
  send(inside_path(target.endpoint()), "first");
  FarEnd far = taken(target);
  EXPECT_EQ(heard(far, 5), "first");
  far.take_little();
  EXPECT_EQ(fill(inside_path(target.endpoint())), 1U);
  far.reset();
  turn_until([&] { return closed(Ending::Reset) == 1; });
  EXPECT_GT(take_failed().size(), 0U) << "no more is sent again than a connection keeps";
}

TEST_F(ConnectionsOutput, CloseOnceWhatWasSentIsOut) {
  start();
  sip::Path path;
  const FarEnd far = spoken(path, kInsideTcp, kLoopback);
  send(path, "last");
  order_close(path.connection);
  turn();
  EXPECT_EQ(far.hear_now(), "last");
  EXPECT_TRUE(far.has_been_closed());
  EXPECT_EQ(connections->size(), 1U) << "waits for the other side's end";
  pass(Connection::kLingerTime + 1ms);
  EXPECT_EQ(connections->size(), 0U);
  EXPECT_EQ(closed(Ending::ByEngine), 1U);
}

TEST_F(ConnectionsOutput, AnswerEachQuestionForANameThoughThereAreNoNameServers) {
  start();
  ask(7);
  turn();
  collect();
  ASSERT_EQ(answered.size(), 1U);
  EXPECT_EQ(answered[0].id, 7U);
  EXPECT_FALSE(answered[0].is_answered);
}

TEST_F(ConnectionsOutput, CarryQuestionsToTheNameServersAndTheirAnswersBack) {
  std::vector<std::uint64_t> asked;
  asker = [&](std::uint64_t tag, const sip::DnsQuery& query) {
    EXPECT_EQ(tag, 0U);
    asked.push_back(query.id);
  };
  start();
  ask(9);
  turn();
  EXPECT_EQ(asked, std::vector<std::uint64_t>{9});
  const std::vector<std::uint8_t> octets{1, 2, 3};
  connections->on_dns_reply(0, {9, true, octets});
  turn();
  collect();
  ASSERT_EQ(answered.size(), 1U);
  EXPECT_TRUE(answered[0].is_answered);
  EXPECT_EQ(answered[0].message, octets);
}

TEST_F(ConnectionsOutput, EndWithFinOnceAllIsSaidWhenStopped) {
  start();
  sip::Path path;
  const FarEnd far = spoken(path, kInsideTcp, kLoopback);
  send(path, "bye");
  connections->begin_stop(now);
  EXPECT_FALSE(connections->has_stopped());
  turn_until([&] { return connections->has_stopped(); });
  EXPECT_EQ(far.hear_now(), "bye");
  EXPECT_TRUE(far.has_been_closed());
  EXPECT_EQ(closed(Ending::Stopping), 1U);
}

TEST_F(ConnectionsOutput, WaitForNobodyLongerThanASecondWhenStopped) {
  start();
  sip::Path path;
  const FarEnd far = spoken(path, kInsideTcp, kLoopback);
  far.take_little();
  EXPECT_EQ(fill(path), 1U);
  connections->begin_stop(now);
  turn();
  EXPECT_FALSE(connections->has_stopped());
  pass(Connections::kStopTime);
  EXPECT_TRUE(connections->has_stopped());
}

}  // namespace
}  // namespace sallyport::dataplane
