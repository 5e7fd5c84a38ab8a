// lcore_vdev_test.cpp — SIP datagrams in by a ring device, answers out by it.
#include <gtest/gtest.h>

#include <set>

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

TEST(Lcore, CountsWhatABusyLcoreCouldNotTakeOver) {
  RigSettings settings;
  settings.lcores = 2;
  LcoreRig rig(std::move(settings));
  Flow flow = flow_to(rig, kOutside);  // its queue belongs to lcore 0
  const std::size_t capacity = rig.links->hand_over(0, 1).capacity();
  for (std::uint32_t source = 0; rig.links->hand_over(0, 1).empty(); ++source) {
    flow.source.address = IpAddress::v4(0x0a000002 + (source << 8));
    rig.arrive(kOutside, udp_frame(flow, "x"));
    rig.turn_lcore(0);
  }
  for (std::size_t i = 1; i < capacity + 5; ++i) {
    rig.arrive(kOutside, udp_frame(flow, "x"));
    rig.turn_lcore(0);
  }
  EXPECT_EQ(rig.dropped(kOutside, DropReason::LcoreRingFull), 5U);
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
