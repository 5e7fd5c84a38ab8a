// connections_again_test.cpp — what the other side's TCP never acknowledged goes once more over another
// connection, and whom a target's back-off outlives. RFC 3261 §18.2.2, §18.4; RFC 9293 §3.10.7.
#include "tests/unit/dataplane/connection/connection_world.h"

namespace sallyport::dataplane {
namespace {

class ConnectionsAgain : public ConnectionWorld {
 protected:
  std::size_t failures(std::size_t expected) {
    std::size_t count = 0;
    turn_until([&] { return (count += take_failed().size()) >= expected; });
    return count;
  }
  // Where nobody listens.
  static Endpoint nobody() { return FarListener(kOtherLoopback).endpoint(); }
  [[nodiscard]] std::uint64_t attempts() const {
    return connections->counters().opened[0][static_cast<std::size_t>(ConnectionDirection::Out)].value();
  }
};

TEST_F(ConnectionsAgain, SendOnceMoreWhatWasWrittenToOneWhoHadJustClosed) {
  start();
  const FarListener target(kOtherLoopback);
  FarEnd far = opened(target);
  far.close();
  send(inside_path(target.endpoint()), "bye");
  const FarEnd next = taken(target);
  EXPECT_EQ(heard(next, 3), "bye");
  turn();
  EXPECT_EQ(next.hear_now(), "");
  EXPECT_TRUE(take_failed().empty());
  EXPECT_EQ(connections->size(), 1U);
}

TEST_F(ConnectionsAgain, SendOnceMoreWithoutDelayingWhatIsNew) {
  start();
  const FarListener target(kOtherLoopback);
  FarEnd far = opened(target);
  far.close();
  send(inside_path(target.endpoint()), "one");
  static_cast<void>(connections->run_once(now));
  send(inside_path(target.endpoint()), "two", 1);
  const FarEnd next = taken(target);
  const std::string all = heard(next, 6);
  EXPECT_TRUE(all == "onetwo" || all == "twoone") << all;
  EXPECT_TRUE(take_failed().empty());
}

// RFC 3261 §18.2.2
TEST_F(ConnectionsAgain, SendAResponseOnceMoreToWhereItsPathLeads) {
  start();
  const FarListener target(kOtherLoopback);
  sip::Path path;
  FarEnd far = spoken(path);
  path.remote = target.endpoint();
  far.close();
  send(path, "SIP/2.0 200 OK\r\n\r\n");
  const FarEnd next = taken(target);
  EXPECT_EQ(heard(next, 18), "SIP/2.0 200 OK\r\n\r\n");
  EXPECT_TRUE(take_failed().empty());
}

TEST_F(ConnectionsAgain, TellTheShardWhenThereIsNoOtherWay) {
  start();
  sip::Path path;
  FarEnd far = spoken(path);
  far.close();
  send(path, "answer");
  EXPECT_EQ(failures(1), 1U);
}

TEST_F(ConnectionsAgain, NeverSendAMessageAThirdTime) {
  start();
  const FarListener target(kOtherLoopback);
  FarEnd far = opened(target);
  far.close();
  send(inside_path(target.endpoint()), "bye");
  std::optional<FarEnd> next;
  for (int i = 0; i < 100 && !next; ++i) {
    static_cast<void>(connections->run_once(now));
    next = target.take();
  }
  ASSERT_TRUE(next);
  next->close();  // before it can have been written
  EXPECT_EQ(failures(1), 1U);
  turn();
  EXPECT_FALSE(target.take());
  EXPECT_EQ(connections->size(), 0U);
}

TEST_F(ConnectionsAgain, SendOnceMoreWhatWasNotAcknowledgedBeforeAReset) {
  start();
  const FarListener target(kOtherLoopback);
  FarEnd far = opened(target);
  const std::string big = send_big(inside_path(target.endpoint()), far);
  far.reset();
  const FarEnd next = taken(target);
  EXPECT_EQ(heard(next, big.size()), big);
  EXPECT_TRUE(take_failed().empty());
}

TEST_F(ConnectionsAgain, SendNothingOnceMoreThatWasAcknowledged) {
  start();
  const FarListener target(kOtherLoopback);
  FarEnd far = opened(target);
  far.reset();
  turn_until([&] { return connections->size() == 0; });
  turn();
  EXPECT_FALSE(target.take());
  EXPECT_TRUE(take_failed().empty());
}

TEST_F(ConnectionsAgain, WaitForTheAcknowledgementOfOneWhoHasSaidAll) {
  start();
  const FarListener target(kOtherLoopback);
  const FarEnd far = opened(target);
  const std::string big = send_big(inside_path(target.endpoint()), far);
  far.say_no_more();
  EXPECT_EQ(heard(far, big.size()), big);
  pass(Connection::kHalfClosedTime + 1ms);
  turn_until([&] { return connections->size() == 0; });
  EXPECT_FALSE(target.take());
  EXPECT_TRUE(take_failed().empty());
}

TEST_F(ConnectionsAgain, SendOnceMoreWhatOneWhoHasSaidAllNeverAcknowledged) {
  start();
  const FarListener target(kOtherLoopback);
  const FarEnd far = opened(target);
  const std::string big = send_big(inside_path(target.endpoint()), far);
  far.say_no_more();
  turn_until([&] { return active(Transport::Tcp, ConnectionDirection::Out) == 1; });
  turn();
  EXPECT_FALSE(target.take()) << "not before the grace is over";
  pass(Connection::kHalfClosedTime + 1ms);
  const FarEnd next = taken(target);
  EXPECT_EQ(heard(next, big.size()), big);
}

TEST_F(ConnectionsAgain, AnswerOneWhoHasSaidAllThoughTheEngineClosesAtOnce) {
  start();
  sip::Path path;
  const FarEnd far = spoken(path);
  far.say_no_more();
  turn();
  send(path, "answer");
  order_close(path.connection);
  EXPECT_EQ(heard(far, 6), "answer");
  turn_until([&] { return connections->size() == 0; });
  EXPECT_TRUE(take_failed().empty());
}

TEST_F(ConnectionsAgain, SendOnceMoreWhatWasNotAcknowledgedWhenBothHadSaidAll) {
  start();
  const FarListener target(kOtherLoopback);
  sip::Path path;
  const FarEnd far = spoken(path);
  path.remote = target.endpoint();
  far.take_little();
  const std::string big(60000, 'x');
  send(path, big);
  order_close(path.connection);
  turn();
  far.say_no_more();
  turn();
  EXPECT_EQ(connections->size(), 1U);
  EXPECT_FALSE(target.take());
  pass(Connection::kLingerTime + 1ms);
  const FarEnd next = taken(target);
  EXPECT_EQ(heard(next, big.size()), big);
  EXPECT_EQ(closed(Ending::ByEngine), 1U);
}

TEST_F(ConnectionsAgain, SendNothingOnceMoreThatIsTooOldForItsTransaction) {
  start();
  const FarListener target(kOtherLoopback);
  FarEnd far = opened(target);
  (void)send_big(inside_path(target.endpoint()), far);
  pass(33s);
  far.reset();
  EXPECT_EQ(failures(1), 1U);
  EXPECT_FALSE(target.take());
}

TEST_F(ConnectionsAgain, TryATargetAtOnceWhenSomebodyConnectsFromThere) {
  start();
  const Endpoint target = nobody();
  send(inside_path(target), "one");
  EXPECT_EQ(failures(1), 1U);
  EXPECT_EQ(attempts(), 1U);
  const FarEnd elsewhere = call_in(kOutsideTcp, kOtherLoopback);
  const FarEnd other = call_in(kInsideTcp, kLoopback);
  send(inside_path(target), "two");
  EXPECT_EQ(failures(1), 1U);
  EXPECT_EQ(attempts(), 1U) << "another realm and another address say nothing";
  const FarEnd far = call_in(kInsideTcp, kOtherLoopback);
  send(inside_path(target), "three");
  EXPECT_EQ(failures(1), 1U);
  EXPECT_EQ(attempts(), 2U);
}

TEST_F(ConnectionsAgain, TryATargetAtOnceWhenAMessageComesFromThere) {
  start();
  const FarEnd far = call_in(kInsideTcp, kOtherLoopback);
  const Endpoint target = nobody();
  send(inside_path(target), "one");
  EXPECT_EQ(failures(1), 1U);
  far.say(options_request("one"));
  turn_until([&] { return !take_arrived().empty(); });
  send(inside_path(target), "two");
  EXPECT_EQ(failures(1), 1U);
  EXPECT_EQ(attempts(), 2U);
}

}  // namespace
}  // namespace sallyport::dataplane
