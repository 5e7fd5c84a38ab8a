// connections_adopt_test.cpp — a reload while connections are open: who may stay, who is who from then on.
#include <netinet/in.h>
#include <sys/socket.h>

#include "tests/unit/dataplane/connection/connection_world.h"

namespace sallyport::dataplane {
namespace {

constexpr PeerIndex kNew{2};
constexpr int kDescriptorsMax = 1024;

// Of our end of that connection, which is a socket of this very process: what it writes into its packets.
int marking_of(const FarEnd& far) {
  for (int fd = 0; fd < kDescriptorsMax; ++fd) {
    sockaddr_in remote{};
    socklen_t size = sizeof remote;
    if (::getpeername(fd, reinterpret_cast<sockaddr*>(&remote), &size) != 0) continue;
    const Endpoint to{IpAddress::v4(ntohl(remote.sin_addr.s_addr)), ntohs(remote.sin_port)};
    if (remote.sin_family != AF_INET || to != far.own()) continue;
    int octet = -1;
    size = sizeof octet;
    if (::getsockopt(fd, IPPROTO_IP, IP_TOS, &octet, &size) == 0) return octet >> 2;
  }
  return -1;
}

class ConnectionsAdopt : public ConnectionWorld {
 protected:
  // One more peer outside, by TCP at 127.0.0.2.
  void add_peer() {
    PeerConfig& peer = config.peers.emplace_back();
    peer.name = "new";
    peer.realm = "outside";
    peer.transport = Transport::Tcp;
    peer.targets.emplace_back().address = Endpoint{kOtherLoopback, 5060};
  }
  [[nodiscard]] policy::SourceClass says(const FarEnd& far, std::string_view call_id) {
    far.say(options_request(call_id));
    turn_until([&] {
      collect();
      return !arrived.empty();
    });
    const auto messages = take_arrived();
    return {messages.at(0).input.trust, messages.at(0).input.peer};
  }
};

TEST_F(ConnectionsAdopt, MarkWhatIsOpenAsItsRealmSaysNow) {
  constexpr std::uint8_t kCs3 = 24, kCs4 = 32;
  start();
  const FarListener pbx;
  const FarEnd outside = call_in(), inside = opened(pbx);
  const auto expect_markings = [&](int of_outside, int of_inside) {
    EXPECT_EQ(marking_of(outside), of_outside);
    EXPECT_EQ(marking_of(inside), of_inside);
  };
  expect_markings(kCs3, kCs3);
  config.realms[to_position(kInside)].signalling_dscp = Dscp{kCs4};
  adopt();
  expect_markings(kCs3, kCs4);
  config.realms[to_position(kOutside)].signalling_dscp = Dscp{0};
  config.realms[to_position(kInside)].signalling_dscp = Dscp{kCs3};
  adopt();
  expect_markings(0, kCs3);
}

TEST_F(ConnectionsAdopt, CloseASourceThatIsDeniedNowAndKeepTheOthers) {
  start();
  const FarEnd denied = call_in(kOutsideTcp, kOtherLoopback), other = call_in();
  config.security.access.push_back({{kOtherLoopback, 32}, "outside", AccessAction::Deny});
  adopt();
  EXPECT_TRUE(denied.has_been_closed());
  EXPECT_FALSE(other.has_been_closed());
  EXPECT_EQ(closed(Ending::NotAllowed), 1U);
  EXPECT_TRUE(call_in(kOutsideTcp, kOtherLoopback).has_been_closed());
  EXPECT_EQ(refused(Refusal::Denied), 1U);
  EXPECT_FALSE(call_in(kInsideTcp, kOtherLoopback).has_been_closed());
}

TEST_F(ConnectionsAdopt, CloseAlsoWhatLeadsToADeniedAddressAndTellTheEngine) {
  start();
  const FarListener pbx(kOtherLoopback);
  send(inside_path(pbx.endpoint()), "OPTIONS");
  turn();
  config.security.access.push_back({{kOtherLoopback, 32}, "", AccessAction::Deny});
  adopt();
  EXPECT_EQ(connections->size(), 0U);
  EXPECT_EQ(closed(Ending::NotAllowed), 1U);
  EXPECT_TRUE(permits.open.empty());
}

TEST_F(ConnectionsAdopt, KnowANewPeerOnTheConnectionThatItHasAlready) {
  start();
  const FarEnd far = call_in(kOutsideTcp, kOtherLoopback);
  EXPECT_EQ(says(far, "one").peer, PeerIndex::kNone);
  add_peer();
  adopt();
  EXPECT_EQ(says(far, "two"), (policy::SourceClass{TrustClass::Known, kNew}));
  EXPECT_EQ(says(call_in(kOutsideTcp, kOtherLoopback), "three").peer, kNew);
}

// DNS says so, without a reload: the stream thread gives them other sources under the same configuration.
TEST_F(ConnectionsAdopt, KnowAPeerWhereItsNameLeadsOnTheConnectionThatItHasAlready) {
  config.security.limits.source = {{1, 1s}, 1};
  start();
  const FarEnd far = call_in(kOutsideTcp, kOtherLoopback);
  const policy::NamedAddress named[] = {{kTrunk, kOtherLoopback}};
  connections->adopt(now, make_value<SbcConfig>(config), make_value<policy::SourceClassifier>(config, named));
  for (int i = 0; i < 5; ++i) far.say(options_request("one"));
  std::vector<StreamMessage::Arrived> messages;
  turn_until([&] {
    for (auto& one : take_arrived()) messages.push_back(std::move(one));
    return messages.size() == 5;
  });
  EXPECT_EQ(messages[0].input.peer, kTrunk);
  EXPECT_EQ(messages[0].input.trust, TrustClass::Known);
}

TEST_F(ConnectionsAdopt, KeepARetiredPeerForItsCallsAndForgetOneWhosePlaceIsAnothers) {
  add_peer();
  start();
  const FarEnd far = call_in(kOutsideTcp, kOtherLoopback);
  EXPECT_EQ(says(far, "one").peer, kNew);
  config.peers[2].is_retired = true;
  adopt();
  EXPECT_EQ(says(far, "two").peer, kNew);
  config.peers[2].is_retired = false;
  config.peers[2].name = "somebody else";
  config.peers[2].targets[0].address->address = IpAddress::v4(0x7f000009);
  adopt();
  EXPECT_EQ(says(far, "three"), (policy::SourceClass{TrustClass::Untrusted, PeerIndex::kNone}));
}

// The counts must come out even, however often who it is changes.
TEST_F(ConnectionsAdopt, CountAConnectionWhereItBelongs) {
  config.security.limits.tcp.connections_per_source = 2;
  start();
  std::vector<FarEnd> held;
  for (int i = 0; i < 2; ++i) held.push_back(call_in(kOutsideTcp, kOtherLoopback));
  EXPECT_TRUE(call_in(kOutsideTcp, kOtherLoopback).has_been_closed());
  add_peer();
  adopt();
  for (int i = 0; i < 3; ++i) held.push_back(call_in(kOutsideTcp, kOtherLoopback));
  EXPECT_EQ(connections->size(), 5U);
  config.peers.pop_back();
  adopt();
  EXPECT_TRUE(call_in(kOutsideTcp, kOtherLoopback).has_been_closed());
  held.clear();
  turn_until([&] { return connections->size() == 0; });
  for (int i = 0; i < 2; ++i) held.push_back(call_in(kOutsideTcp, kOtherLoopback));
  EXPECT_EQ(connections->size(), 2U);
  EXPECT_TRUE(call_in(kOutsideTcp, kOtherLoopback).has_been_closed());
}

TEST_F(ConnectionsAdopt, TakeNewDeadlinesAndRatesForWhoIsThere) {
  start();
  const FarEnd far = call_in();
  static_cast<void>(says(far, "one"));
  config.security.limits.tcp.idle = 30s;
  config.security.limits.source = {{1, 1s}, 1};
  adopt();
  now += 10s;
  far.say(options_request("two") + options_request("three"));
  std::size_t came = 0;
  turn_until([&] { return (came += take_arrived().size()) > 0; });
  EXPECT_EQ(came, 1U);
  pass(1s);
  turn_until([&] { return (came += take_arrived().size()) > 1; });
  pass(31s);
  EXPECT_EQ(closed(Ending::Idle), 1U);
}

TEST_F(ConnectionsAdopt, MayBeGivenAThousandConfigurationsInARow) {
  start();
  const FarEnd far = call_in();
  for (int i = 0; i < 1000; ++i) {
    if (i % 2 == 0)
      add_peer();
    else
      config.peers.pop_back();
    adopt();
  }
  EXPECT_EQ(connections->size(), 1U);
  EXPECT_EQ(says(far, "still there").trust, TrustClass::Untrusted);
}

TEST_F(ConnectionsAdopt, AListenerThatWasTakenOutMayComeBackMoreThanOnce) {
  start();
  const std::vector<ListenerConfig> listen = config.realms[0].listen;
  for (int round = 0; round < 3; ++round) {
    const Endpoint before = *connections->listening_at(kOutsideTcp);
    config.realms[0].listen.clear();
    adopt();
    EXPECT_FALSE(FarEnd::connected_to(before, kLoopback).is_connected());
    config.realms[0].listen = listen;
    adopt();
    EXPECT_FALSE(call_in(kOutsideTcp).has_been_closed());
  }
}

// An engine follows a new rulebook a moment before the connections do.
TEST_F(ConnectionsAdopt, SendToAPeerThatTheyDoNotKnowYet) {
  start();
  const FarListener there(kOtherLoopback);
  sip::Path path = inside_path(there.endpoint());
  path.peer = PeerIndex{7};
  send(path, "OPTIONS");
  turn();
  EXPECT_EQ(active(Transport::Tcp, ConnectionDirection::Out), 1U);
}

}  // namespace
}  // namespace sallyport::dataplane
