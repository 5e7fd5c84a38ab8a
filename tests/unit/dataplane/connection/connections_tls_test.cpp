// connections_tls_test.cpp — sessions on their way to the handshake threads and back, and whom a certificate
// proves, with a TLS that is none: tls/ has tests of its own. RFC 5922 §7, RFC 5923 §8; threats R9, I6.
//
// What the other side says in a handshake: "HELLO NAME\n", where NAME is what its certificate proves ("-":
// nothing), or "BAD\n". It is answered "WELCOME\n", or "ALERT\n". From then on octets are what they are.
#include <sys/eventfd.h>

#include <deque>

#include "tests/unit/dataplane/connection/connection_world.h"

namespace sallyport::dataplane {
namespace {

class PretendedSession final : public TlsSession {
 public:
  explicit PretendedSession(std::string greeting) { wire_ = std::move(greeting); }

  void take(std::span<const std::uint8_t> from_wire) override {
    in_.append(reinterpret_cast<const char*>(from_wire.data()), from_wire.size());
  }
  TlsState advance(std::string& plain, std::size_t plain_max) override {
    if (state_ == TlsState::Handshaking && in_.find('\n') != std::string::npos) shake_hands();
    if (state_ == TlsState::Open) {
      const std::size_t size = std::min(plain_max, in_.size());
      plain.append(in_, 0, size);
      in_.erase(0, size);
    }
    return state_;
  }
  bool send(std::string_view plain) override {
    wire_.append(plain);
    return true;
  }
  void close() override { wire_.append("CLOSE\n"); }
  std::span<const std::uint8_t> to_wire() const override {
    return {reinterpret_cast<const std::uint8_t*>(wire_.data()), wire_.size()};
  }
  void written(std::size_t octets) override { wire_.erase(0, octets); }
  TlsResult failure() const noexcept override {
    return state_ == TlsState::Failed ? TlsResult::Untrusted : TlsResult::Ok;
  }
  std::string why() const override { return {}; }
  const std::vector<std::string>& proved_names() const noexcept override { return names_; }
  std::size_t memory() const noexcept override { return in_.size() + wire_.size(); }

 private:
  void shake_hands() {
    const std::string line = in_.substr(0, in_.find('\n'));
    in_.erase(0, line.size() + 1);
    state_ = line.starts_with("HELLO ") ? TlsState::Open : TlsState::Failed;
    wire_ += state_ == TlsState::Open ? "WELCOME\n" : "ALERT\n";
    if (line != "HELLO -" && state_ == TlsState::Open) names_ = {line.substr(6)};
  }
  TlsState state_ = TlsState::Handshaking;
  std::string in_, wire_;
  std::vector<std::string> names_;
};

class PretendedContexts final : public TlsContexts {
 public:
  std::unique_ptr<TlsSession> accept_on(ListenerIndex) override {
    return std::make_unique<PretendedSession>("");
  }
  std::unique_ptr<TlsSession> connect_to(PeerIndex, std::string_view name) override {
    asked_for.emplace_back(name);
    return std::make_unique<PretendedSession>("HELLO we\n");
  }
  std::vector<std::string> refresh() override { return {}; }
  Result<void, std::string> prepare(const SbcConfig&) override { return {}; }
  void take_effect() noexcept override {}
  void rotate_tickets(Timestamp) override {}
  std::vector<CertificateExpiry> expiries() const override { return {}; }

  std::vector<std::string> asked_for;
};

// Does each step when it is told to, on the test's thread.
class PretendedHandshakes final : public TlsHandshakes {
 public:
  PretendedHandshakes() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}
  bool submit(HandshakeStep& step) override {
    if (waiting_.size() >= room) return false;
    waiting_.push_back(std::move(step));
    if (!is_slow) work();
    return true;
  }
  std::optional<HandshakeStep> take_done() override {
    if (done_.empty()) return std::nullopt;
    HandshakeStep step = std::move(done_.front());
    done_.pop_front();
    if (done_.empty()) {
      std::uint64_t value;
      static_cast<void>(!::read(fd_.get(), &value, sizeof value));
    }
    return step;
  }
  int fd() const noexcept override { return fd_.get(); }
  std::size_t waiting() const noexcept override { return waiting_.size(); }

