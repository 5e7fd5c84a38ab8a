// transmit_vdev_test.cpp — next hops, packets that wait for one, frames from the taps, full devices.
#include <gtest/gtest.h>
#include <rte_ring.h>

#include "tests/dpdk/frames.h"
#include "tests/dpdk/lcore_rig.h"

namespace sallyport::dataplane {
namespace {

constexpr std::size_t kInside = 1;

// Requests until `count` answers have left the shard for the lcore; nobody answers questions for next hops.
void ask_without_next_hop(LcoreRig& rig, const Flow& flow, int count) {
  for (int i = 0; i < count; ++i) rig.arrive(kInside, udp_frame(flow, options(flow, i)));
  rig.turn_lcore();
  rig.turn_shards();
  rig.turn_lcore();
}

TEST(Transmit, HoldsAnswersUntilTheNextHopIsKnown) {
  LcoreRig rig;
  const Flow flow = flow_to(rig, kInside);
  ask_without_next_hop(rig, flow, 3);
  EXPECT_TRUE(rig.sent(kInside).empty());
  ToStream question;
  ASSERT_TRUE(rig.links->stream(0).to.receive(question));
  EXPECT_EQ(question.kind, ToStream::Kind::Resolve);
  EXPECT_EQ(question.destination, flow.source.address);
  EXPECT_FALSE(rig.links->stream(0).to.receive(question)) << "asked once for all three";
  rig.answer(FromStream::Kind::NextHop, kInside, flow.source.address);
  rig.turn_lcore();
  EXPECT_EQ(rig.sent(kInside).size(), 3U);
}

TEST(Transmit, HoldsOnlyAFewForEachDestination) {
  LcoreRig rig;
  const Flow flow = flow_to(rig, kInside);
  ask_without_next_hop(rig, flow, HoldQueue::kPerDestination + 2);
  EXPECT_EQ(rig.dropped(kInside, DropReason::HoldQueueFull), 2U);
  rig.answer(FromStream::Kind::NextHop, kInside, flow.source.address);
  rig.turn_lcore();
  EXPECT_EQ(rig.sent(kInside).size(), HoldQueue::kPerDestination);
}

TEST(Transmit, HoldsABoundedNumberInAll) {
  LcoreRig rig;
  Flow flow = flow_to(rig, kInside);
  std::uint32_t sent = 0;
  for (; sent < kPacketsOnHoldMax + 3; ++sent) {
    flow.source.address = IpAddress::v4(0xc6120202 + sent / 100 * 256 + sent % 100);
    ask_without_next_hop(rig, flow, 1);
  }
  EXPECT_EQ(rig.dropped(kInside, DropReason::HoldQueueFull), 3U);
}

TEST(Transmit, KnowsTheNextHopOfAPeerBeforeTheFirstBurstToIt) {
  RigSettings settings;
  settings.asked_ahead = {{PortIndex(kInside), IpAddress::v4(0xc6120202)}};
  LcoreRig rig(std::move(settings));
  rig.turn_lcore();
  rig.turn_stream();
  const Flow flow = flow_to(rig, kInside);
  ASSERT_EQ(to_string(flow.source.address), "198.18.2.2");
  ask_without_next_hop(rig, flow, HoldQueue::kPerDestination * 2);
  EXPECT_EQ(rig.sent(kInside).size(), HoldQueue::kPerDestination * 2);
}

TEST(Transmit, AsksForThePeersOfAPortAgainWhenItsRoutesChanged) {
  RigSettings settings;
  settings.asked_ahead = {{PortIndex(kInside), IpAddress::v4(0xc6120202)}};
  LcoreRig rig(std::move(settings));
  rig.turn_lcore();
  rig.turn_stream();
  rig.turn_lcore();
  rig.now += 1s;
  rig.answer(FromStream::Kind::Changed, 0, IpAddress());
  rig.turn_lcore();
  ToStream question;
  EXPECT_FALSE(rig.links->stream(0).to.receive(question)) << "another port";
  rig.answer(FromStream::Kind::Changed, kInside, IpAddress());
  rig.turn_lcore();
  ASSERT_TRUE(rig.links->stream(0).to.receive(question));
  EXPECT_EQ(to_string(question.destination), "198.18.2.2");
}

TEST(Transmit, DropsWhatHasNoRouteOrNoNeighbour) {
  for (const auto& [kind, reason] : {std::pair{FromStream::Kind::NoRoute, DropReason::NoRoute},
                                     std::pair{FromStream::Kind::NoNeighbour, DropReason::NoNeighbour}}) {
    LcoreRig rig;
    const Flow flow = flow_to(rig, kInside);
    ask_without_next_hop(rig, flow, 2);
    rig.answer(kind, kInside, flow.source.address);
    rig.turn_lcore();
    EXPECT_EQ(rig.dropped(kInside, reason), 2U) << "those that waited";
    rig.arrive(kInside, udp_frame(flow, options(flow, 9)));
    rig.turn_lcore();
    rig.turn_shards();
    rig.turn_lcore();
    EXPECT_EQ(rig.dropped(kInside, reason), 3U) << "the next one at once";
    EXPECT_TRUE(rig.sent(kInside).empty());
  }
}

// RFC 3261 §18.4: what did not leave is a transport error, whoever finds out.
TEST(Transmit, TellsTheEnginesWhatNoNextHopLeadsTo) {
  for (const bool is_v4 : {true, false})
    for (const auto kind : {FromStream::Kind::NoRoute, FromStream::Kind::NoNeighbour}) {
      LcoreRig rig({.shards = 2});
      const Flow flow = flow_to(rig, kInside, is_v4);
      ask_without_next_hop(rig, flow, 3);
      rig.answer(kind, kInside, flow.source.address);
      rig.turn_lcore();
      for (std::size_t shard = 0; shard < 2; ++shard) {
        EXPECT_TRUE(rig.shards[shard]->has_mail());
        Unreachable lost;
        ASSERT_TRUE(rig.links->unreachable(0, shard).receive(lost));
        EXPECT_EQ(lost, (Unreachable{RealmIndex(kInside), flow.destination, flow.source}));
        EXPECT_TRUE(rig.links->unreachable(0, shard).empty()) << "three datagrams are one piece of news";
      }
      ask_without_next_hop(rig, flow, 1);
      EXPECT_EQ(rig.links->unreachable(0, 0).used(), 1U) << "the next one at once";
      rig.turn_shards();
    }
}

TEST(Transmit, TellsTheEnginesWhatHasWaitedTooLong) {
  LcoreRig rig;
  const Flow flow = flow_to(rig, kInside);
  ask_without_next_hop(rig, flow, 1);
  rig.now += HoldQueue::kLongestWait + TransmitStage::kTick;
  rig.turn_lcore();
  EXPECT_EQ(rig.links->unreachable(0, 0).used(), 1U);
  rig.turn_shards();
}

TEST(Transmit, CountsWhatTheEnginesHadNoRoomToHear) {
  LcoreRig rig;
  const Flow flow = flow_to(rig, kInside);
  ask_without_next_hop(rig, flow, 1);
  auto& mail = rig.links->unreachable(0, 0);
  while (mail.send({})) continue;
  rig.answer(FromStream::Kind::NoRoute, kInside, flow.source.address);
  rig.turn_lcore();
  EXPECT_EQ(rig.dropped(kInside, DropReason::ShardRingFull), 1U);
  for (Unreachable lost; mail.receive(lost);) continue;
}

TEST(Transmit, LetsNothingWaitForEver) {
  LcoreRig rig;
  const Flow flow = flow_to(rig, kInside);
  ask_without_next_hop(rig, flow, 2);
  rig.now += HoldQueue::kLongestWait + TransmitStage::kTick;
  rig.turn_lcore();
  EXPECT_EQ(rig.dropped(kInside, DropReason::NoNeighbour), 2U);
}

void send_from_tap(LcoreRig& rig, std::size_t size) {
  rte_mbuf* frame = rte_pktmbuf_alloc(rig.pools->main());
  std::fill_n(rte_pktmbuf_append(frame, static_cast<std::uint16_t>(size)), size, '\x11');
  FromStream message;
  message.port = PortIndex(kInside);
  message.packet = frame;
  ASSERT_TRUE(rig.links->stream(0).from.send(message));
  rig.turn_lcore();
}

TEST(Transmit, TagsFramesFromTheTap) {
  RigSettings settings;
  settings.config.ports[kInside].vlan = 42;
  LcoreRig rig(std::move(settings));
  send_from_tap(rig, 60);
  const auto frames = rig.sent(kInside);
  ASSERT_EQ(frames.size(), 1U);
  ASSERT_EQ(frames[0].size(), 64U);
  EXPECT_EQ(frames[0][12], 0x81);
  EXPECT_EQ(frames[0][13], 0x00);
  EXPECT_EQ(frames[0][15], 42);
}

TEST(Transmit, RefusesFramesThatTheWireDoesNotTake) {
  LcoreRig rig;
  send_from_tap(rig, 1514);
  EXPECT_EQ(rig.sent(kInside).size(), 1U);
  send_from_tap(rig, 1515);
  EXPECT_TRUE(rig.sent(kInside).empty());
  EXPECT_EQ(rig.dropped(kInside, DropReason::TooBig), 1U);
}

TEST(Transmit, CountsWhatTheDeviceDidNotTake) {
  LcoreRig rig;
  const auto room = static_cast<std::size_t>(
      rte_ring_get_capacity(rte_ring_lookup((rig.config.ports[kInside].device.name + "_out").c_str())));
  for (std::size_t i = 0; i < room + 4; ++i) send_from_tap(rig, 60);
  EXPECT_EQ(rig.dropped(kInside, DropReason::DeviceQueueFull), 4U);
  EXPECT_EQ(rig.sent(kInside).size(), room);
}

TEST(Transmit, CountsAnswersThatFoundNoBuffer) {
  LcoreRig rig;
  const Flow flow = flow_to(rig, kInside);
  rig.arrive(kInside, udp_frame(flow, options(flow, 1)));
  rig.turn_lcore();
  std::vector<rte_mbuf*> all;
  while (rte_mbuf* packet = rte_pktmbuf_alloc(rig.pools->main())) all.push_back(packet);
  rig.turn_shards();
  EXPECT_EQ(rig.dropped(kInside, DropReason::NoBuffer), 1U);
  for (rte_mbuf* packet : all) rte_pktmbuf_free(packet);
}

}  // namespace
}  // namespace sallyport::dataplane
