// trust_share_vdev_test.cpp — each class its own share of the way to the signalling threads, from the wire to
// the answer: what strangers send costs known peers nothing, and phones that have proved themselves little.
// Threats R1 to R5.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "tests/dpdk/frames.h"
#include "tests/dpdk/lcore_rig.h"
#include "tests/support/message_builder.h"

namespace sallyport::dataplane {
namespace {

constexpr std::size_t kOutside = 0, kInside = 1;

// Buckets let all pass unless a test says otherwise: what is looked at lies behind them.
RigSettings without_limits() {
  RigSettings settings;
  SourceLimits& limits = settings.config.security.limits;
  limits.source = {{1'000'000'000, std::chrono::seconds(1)}, 1'000'000'000};
  limits.prefix.limit = limits.source;
  limits.unknown = {1'000'000'000, std::chrono::seconds(1)};
  for (RealmConfig& realm : settings.config.realms) realm.limits.rate = {100'000, 1s};
  settings.config.security.overload_queue_delay = 10ms;
  settings.config.emergency.numbers = {"112"};
  RouteConfig& route = settings.config.routes.emplace_back();
  route.name = "inbound";
  route.match.peers = {settings.config.peers[kOutside].name};
  route.to = {RouteToPeer{settings.config.peers[kInside].name}};
  return settings;
}

class TrustShares : public testing::Test {
 protected:
  explicit TrustShares(RigSettings settings = without_limits()) : rig(std::move(settings)) {
    known = flow_to(rig, kOutside);
    rig.arrive(kOutside, udp_frame(known, options(known, 1'000'000)));
    rig.turn();  // the next hop is known from here on
    EXPECT_EQ(rig.sent(kOutside).size(), 1U);
  }
  Flow stranger(std::uint32_t number, std::uint16_t port = 5060) const {
    Flow flow = known;
    flow.source = {IpAddress::v4(0x64400000 + number), port};
    return flow;
  }
  // Onto the wire, and through the lcore as far as the shard's door.
  void put(const Flow& flow, const std::string& message) {
    rig.arrive(kOutside, udp_frame(flow, message));
    rig.turn_lcore();
  }
  void put_strangers(std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i, ++strangers)
      put(stranger(strangers % 5000), options(stranger(strangers), static_cast<int>(strangers)));
  }
  std::string invite(int number, const std::string& user = "+15551234567") const {
    return tests::MessageBuilder("INVITE")
        .uri("sip:" + user + "@198.18.1.1")
        .via("SIP/2.0/UDP 198.18.1.2;branch=z9hG4bKi" + std::to_string(number))
        .call_id("call-" + std::to_string(number))
        .contact("<sip:a@198.18.1.2>")
        .build();
  }
  // Status codes of what went to the known peer, and how often.
  std::map<int, int> answers() {
    std::map<int, int> found;
    for (const Bytes& frame : rig.sent(kOutside)) ++found[tests::status_of(datagram_of({frame}).payload)];
    return found;
  }
  void turn_a_millisecond() {
    rig.now += 1ms;
    rig.turn_shards();
    rig.turn_lcore();
    rig.turn_stream();
    rig.turn_lcore();
  }
  [[nodiscard]] std::uint64_t dropped(DropReason reason) const { return rig.dropped(kOutside, reason); }
  [[nodiscard]] const ShardInbox& inbox() { return rig.links->to_shard(0, 0); }

  LcoreRig rig;
  Flow known;
  std::uint32_t strangers = 0;
};

// A shard that does nothing for a while: strangers fill what is theirs, and no more.
TEST_F(TrustShares, KnownPeersLoseNothingWhileStrangersFillTheWay) {
  const std::size_t room = inbox().lane(Lane::Strangers).capacity();
  int asked = 0;
  for (int i = 0; i < 300; ++i) {
    put_strangers(10);
    put(known, options(known, asked++));
  }
  EXPECT_EQ(inbox().lane(Lane::Strangers).used(), room);
  EXPECT_EQ(dropped(DropReason::StrangerShareFull), 3000 - room);
  EXPECT_EQ(dropped(DropReason::ShardRingFull), 0U);
  std::map<int, int> codes;
  for (int turn = 0; turn < 20; ++turn) {
    turn_a_millisecond();
    for (const auto& [code, count] : answers()) codes[code] += count;
  }
  EXPECT_EQ(codes[200], asked);
}

TEST_F(TrustShares, AKnownPeerIsServedBeforeStrangersThatCameFirst) {
  put_strangers(500);
  put(known, options(known, 1));
  turn_a_millisecond();
  EXPECT_EQ(answers()[200], 1);
  EXPECT_GT(inbox().lane(Lane::Strangers).used(), 400U);
}

// However much known peers send.
TEST_F(TrustShares, StrangersAreStillHeardBesideABusyPeer) {
  for (int i = 0; i < 500; ++i) put(known, options(known, i));
  put_strangers(64);
  for (int turn = 0; turn < 4; ++turn) turn_a_millisecond();
  EXPECT_TRUE(inbox().lane(Lane::Strangers).empty());
  EXPECT_FALSE(inbox().lane(Lane::Known).empty());
}

TEST_F(TrustShares, APhoneThatHasProvedItselfDoesNotWaitWithStrangers) {
  const Flow phone = stranger(77, 40001);
  rig.policy->earned.promote(RealmIndex{kOutside}, phone.source, rig.now, rig.now + 1h);
  for (int i = 0; i < 200; ++i) {
    put_strangers(10);
    put(phone, options(phone, i));
  }
  EXPECT_EQ(inbox().lane(Lane::Trusted).used(), 200U);
  EXPECT_EQ(dropped(DropReason::TrustedShareFull), 0U);
  EXPECT_GT(dropped(DropReason::StrangerShareFull), 0U);
  for (int i = 0; i < 1000; ++i) put(phone, options(phone, i));
  EXPECT_EQ(dropped(DropReason::TrustedShareFull), 1200 - inbox().lane(Lane::Trusted).capacity());
  put(known, options(known, 1));
  turn_a_millisecond();
  EXPECT_EQ(answers()[200], 1);
}

// `security.overload.queue_delay`: more comes than the thread can do, for longer than a moment.
TEST_F(TrustShares, WhatWaitsTooLongIsDroppedStrangersFirst) {
  int asked = 0, answered = 0;
  for (int millisecond = 0; millisecond < 400; ++millisecond) {
    put_strangers(30);
    put(known, options(known, asked++));
    turn_a_millisecond();
    answered += answers()[200];
  }
  turn_a_millisecond();
  answered += answers()[200];
  EXPECT_EQ(answered, asked);
  EXPECT_GT(dropped(DropReason::StrangerOverload), 3000U);
  EXPECT_EQ(dropped(DropReason::StrangerShareFull), 0U) << "what waits is never older than twice the delay";
  EXPECT_EQ(dropped(DropReason::TrustedOverload), 0U);
  const auto heard =
      rig.shards[0]->engine().counters(RealmIndex{kOutside}).dropped.value(sip::SipDropReason::Stranger);
  EXPECT_GT(heard, 5000U) << "as many as there is time for";
}

TEST_F(TrustShares, APauseOfTheThreadCostsNobodyAnything) {
  put_strangers(600);
  rig.now += 2s;
  for (int turn = 0; turn < 60; ++turn) turn_a_millisecond();
  EXPECT_TRUE(inbox().empty());
  EXPECT_EQ(dropped(DropReason::StrangerOverload), 0U);
}

// What waits are known peers' own messages: none is dropped, new calls are refused, and calls for help are
// not.
TEST_F(TrustShares, WhenKnownPeersThemselvesAreTooManyNewCallsAreRefused) {
  int sent = 0;
  std::map<int, int> codes;
  const auto hear = [&] {
    for (const auto& [code, count] : answers()) codes[code] += count;
  };
  put(known, invite(1));
  turn_a_millisecond();
  hear();
  EXPECT_EQ(codes[100], 1);
  for (int millisecond = 0; millisecond < 150; ++millisecond) {
    for (int i = 0; i < 71; ++i) put(known, options(known, sent++));
    turn_a_millisecond();
    hear();
  }
  put(known, invite(2));
  put(known, invite(3, "112"));
  while (!inbox().empty()) {
    turn_a_millisecond();
    hear();
  }
  hear();
  EXPECT_EQ(codes[503], 1);
  EXPECT_EQ(codes[100], 2) << "the first call, and the one for help";
  EXPECT_EQ(codes[200] + static_cast<int>(dropped(DropReason::ShardRingFull)), sent);
  EXPECT_EQ(dropped(DropReason::ShardRingFull), 0U);
  put(known, invite(4));
  turn_a_millisecond();
  hear();
  EXPECT_EQ(codes[100], 3) << "it is over";
}

// `security.overload.cpu`: nobody waits yet, but the thread has no time left.
TEST_F(TrustShares, AThreadThatIsTooBusyLeavesStrangersUndoneAndKnownPeersNot) {
  const auto ask = [&](int number) {
    put_strangers(100);
    for (int i = 0; i < 100; ++i) put(known, options(known, number + i));
    std::map<int, int> codes;
    for (int turn = 0; turn < 20; ++turn) {
      turn_a_millisecond();
      for (const auto& [code, count] : answers()) codes[code] += count;
    }
    return codes[200];
  };
  for (int tenth = 0; tenth < 1000; ++tenth) rig.shards[0]->note_busy(1);
  EXPECT_EQ(ask(0), 100);
  EXPECT_EQ(dropped(DropReason::StrangerOverload), 90U);
  put(known, invite(1));
  turn_a_millisecond();
  EXPECT_EQ(answers()[100], 1) << "a known peer's calls are not refused for it";
  for (int tenth = 0; tenth < 40; ++tenth) rig.shards[0]->note_busy(0.2);
  EXPECT_EQ(ask(1000), 100);
  EXPECT_EQ(dropped(DropReason::StrangerOverload), 90U) << "it is over";
}

class TwoPeers : public TrustShares {
 protected:
  static RigSettings with_another() {
    RigSettings settings = without_limits();
    std::vector<PeerConfig>& peers = settings.config.peers;
    peers[kOutside].limits_in = peers[kOutside].limits_out = CallLimits{100, {10, 1s}};
    PeerConfig& other = peers.emplace_back(peers[kOutside]);
    other.name = "other";
    other.targets = {{parse_endpoint("198.18.1.77:5060", 0), "", 0, 1}};
    return settings;
  }
  TwoPeers() : TrustShares(with_another()) {}
};

// Under a false address nobody can be told from that peer; but the others can.
TEST_F(TwoPeers, AFloodInTheNameOfOneTakesNothingFromTheOther) {
  Flow other = known;
  other.source = *parse_endpoint("198.18.1.77:5060", 0);
  int asked = 0, answered = 0;
  const auto hear = [&] {
    for (const Bytes& frame : rig.sent(kOutside)) {
      const auto datagram = datagram_of({frame});
      answered += datagram.destination == other.source && tests::status_of(datagram.payload) == 200 ? 1 : 0;
    }
  };
  for (int millisecond = 0; millisecond < 100; ++millisecond) {
    for (int i = 0; i < 200; ++i) put(known, invite(millisecond * 200 + i));
    put(other, options(other, asked++));
    turn_a_millisecond();
    hear();
  }
  for (int turn = 0; turn < 100; ++turn) {
    turn_a_millisecond();
    hear();
  }
  EXPECT_EQ(answered, asked);
  EXPECT_EQ(dropped(DropReason::ShardRingFull), 0U);
  EXPECT_NEAR(static_cast<double>(dropped(DropReason::PeerRate)), 20'000 - 500, 20);
}

// Threats R1: the flood says each of its own once; the peer says its own again, RFC 3261 §17.1.1.2.
TEST_F(TwoPeers, InAFloodInItsOwnNameAPeersCallsAreMadeWhenTheyAreSaidAgain) {
  constexpr int kOwn = 1'000'000;
  std::map<int, int> codes;  // of the peer's own call
  int others = 0;            // the flood's that were taken
  for (int millisecond = 0; millisecond < 800; ++millisecond) {
    for (int i = 0; i < 20; ++i) put(known, invite(millisecond * 20 + i));
    if (millisecond == 200 || millisecond == 700) put(known, invite(kOwn));
    turn_a_millisecond();
    for (const Bytes& frame : rig.sent(kOutside)) {
      const auto datagram = datagram_of({frame});
      const int code = tests::status_of(datagram.payload);
      if (datagram.payload.find("call-" + std::to_string(kOwn)) != std::string_view::npos)
        ++codes[code];
      else if (millisecond > 200 && code == 100)
        ++others;
    }
    if (millisecond == 690) {
      EXPECT_TRUE(codes.empty());
    }
  }
  EXPECT_EQ(codes[100], 1);
  EXPECT_EQ(codes[503], 0);
  EXPECT_EQ(others, 0);
}

class NatOfPhones : public TrustShares {
 protected:
  static RigSettings with_limits() {
    RigSettings settings;
    settings.config.dataplane.capacity.sources = 10000;
    return settings;
  }
  NatOfPhones() : TrustShares(with_limits()) {}
};

// Shipped limits; all of them behind one address, and beside them somebody who sends what he can.
TEST_F(NatOfPhones, OneFlowsFloodLeavesTwoHundredPhonesAtItsAddressAlone) {
  constexpr std::uint16_t kPhones = 200, kFirst = 20000;
  for (std::uint16_t i = 0; i < kPhones; ++i)
    rig.policy->earned.promote(RealmIndex{kOutside}, stranger(7, kFirst + i).source, rig.now, rig.now + 1h);
  const Flow flood = stranger(7, 4444);
  std::size_t heard = 0, sent = 0;
  for (int second = 0; second < 5; ++second) {
    for (std::uint16_t i = 0; i < kPhones; ++i) {
      for (int packet = 0; packet < 10; ++packet) put(flood, options(flood, packet));
      const Flow phone = stranger(7, kFirst + i);
      put(phone, options(phone, i));
      ++sent;
    }
    heard += inbox().lane(Lane::Trusted).used();
    while (!inbox().empty()) turn_a_millisecond();
    rig.now += 1s;
  }
  EXPECT_EQ(heard, sent);
  EXPECT_GT(dropped(DropReason::SourceRate), 9'000U);
  // And `explain` of that address knows it.
  std::vector<DroppedSource> found;
  rig.workers[0]->dropped_sources().look_up(flood.source.address, found);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].packets, dropped(DropReason::SourceRate));
  EXPECT_EQ(found[0].reason, DropReason::SourceRate);
  EXPECT_EQ(found[0].port, PortIndex{kOutside});
}

}  // namespace
}  // namespace sallyport::dataplane