  void work() {
    if (waiting_.empty()) return;
    for (HandshakeStep& step : waiting_) {
      step.session->take(step.from_wire);
      step.from_wire.clear();
      step.state = step.session->advance(step.early_plain, 16384);
      done_.push_back(std::move(step));
    }
    waiting_.clear();
    const std::uint64_t one = 1;
    static_cast<void>(!::write(fd_.get(), &one, sizeof one));
  }
  std::size_t room = 100;
  bool is_slow = false;

 private:
  UniqueFd fd_;
  std::deque<HandshakeStep> waiting_, done_;
};

class ConnectionsTls : public ConnectionWorld {
 protected:
  ConnectionsTls() {
    tls = &contexts;
    handshakes = &worker;
  }
  ~ConnectionsTls() override { connections.reset(); }
  [[nodiscard]] std::uint64_t shaken(TlsResult result, RealmIndex realm = kOutside) const {
    return connections->counters().handshakes[to_position(realm)].value(result);
  }
  [[nodiscard]] sip::Path trunk_path(const Endpoint& remote) const {
    sip::Path path;
    path.realm = kOutside;
    path.local = *connections->listening_at(kOutsideTls);
    path.remote = remote;
    path.transport = Transport::Tls;
    path.peer = kTrunk;
    return path;
  }
  // To the trunk once it has been taken out of the configuration: the names that are asked for then.
  [[nodiscard]] std::vector<std::string> names_asked_of_retired_trunk() {
    start();
    const FarListener trunk;
    config.peers[to_position(kTrunk)].is_retired = true;
    adopt();
    send(trunk_path(trunk.endpoint()), "one");
    turn_until([&] { return !contexts.asked_for.empty(); });
    return contexts.asked_for;
  }
  PretendedContexts contexts;
  PretendedHandshakes worker;
};

TEST_F(ConnectionsTls, TakeMessagesOnceTheHandshakeIsDone) {
  start();
  const FarEnd far = call_in(kOutsideTls);
  far.say("HELLO -\n" + options_request("early"));
  turn();
  EXPECT_EQ(far.hear_now(), "WELCOME\n");
  const auto messages = take_arrived();
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_EQ(messages[0].input.transport, Transport::Tls);
  EXPECT_EQ(messages[0].input.listener, kOutsideTls);
  EXPECT_EQ(messages[0].input.trust, TrustClass::Untrusted);
  EXPECT_EQ(messages[0].input.peer, PeerIndex::kNone);
  EXPECT_EQ(shaken(TlsResult::Ok), 1U);
  send(answer_path(messages[0]), "answer");
  turn();
  EXPECT_EQ(far.hear_now(), "answer");
}

TEST_F(ConnectionsTls, KeepWhatArrivesWhileTheSessionIsAway) {
  worker.is_slow = true;
  start();
  const FarEnd far = call_in(kOutsideTls);
  far.say("HEL");
  turn();
  far.say("LO -\n");
  turn();
  worker.work();
  turn();
  far.say(options_request("one"));
  turn();
  worker.work();
  turn();
  EXPECT_EQ(take_arrived().size(), 1U);
}

// RFC 5922 §7
TEST_F(ConnectionsTls, KnowAPeerByItsCertificateInItsOwnRealmOnly) {
  start();
  const FarEnd far = call_in(kOutsideTls);
  far.say("HELLO trunk.example\n" + options_request("one"));
  turn();
  auto messages = take_arrived();
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_EQ(messages[0].input.trust, TrustClass::Known);
  EXPECT_EQ(messages[0].input.peer, kTrunk);
  const FarEnd other = call_in(kOutsideTls);
  other.say("HELLO other.example\n" + options_request("two"));
  turn();
  messages = take_arrived();
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_EQ(messages[0].input.trust, TrustClass::Untrusted);
}

TEST_F(ConnectionsTls, AskTheCertificateOnceMoreWhenAReloadChangesThePeers) {
  start();
  const FarEnd far = call_in(kOutsideTls);
  const auto peer_of_next = [&](std::string_view call_id) {
    far.say(options_request(call_id));
    std::vector<StreamMessage::Arrived> messages;
    turn_until([&] { return !(messages = take_arrived()).empty(); });
    return messages.at(0).input.peer;
  };
  far.say("HELLO trunk.example\n");
  EXPECT_EQ(peer_of_next("one"), kTrunk);
  config.peers[to_position(kTrunk)].targets[0].domain = "other.example";
  adopt();
  EXPECT_EQ(peer_of_next("two"), PeerIndex::kNone);
  PeerConfig& next = config.peers.emplace_back(config.peers[to_position(kTrunk)]);
  next.name = "next";
  next.targets[0].domain = "trunk.example";
  adopt();
  EXPECT_EQ(peer_of_next("three"), PeerIndex{2});
}

TEST_F(ConnectionsTls, LeadToNoOtherPeerThanTheOneTheyWereOpenedFor) {
  start();
  const FarListener trunk;
  send(trunk_path(trunk.endpoint()), "one");
  turn_until([&] { return active(Transport::Tls, ConnectionDirection::Out) == 1; });
  config.peers[to_position(kTrunk)].is_retired = true;
  adopt();
  EXPECT_EQ(connections->size(), 1U);
  config.peers[to_position(kTrunk)].name = "somebody else";
  adopt();
  EXPECT_EQ(closed(Ending::NotAllowed), 1U);
}

// Its registration is taken back when the connection has gone before: where its name led then, it is the name
// that must be proved. RFC 5922 §4, RFC 3261 §10.2.2
TEST_F(ConnectionsTls, AskForTheNameOfAPeerThatIsTakenOut) {
  EXPECT_EQ(names_asked_of_retired_trunk(), std::vector<std::string>{"Trunk.Example"});
}

// Which of several it was nobody knows any more: the address is asked for, which a certificate hardly shows.
TEST_F(ConnectionsTls, AskForNoNameOfAPeerThatIsTakenOutAndHadSeveral) {
  config.peers[to_position(kTrunk)].targets.emplace_back().domain = "second.example";
  EXPECT_EQ(names_asked_of_retired_trunk(), std::vector<std::string>{"127.0.0.1"});
}

// RFC 5922 §7: a connection that is open has proved what was asked for then, not what is asked for now.
TEST_F(ConnectionsTls, LeadToNobodyWhoMustShowAnotherNameNow) {
  start();
  const FarListener trunk;
  send(trunk_path(trunk.endpoint()), "one");
  turn_until([&] { return active(Transport::Tls, ConnectionDirection::Out) == 1; });
  config.peers[to_position(kPbx)].tls.name = "pbx.example";
  adopt();
  EXPECT_EQ(connections->size(), 1U) << "it is another peer's";
  config.peers[to_position(kTrunk)].tls.name = "sbc.trunk.example";
  adopt();
  EXPECT_EQ(closed(Ending::NotAllowed), 1U);
  EXPECT_EQ(connections->size(), 0U);
}

TEST_F(ConnectionsTls, EndWhatOtherAuthoritiesVouchedForInBothDirections) {
  config.tls.authorities = {{"trunks", {"one.pem"}}, {"others", {"two.pem"}}};
  config.peers[to_position(kTrunk)].tls.authorities = {"trunks"};
  start();
  const FarListener trunk;
  send(trunk_path(trunk.endpoint()), "one");
  const FarEnd peer = call_in(kOutsideTls), stranger = call_in(kOutsideTls);
  peer.say("HELLO trunk.example\n");
  stranger.say("HELLO -\n");
  turn_until([&] { return connections->size() == 3 && shaken(TlsResult::Ok) == 2; });
  config.tls.authorities[1].files = {"three.pem"};
  adopt();
  EXPECT_EQ(connections->size(), 3U) << "others vouch for others";
  config.tls.authorities[0].files = {"three.pem"};
  adopt();
  EXPECT_EQ(closed(Ending::NotAllowed), 2U);
  EXPECT_TRUE(peer.has_been_closed());
  EXPECT_FALSE(stranger.has_been_closed());
}

TEST_F(ConnectionsTls, KnowNoPeerOfAnotherRealm) {
  config.peers[to_position(kTrunk)].realm = "inside";
  start();
  const FarEnd far = call_in(kOutsideTls);
  far.say("HELLO trunk.example\n" + options_request("one"));
  turn();
  const auto messages = take_arrived();
  ASSERT_EQ(messages.size(), 1U);
  EXPECT_EQ(messages[0].input.peer, PeerIndex::kNone);
}

// RFC 5923 §8; threats I6
TEST_F(ConnectionsTls, UseTheConnectionThatThePeerOpenedAndProvedButNoOther) {
  start();
  const FarEnd liar = call_in(kOutsideTls), peer = call_in(kOutsideTls);
  liar.say("HELLO other.example\n");
  peer.say("HELLO trunk.example\n");
  turn();
  EXPECT_EQ(liar.hear_now() + peer.hear_now(), "WELCOME\nWELCOME\n");
  send(trunk_path({kLoopback, 5061}), "for the trunk");
  turn();
  EXPECT_EQ(peer.hear_now(), "for the trunk");
  EXPECT_EQ(liar.hear_now(), "");
  EXPECT_EQ(connections->size(), 2U);
}

TEST_F(ConnectionsTls, OpenAConnectionThatMustShowTheTargetsName) {
  start();
  const FarListener target(kOtherLoopback);
  auto published = std::make_shared<policy::BoardTarget>();
  published->address = target.endpoint();
  published->transport = Transport::Tls;
  targets->publish(kTrunk, {published});
  send(trunk_path(target.endpoint()), "secret");
  std::optional<FarEnd> far;
  turn_until([&] { return (far = target.take()).has_value(); });
  EXPECT_EQ(contexts.asked_for, std::vector<std::string>{"Trunk.Example"});
  std::string heard;
  turn_until([&] { return (heard += far->hear_now()).size() >= 9; });
  EXPECT_EQ(heard, "HELLO we\n") << "nothing else before the handshake is done";
  far->say("HELLO trunk.example\n");
  turn_until([&] { return (heard += far->hear_now()).find("secret") != std::string::npos; });
  EXPECT_EQ(shaken(TlsResult::Ok), 1U);
}

TEST_F(ConnectionsTls, FailWhatWaitsWhenTheHandshakeFails) {
  start();
  const FarListener target(kOtherLoopback);
  send(trunk_path(target.endpoint()), "secret");
  std::optional<FarEnd> far;
  turn_until([&] { return (far = target.take()).has_value(); });
  EXPECT_EQ(contexts.asked_for, std::vector<std::string>{"127.0.0.2"}) << "no name is known of it";
  far->say("BAD\n");
  turn_until([&] { return take_failed().size() == 1; });
  EXPECT_EQ(far->hear_now(), "HELLO we\nALERT\n");
  EXPECT_EQ(shaken(TlsResult::Untrusted), 1U);
  EXPECT_EQ(closed(Ending::TlsFailed), 1U);
  send(trunk_path(target.endpoint()), "secret");
  turn();
  EXPECT_EQ(take_failed().size(), 1U) << "left alone for a while";
  EXPECT_EQ(connections->size(), 0U);
}

TEST_F(ConnectionsTls, OpenNoneToWhoIsNoPeer) {
  start();
  const FarListener target(kOtherLoopback);
  sip::Path path = trunk_path(target.endpoint());
  path.peer = PeerIndex::kNone;
  send(path, "secret");
  turn();
  EXPECT_EQ(take_failed().size(), 1U);
}

TEST_F(ConnectionsTls, CloseAHandshakeThatTakesTooLong) {
  start();
  const FarEnd far = call_in(kOutsideTls);
  far.say("HEL");
  turn();
  pass(Connection::kHandshakeTime + 1ms);
  EXPECT_EQ(shaken(TlsResult::Timeout), 1U);
  EXPECT_EQ(connections->size(), 0U);
}

TEST_F(ConnectionsTls, SurviveASessionThatComesBackToNobody) {
  worker.is_slow = true;
  start();
  FarEnd far = call_in(kOutsideTls);
  far.say("HELLO -\n");
  turn();
  pass(Connection::kHandshakeTime + 1ms);
  EXPECT_EQ(connections->size(), 0U);
  worker.work();
  turn();
  EXPECT_EQ(shaken(TlsResult::Ok), 0U);
}

TEST_F(ConnectionsTls, CountAHandshakeThatTheOtherSideGivesUp) {
  start();
  FarEnd far = call_in(kOutsideTls);
  far.say("HEL");
  far.close();
  turn_until([&] { return connections->size() == 0; });
  EXPECT_EQ(shaken(TlsResult::Closed), 1U);
}

TEST_F(ConnectionsTls, WaitForRoomAtTheHandshakeThreads) {
  worker.is_slow = true;
  worker.room = 1;
  start();
  const FarEnd one = call_in(kOutsideTls), two = call_in(kOutsideTls);
  one.say("HELLO -\n");
  two.say("HELLO -\n");
  turn();
  EXPECT_EQ(worker.waiting(), 1U);
  for (int i = 0; i < 3; ++i) {
    worker.work();
    turn();
  }
  EXPECT_EQ(one.hear_now(), "WELCOME\n");
  EXPECT_EQ(two.hear_now(), "WELCOME\n");
}

// threats R9
TEST_F(ConnectionsTls, RefuseAStrangerWhoBeginsTooManyHandshakes) {
  config.security.limits.tcp.handshakes = {3, 1s};
  start();
  std::vector<FarEnd> held;
  for (int i = 0; i < 3; ++i) held.push_back(call_in(kOutsideTls));
  EXPECT_TRUE(call_in(kOutsideTls).has_been_closed());
  EXPECT_EQ(refused(Refusal::HandshakeRate), 1U);
  pass(1s);
  EXPECT_FALSE(call_in(kOutsideTls).has_been_closed());
}

// RFC 3261 §18.4
TEST_F(ConnectionsTls, SendOnceMoreOverAnotherSessionWhatWasNotAcknowledged) {
  start();
  const FarListener target(kOtherLoopback);
  const auto secured = [&] {
    std::optional<FarEnd> far;
    turn_until([&] { return (far = target.take()).has_value(); });
    if (!far) return FarEnd{};
    far->say("HELLO trunk.example\n");
    return std::move(*far);
  };
  send(trunk_path(target.endpoint()), "first");
  FarEnd far = secured();
  std::string heard;
  turn_until([&] { return (heard += far.hear_now()).ends_with("first"); });
  far.close();
  send(trunk_path(target.endpoint()), "bye");
  const FarEnd next = secured();
  heard.clear();
  turn_until([&] { return (heard += next.hear_now()).ends_with("bye"); });
  EXPECT_EQ(heard, "HELLO we\nWELCOME\nbye");
  EXPECT_TRUE(take_failed().empty());
}

TEST_F(ConnectionsTls, SayCloseNotifyBeforeTheEnd) {
  start();
  const FarEnd far = call_in(kOutsideTls);
  far.say("HELLO -\n");
  turn();
  pass(config.security.limits.tcp.first_message + 1ms);
  EXPECT_EQ(far.hear_now(), "WELCOME\nCLOSE\n");
  EXPECT_EQ(closed(Ending::FirstMessage), 1U);
}

}  // namespace
}  // namespace sallyport::dataplane
