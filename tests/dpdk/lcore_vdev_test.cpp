// lcore_vdev_test.cpp — SIP datagrams in by a ring device, answers out by it.
#include <gtest/gtest.h>

#include <set>

#include "media-relay/control/port_pool.h"
#include "tests/dpdk/frames.h"
#include "tests/dpdk/lcore_rig.h"

namespace sallyport::dataplane {
namespace {

constexpr std::size_t kOutside = 0, kInside = 1;

void expect_answer(const Arrived& answer, const Flow& flow) {
  EXPECT_TRUE(answer.payload.starts_with("SIP/2.0 200 ")) << answer.payload;
  EXPECT_EQ(answer.source, flow.destination);
  EXPECT_EQ(answer.destination, flow.source);
  EXPECT_EQ(answer.from, flow.to);
  EXPECT_EQ(answer.to, kNeighbourMac);
  EXPECT_EQ(answer.vlan, flow.vlan.value_or(0));
}

TEST(Lcore, AnswersOptionsOverIpv4AndIpv6OnEachPort) {
  LcoreRig rig;
  for (const std::size_t port : {kOutside, kInside}) {
    for (const bool is_v4 : {true, false}) {
      const Flow flow = flow_to(rig, port, is_v4);
      rig.arrive(port, udp_frame(flow, options(flow, 1)));
      rig.turn();
      const auto frames = rig.sent(port);
      ASSERT_EQ(frames.size(), 1U);
      expect_answer(datagram_of(frames), flow);
      EXPECT_EQ(datagram_of(frames).traffic_class, 24U << 2) << "DSCP CS3";
    }
    EXPECT_EQ(rig.received(port, PacketClass::Signalling), 2U);
  }
}

TEST(Lcore, AnswersOnTheVlanThatThePortHas) {
  RigSettings settings;
  settings.config.ports[1].device = settings.config.ports[0].device;
  settings.config.ports[0].vlan = 100;
  settings.config.ports[1].vlan = 200;
  LcoreRig rig(std::move(settings));
  ASSERT_EQ(rig.devices.size(), 1U);
  for (const std::size_t port : {kOutside, kInside}) {
    const Flow flow = flow_to(rig, port);
    rig.arrive(port, udp_frame(flow, options(flow, 1)));
    rig.turn();
    expect_answer(datagram_of(rig.sent(port)), flow);
  }
  Flow stray = flow_to(rig, kOutside);
  stray.vlan = 300;
  rig.arrive(kOutside, udp_frame(stray, options(stray, 2)));
  rig.turn();
  EXPECT_TRUE(rig.sent(kOutside).empty());
  EXPECT_EQ(rig.dropped(kOutside, DropReason::UnknownVlan), 1U);
}

TEST(Lcore, ReadsMessagesThatLieInChains) {
  LcoreRig rig;
  const Flow flow = flow_to(rig, kInside);
  for (const std::size_t piece : {100U, 333U, 1000U}) {
    rig.arrive(kInside, udp_frame(flow, options(flow, static_cast<int>(piece), 1200)), piece);
    rig.turn();
    expect_answer(datagram_of(rig.sent(kInside)), flow);
  }
}

TEST(Lcore, PutsFragmentsTogether) {
  LcoreRig rig;
  for (const bool is_v4 : {true, false}) {
    const Flow flow = flow_to(rig, kOutside, is_v4);
    const auto fragments = fragments_of(rig, udp_frame(flow, options(flow, 1, 1400)), 600);
    ASSERT_GE(fragments.size(), 3U);
    for (auto fragment = fragments.rbegin(); fragment != fragments.rend(); ++fragment)
      rig.arrive(kOutside, *fragment);
    rig.turn();
    expect_answer(datagram_of(rig.sent(kOutside)), flow);
  }
  EXPECT_EQ(rig.received(kOutside, PacketClass::Signalling), 2U);
}

// An answer repeats every Via (RFC 3261 §8.2.6.2), so a long request has a long answer.
TEST(Lcore, CutsLongAnswersIntoFragments) {
  LcoreRig rig;
  for (const bool is_v4 : {true, false}) {
    const Flow flow = flow_to(rig, kInside, is_v4);
    rig.arrive(kInside, udp_frame(flow, options(flow, 1, 0, 60)), 1000);
    rig.turn();
    const auto frames = rig.sent(kInside);
    EXPECT_GE(frames.size(), 2U);
    for (const Bytes& frame : frames) EXPECT_LE(frame.size(), 1514U);
    const Arrived answer = datagram_of(frames);
    expect_answer(answer, flow);
    EXPECT_GT(answer.payload.size(), 2048U);
  }
}

TEST(Lcore, CountsWhatASlowShardCouldNotTake) {
  RigSettings settings;
  for (RealmConfig& realm : settings.config.realms) realm.limits.rate = {100'000, 1s};
  LcoreRig rig(std::move(settings));
  const Flow flow = flow_to(rig, kInside);
  const Bytes frame = udp_frame(flow, options(flow, 1));
  const std::size_t capacity = rig.links->to_shard(0, 0).lane(Lane::Known).capacity();
  for (std::size_t i = 0; i < capacity + 7; ++i) {
    rig.arrive(kInside, frame);
    if (i % 32 == 31) rig.turn_lcore();
  }
  rig.turn_lcore();
  EXPECT_EQ(rig.dropped(kInside, DropReason::ShardRingFull), 7U);
  EXPECT_EQ(rig.links->to_shard(0, 0).used(), capacity);
}

TEST(Lcore, SpreadsCallsOverShardsAndKeepsEachInOne) {
  LcoreRig rig({.lcores = 1, .shards = 2});
  const Flow flow = flow_to(rig, kInside);
  rig.arrive(kInside, udp_frame(flow, options(flow, 1000)));
  rig.turn();  // the next hop is known from here on
  EXPECT_EQ(rig.sent(kInside).size(), 1U);
  for (int call = 0; call < 32; ++call) {
    for (int again = 0; again < 2; ++again) rig.arrive(kInside, udp_frame(flow, options(flow, call)));
    const std::size_t before = rig.links->to_shard(0, 0).used();
    rig.turn_lcore();
    const std::size_t grown = rig.links->to_shard(0, 0).used() - before;
    EXPECT_TRUE(grown == 0 || grown == 2) << call;
  }
  EXPECT_GT(rig.links->to_shard(0, 0).used(), 0U);
  EXPECT_GT(rig.links->to_shard(0, 1).used(), 0U);
  rig.turn();
  EXPECT_EQ(rig.sent(kInside).size(), 64U);
}

TEST(Lcore, HandsEachSourceToTheLcoreThatOwnsIt) {
  RigSettings settings;
  settings.lcores = 3;
  LcoreRig rig(std::move(settings));
  Flow flow = flow_to(rig, kInside);
  std::size_t handed_over = 0;
  for (std::uint32_t source = 0; source < 40; ++source) {
    flow.source.address = IpAddress::v4(0x0a000000 + (source << 8));
    for (const Bytes& fragment : fragments_of(rig, udp_frame(flow, options(flow, 1, 1400)), 600))
      rig.arrive(kInside, fragment);
    for (std::size_t lcore = 0; lcore < 3; ++lcore) rig.turn_lcore(lcore);
    for (std::size_t lcore = 0; lcore < 3; ++lcore) rig.turn_lcore(lcore);
    std::size_t shards_inbox = 0;
    for (std::size_t lcore = 0; lcore < 3; ++lcore) {
      shards_inbox += rig.links->to_shard(lcore, 0).used();
      if (lcore != 1) handed_over += rig.links->to_shard(lcore, 0).used();
    }
    EXPECT_EQ(shards_inbox, 1U) << "all fragments met on one lcore";
    rig.turn();
    EXPECT_EQ(rig.sent(kInside).size(), 1U);
  }
  EXPECT_GT(handed_over, 10U);
}

// Threats R1, R2: each class has its own share of the way to another lcore.
class LcoreShares : public testing::Test {
 protected:
  // The peer outside has a whole network, and limits whose calls need no more than 500 datagrams at once.
  static RigSettings two_lcores() {
    RigSettings settings;
    settings.lcores = 2;
    PeerConfig& peer = settings.config.peers[kOutside];
    peer.sources.push_back(*parse_prefix("10.9.0.0/16"));
    peer.limits_in = peer.limits_out = CallLimits{100, {10, 1s}};
    return settings;
  }
  [[nodiscard]] const LcoreInbox& way() { return rig.links->hand_over(0, 1); }
  [[nodiscard]] std::size_t used(Passage passage) { return way().lane(passage).used(); }
  [[nodiscard]] std::uint64_t dropped(DropReason reason) const { return rig.dropped(kOutside, reason); }
  // The device's queue belongs to lcore 0.
  void put(const Flow& flow) {
    rig.arrive(kOutside, udp_frame(flow, "x"));
    rig.turn_lcore(0);
  }
  // As many as the lane has room for, and `more`.
  void fill(Passage passage, const Flow& flow, std::size_t more) {
    const std::size_t times = way().lane(passage).capacity() - used(passage) + more;
    for (std::size_t i = 0; i < times; ++i) put(flow);
  }
  // From an address in 10.`net`.0.0/16 that lcore 1 owns. One datagram was sent to find it.
  Flow from(std::uint32_t net) {
    Flow flow = flow_to(rig, kOutside);
    for (std::uint32_t source = 0; way().empty(); ++source) {
      flow.source.address = IpAddress::v4(0x0a000002 + (net << 16) + (source << 8));
      put(flow);
    }
    while (!way().empty()) rig.turn_lcore(1);
    return flow;
  }

  LcoreRig rig{two_lcores()};
};

TEST_F(LcoreShares, AFloodOfStrangersLeavesTheShareOfAllOthers) {
  const Flow stranger = from(1), phone = from(2);
  fill(Passage::Strangers, stranger, 5);
  EXPECT_EQ(dropped(DropReason::LcoreStrangerShareFull), 5U);
  rig.policy->earned.promote(RealmIndex{kOutside}, phone.source, rig.now, rig.now + 1h);
  fill(Passage::Trusted, phone, 3);
  EXPECT_EQ(dropped(DropReason::LcoreTrustedShareFull), 3U);
  EXPECT_EQ(used(Passage::Known) + used(Passage::Media) + used(Passage::Ours), 0U);
  EXPECT_EQ(dropped(DropReason::LcoreRingFull), 0U);
  std::vector<DroppedSource> found;
  rig.workers[0]->dropped_sources().look_up(stranger.source.address, found);
  ASSERT_EQ(found.size(), 1U) << "for `explain`";
  EXPECT_EQ(found[0].reason, DropReason::LcoreStrangerShareFull);
}

TEST_F(LcoreShares, WhatIsSentToMediaPortsOfNoCallLeavesTheShareOfSignalling) {
  Flow flow = flow_to(rig, kOutside);
  flow.destination.port = rig.config.realms[kOutside].media.ports.first;
  while (media::lcore_of(flow.destination.port, 2) != 1) ++flow.destination.port;
  fill(Passage::Media, flow, 7);
  EXPECT_EQ(dropped(DropReason::LcoreMediaShareFull), 7U);
  EXPECT_EQ(used(Passage::Known) + used(Passage::Strangers) + used(Passage::Ours), 0U);
}

// Whoever writes its address on a flood fills the strangers' share, not that of the other peers.
TEST_F(LcoreShares, APeerHasTheShareOfKnownOnesForWhatItsCallsCanNeed) {
  const Flow peer = from(9);
  for (int i = 0; i < 600; ++i) put(peer);
  EXPECT_EQ(used(Passage::Known), 499U);
  EXPECT_EQ(used(Passage::Strangers), 101U);
}

TEST_F(LcoreShares, WhatIsTrustedMoreIsServedFirstAndStrangersInEachTurn) {
  const Flow stranger = from(1), peer = from(9);
  for (int i = 0; i < 100; ++i) put(stranger);
  for (int i = 0; i < 100; ++i) put(peer);
  rig.turn_lcore(1);
  EXPECT_EQ(used(Passage::Known), 36U);
  EXPECT_EQ(used(Passage::Strangers), 84U);
}

TEST(Lcore, GivesLinuxArpWithoutTheTag) {
  RigSettings settings;
  settings.config.ports[kOutside].vlan = 7;
  LcoreRig rig(std::move(settings));
  const Flow flow = flow_to(rig, kOutside);
  const Bytes tagged = arp_request(flow);
  rig.arrive(kOutside, tagged);
  rig.turn();
  ASSERT_EQ(rig.to_taps.size(), 1U);
  Flow untagged_flow = flow;
  untagged_flow.vlan.reset();
  const Bytes untagged = arp_request(untagged_flow);
  EXPECT_EQ(Bytes(rig.to_taps[0].begin(), rig.to_taps[0].begin() + 42),
            Bytes(untagged.begin(), untagged.begin() + 42));
  EXPECT_EQ(rig.received(kOutside, PacketClass::Exception), 1U);
}

TEST(Lcore, CountsWhatTheStreamThreadCouldNotTake) {
  LcoreRig rig;
  const Flow flow = flow_to(rig, kInside);
  ToStream filler;
  filler.kind = ToStream::Kind::Resolve;
  while (rig.links->stream(0).to.send(filler)) continue;
  rig.arrive(kInside, arp_request(flow));
  rig.turn_lcore();
  EXPECT_EQ(rig.dropped(kInside, DropReason::StreamRingFull), 1U);
}

TEST(Lcore, FreesAndCountsWhatIsForNobody) {
  LcoreRig rig;
  Flow flow = flow_to(rig, kInside);
  flow.destination.port = 5070;
  rig.arrive(kInside, udp_frame(flow, "anybody?"));
  rig.arrive(kInside, Bytes(10, 0xff));
  rig.turn();
  EXPECT_EQ(rig.dropped(kInside, DropReason::NoListener), 1U);
  EXPECT_EQ(rig.dropped(kInside, DropReason::RuntFrame), 1U);
  EXPECT_EQ(rig.received(kInside, PacketClass::Unknown), 2U);
}

}  // namespace
}  // namespace sallyport::dataplane
