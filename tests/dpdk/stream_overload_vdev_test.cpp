// stream_overload_vdev_test.cpp — `security.overload` over TCP and TLS: what a connection has brought is not
// dropped, but new calls are refused while there is no time for them. RFC 3261 §21.5.4; threats R1 to R5.
#include <gtest/gtest.h>

#include <map>
#include <memory>

#include "dataplane/connection/connection_messages.h"
#include "tests/dpdk/frames.h"
#include "tests/dpdk/lcore_rig.h"
#include "tests/support/message_builder.h"

namespace sallyport::dataplane {
namespace {

constexpr std::size_t kOutside = 0, kInside = 1;

RigSettings with_overload() {
  RigSettings settings;
  settings.config.security.overload_queue_delay = 2ms;
  settings.config.emergency.numbers = {"112"};
  for (RealmConfig& realm : settings.config.realms) realm.limits.rate = {100'000, 1s};
  RouteConfig& route = settings.config.routes.emplace_back();
  route.name = "inbound";
  route.match.realms = {settings.config.realms[kOutside].name};
  route.to = {RouteToPeer{settings.config.peers[kInside].name}};
  return settings;
}

class StreamOverload : public testing::TestWithParam<Transport> {
 protected:
  // A known peer's connection, or one that is trusted for something else.
  void bring(const std::string& message, TrustClass trust = TrustClass::Known) {
    StreamMessage::Arrived arrived;
    arrived.input = {.realm = RealmIndex{kOutside},
                     .peer = trust == TrustClass::Known ? PeerIndex{kOutside} : PeerIndex::kNone,
                     .trust = trust,
                     .local = *parse_endpoint("198.18.1.1:5060", 0),
                     .remote = *parse_endpoint("198.18.1.2:40000", 0),
                     .bytes = {},
                     .transport = GetParam(),
                     .connection = 7};
    arrived.bytes = message;
    arrived.since = rig.now;
    auto mail = std::make_unique<StreamMessage>(StreamMessage{std::move(arrived)});
    ASSERT_TRUE(rig.links->connections(0).to_shard.send({mail.get()}, lane_of(trust)));
    (void)mail.release();
  }
  std::string message(std::string_view method, int number, const std::string& user) const {
    const std::string via = GetParam() == Transport::Tcp ? "SIP/2.0/TCP" : "SIP/2.0/TLS";
    return tests::MessageBuilder(method)
        .uri("sip:" + user + "@198.18.1.1")
        .via(via + " 198.18.1.2:40000;branch=z9hG4bK" + std::string(method) + std::to_string(number))
        .call_id(std::string(method) + std::to_string(number))
        .contact("<sip:a@198.18.1.2:40000;transport=tcp>")
        .build();
  }
  std::string invite(int number, const std::string& user = "+15551234567") const {
    return message("INVITE", number, user);
  }
  std::string options(int number) const { return message("OPTIONS", number, "edge"); }
  void turn_a_millisecond() {
    rig.now += 1ms;
    rig.turn_shards();
    rig.turn_lcore();
    rig.turn_stream();
    for (ToConnections mail; rig.links->connections(0).from_shard.receive(mail);) {
      const std::unique_ptr<StreamOrder> order(mail.order);
      const auto* const sent = std::get_if<StreamOrder::Send>(&order->what);
      if (sent == nullptr || !sent->bytes.starts_with("SIP/2.0 ")) continue;
      const int code = tests::status_of(sent->bytes);
      ++codes[code];
      EXPECT_TRUE(code != 503 || sent->bytes.find("\r\nRetry-After: ") != std::string::npos) << sent->bytes;
    }
  }

  // Answers may wait for the relay.
  void turn_some() {
    for (int turn = 0; turn < 5; ++turn) turn_a_millisecond();
  }

  LcoreRig rig{with_overload()};
  std::map<int, int> codes;  // of what went back by the connection
};

INSTANTIATE_TEST_SUITE_P(TcpAndTls, StreamOverload, testing::Values(Transport::Tcp, Transport::Tls));

// `queue_delay`: more comes than the thread can do, for longer than a moment.
TEST_P(StreamOverload, WhenAPeersOwnMessagesAreTooManyNewCallsAreRefusedAndNothingIsDropped) {
  bring(invite(1));
  turn_some();
  EXPECT_EQ(codes[100], 1);
  int sent = 0;
  for (; sent < 300; ++sent) bring(options(sent));
  for (int millisecond = 0; millisecond < 20; ++millisecond) {
    for (int i = 0; i < 64; ++i, ++sent) bring(options(sent));
    turn_a_millisecond();
  }
  bring(invite(2));
  bring(invite(3, "112"));
  for (int turn = 0; turn < 4; ++turn) turn_some();
  EXPECT_EQ(codes[503], 1);
  EXPECT_EQ(codes[100], 2) << "the first call, and the one for help";
  EXPECT_EQ(codes[200], sent);
  bring(invite(4));
  turn_some();
  EXPECT_EQ(codes[100], 3) << "it is over";
}

// A moment is no overload: what had to wait for it is done, calls too.
TEST_P(StreamOverload, WhatWaitedForAMomentIsServed) {
  for (int i = 0; i < 60; ++i) bring(invite(i));
  rig.now += 1s;
  turn_some();
  EXPECT_EQ(codes[100], 60);
  EXPECT_EQ(codes[503], 0);
}

// `cpu`: nobody waits yet, but the thread has no time left. Known peers have limits of their own.
TEST_P(StreamOverload, AThreadThatIsTooBusyRefusesCallsOfTheTrustedAndNotOfKnownPeers) {
  for (int tenth = 0; tenth < 1000; ++tenth) rig.shards[0]->note_busy(1);
  for (int i = 0; i < 20; ++i) bring(invite(i), TrustClass::Trusted);
  bring(invite(100, "112"), TrustClass::Trusted);
  for (int i = 0; i < 20; ++i) bring(options(i), TrustClass::Trusted);
  turn_some();
  EXPECT_NEAR(codes[503], 18, 2) << "nine of ten";
  EXPECT_EQ(codes[503] + codes[100], 21);
  EXPECT_EQ(codes[200], 20);
  codes.clear();
  for (int i = 200; i < 210; ++i) bring(invite(i));
  turn_some();
  EXPECT_EQ(codes[100], 10);
  for (int tenth = 0; tenth < 40; ++tenth) rig.shards[0]->note_busy(0.2);
  for (int i = 300; i < 310; ++i) bring(invite(i), TrustClass::Trusted);
  turn_some();
  EXPECT_EQ(codes[100], 20) << "it is over";
}

// A reload changes what is too long and too busy while it lasts.
TEST_P(StreamOverload, AReloadOfTheThresholdsTakesEffectAtOnce) {
  for (int tenth = 0; tenth < 1000; ++tenth) rig.shards[0]->note_busy(0.9);
  bring(invite(1), TrustClass::Trusted);
  bring(invite(2), TrustClass::Trusted);
  turn_some();
  EXPECT_GE(codes[503], 1);
  SbcConfig next = rig.config;
  next.security.overload_cpu_percent = 100;
  rig.adopt(next);
  turn_a_millisecond();
  for (int tenth = 0; tenth < 1000; ++tenth) rig.shards[0]->note_busy(0.9);
  codes.clear();
  for (int i = 10; i < 20; ++i) bring(invite(i), TrustClass::Trusted);
  turn_some();
  EXPECT_EQ(codes[100], 10);
  EXPECT_EQ(codes[503], 0);
}

}  // namespace
}  // namespace sallyport::dataplane
