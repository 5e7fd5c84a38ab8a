// media_way_vdev_test.cpp — how voice finds its next hop, how commands and datagrams keep their order, who
// hears notices, and several lcores.
#include <gtest/gtest.h>

#include "tests/dpdk/media_rig.h"

namespace sallyport::dataplane {
namespace {

using media::MediaDropReason;
using media::StreamSide;

constexpr MacAddress kOtherMac{0x02, 0, 0, 0, 0, 0x77};

void answer_with(LcoreRig& rig, const IpAddress& destination, const MacAddress& mac, std::uint16_t mtu = 0) {
  FromStream message;
  message.kind = FromStream::Kind::NextHop;
  message.port = PortIndex(kInside);
  message.destination = destination;
  message.mac = mac;
  message.mtu = mtu;
  ASSERT_TRUE(rig.links->stream(0).from.send(message));
}

TEST(MediaWay, TheFirstPacketsWaitForTheNextHopAndKeepTheirOrder) {
  LcoreRig rig;
  const TestStream stream = make_stream(rig);
  order(rig, stream.command);
  for (std::uint16_t i = 1; i <= 3; ++i) rig.arrive(kOutside, udp_frame(stream.from_caller, rtp(i)));
  rig.turn_lcore();
  EXPECT_TRUE(rig.sent(kInside).empty());
  rig.turn_stream();
  rig.arrive(kOutside, udp_frame(stream.from_caller, rtp(4)));
  rig.turn_lcore();
  rig.arrive(kOutside, udp_frame(stream.from_caller, rtp(5)));
  rig.turn_lcore();
  const auto frames = rig.sent(kInside);
  ASSERT_EQ(frames.size(), 5U);
  for (std::uint16_t i = 0; i < 5; ++i) EXPECT_EQ(datagram_of({frames[i]}).payload, rtp(i + 1)) << i;
}

TEST(MediaWay, FollowsANeighbourThatHasMovedAtOnce) {
  LcoreRig rig;
  const TestStream stream = open_stream(rig);
  answer_with(rig, stream.side(StreamSide::Callee).remote.address, kOtherMac);
  rig.turn_lcore();
  const auto frames = relayed(rig, kOutside, udp_frame(stream.from_caller, rtp(2)));
  ASSERT_EQ(frames.size(), 1U);
  EXPECT_EQ(datagram_of(frames).to, kOtherMac);
}

TEST(MediaWay, AsksAgainWhenRoutesHaveChangedAndGoesOnMeanwhile) {
  LcoreRig rig;
  const TestStream stream = open_stream(rig);
  rig.now += 1s;
  rig.answer(FromStream::Kind::Changed, kInside, IpAddress());
  rig.turn_lcore();
  EXPECT_EQ(relayed(rig, kOutside, udp_frame(stream.from_caller, rtp(2))).size(), 1U);
  ToStream question;
  ASSERT_TRUE(rig.links->stream(0).to.receive(question));
  EXPECT_EQ(question.destination, stream.side(StreamSide::Callee).remote.address);
}

TEST(MediaWay, KeepsThePathMtuOfTheRoute) {
  LcoreRig rig;
  const TestStream stream = open_stream(rig);
  answer_with(rig, stream.side(StreamSide::Callee).remote.address, kNeighbourMac, 1280);
  rig.turn_lcore();
  const auto frames = relayed(rig, kOutside, udp_frame(stream.from_caller, rtp(2, 1300)));
  EXPECT_EQ(frames.size(), 2U);
  EXPECT_EQ(datagram_of(frames).payload, rtp(2, 1300));
}

// More destinations than there is memory for: one that was forgotten is asked for, and voice goes on.
TEST(MediaWay, GoesOnWhileANextHopThatWasForgottenIsAskedFor) {
  RigSettings settings;
  settings.next_hops_max = 2;
  LcoreRig rig(std::move(settings));
  const TestStream stream = open_stream(rig);
  EXPECT_EQ(relayed(rig, kOutside, udp_frame(stream.from_caller, rtp(2))).size(), 1U);
  Flow other = flow_to(rig, kInside);
  for (std::uint32_t host = 0; host < 3; ++host) {
    other.source.address = IpAddress::v4(0xc6120250 + host);
    rig.arrive(kInside, udp_frame(other, options(other, static_cast<int>(host))));
  }
  rig.turn();
  (void)rig.sent(kInside);
  rig.now += 2s;
  ToStream question;
  EXPECT_FALSE(rig.links->stream(0).to.receive(question));
  EXPECT_EQ(relayed(rig, kOutside, udp_frame(stream.from_caller, rtp(3))).size(), 1U);
  EXPECT_TRUE(rig.links->stream(0).to.receive(question));
}

TEST(MediaWay, DropsWhatHasNoNeighbour) {
  LcoreRig rig;
  const TestStream stream = open_stream(rig);
  rig.answer(FromStream::Kind::NoNeighbour, kInside, stream.side(StreamSide::Callee).remote.address);
  rig.turn_lcore();
  EXPECT_TRUE(relayed(rig, kOutside, udp_frame(stream.from_caller, rtp(2))).empty());
  EXPECT_EQ(rig.dropped(kInside, DropReason::NoNeighbour), 1U);
}

// The answer that promises a port and the command that opens it are given in one breath.
TEST(MediaOrder, APromisedPortIsOpenWhenThePromiseLeaves) {
  LcoreRig rig;
  (void)open_stream(rig);
  const TestStream stream = make_stream(rig, {.call = 2});
  const sip::Path path{RealmIndex(kOutside),
                       {rig.config.ports[kOutside].addresses[0].address, 5060},
                       *rig.config.peers[kOutside].targets[0].address};
  rig.shards[0]->with_engine([&](sip::SipEngine&, sip::EngineOutput& out) {
    EXPECT_TRUE(out.send(path, "SIP/2.0 200 OK", 2));
    out.media().push_back(stream.command);
  });
  EXPECT_EQ(rig.links->from_shard(0, 0).used(), 1U) << "one lcore keeps the order itself";
  rig.turn_lcore();
  EXPECT_EQ(rig.sent(kOutside).size(), 1U);
  EXPECT_EQ(rig.workers[0]->relay().counters().streams_open.value(), 2U);
}

TEST(MediaOrder, CommandsBeyondAFullRingWaitAndSoDoDatagramsBehindThem) {
  LcoreRig rig;
  const TestStream first = open_stream(rig);
  const std::size_t room = rig.links->media(0, 0).orders.capacity();
  const sip::Path path{RealmIndex(kOutside),
                       {rig.config.ports[kOutside].addresses[0].address, 5060},
                       *rig.config.peers[kOutside].targets[0].address};
  const TestStream last = make_stream(rig, {.call = 2});
  rig.shards[0]->with_engine([&](sip::SipEngine&, sip::EngineOutput& out) {
    media::MediaCommand update = first.command;
    update.kind = media::MediaCommand::Kind::Update;
    for (std::size_t i = 0; i < room + 5; ++i) out.media().push_back(update);
    out.media().push_back(last.command);
    EXPECT_TRUE(out.send(path, "SIP/2.0 200 OK", 2));
  });
  EXPECT_EQ(rig.links->from_shard(0, 0).used(), 0U) << "the promise is not on its way yet";
  EXPECT_FALSE(rig.shards[0]->has_mail()) << "nothing can go on before the lcore has made room";
  EXPECT_TRUE(rig.shards[0]->next_deadline(rig.now));
  rig.turn_lcore();
  EXPECT_EQ(rig.workers[0]->relay().counters().streams_open.value(), 1U);
  EXPECT_TRUE(rig.shards[0]->has_mail());
  rig.turn_shards();
  EXPECT_EQ(rig.links->from_shard(0, 0).used(), 1U);
  rig.turn_lcore();
  EXPECT_EQ(rig.sent(kOutside).size(), 1U);
  EXPECT_EQ(rig.workers[0]->relay().counters().streams_open.value(), 2U);
  EXPECT_EQ(rig.workers[0]->relay().counters().commands_refused.value(), 0U);
}

TEST(MediaNotice, GoesToTheShardOfTheCall) {
  LcoreRig rig({.shards = 3});
  for (std::uint8_t shard = 0; shard < 3; ++shard) {
    const TestStream stream = make_stream(rig, {.call = 10U + shard, .shard = shard});
    order(rig, stream.command, shard);
    rig.arrive(kOutside, udp_frame(stream.from_caller, rtp(1)));
  }
  rig.turn_lcore();
  rig.now += 2ms;
  rig.turn_lcore();
  for (std::size_t shard = 0; shard < 3; ++shard) {
    media::MediaNotice notice;
    ASSERT_TRUE(rig.links->media_notices(0, shard).receive(notice));
    EXPECT_EQ(notice.kind, media::MediaNotice::Kind::Learned);
    EXPECT_EQ(notice.key.call, 10 + shard);
    EXPECT_FALSE(rig.links->media_notices(0, shard).receive(notice));
  }
}

TEST(MediaNotice, IsHeardByTheEngine) {
  LcoreRig rig;
  (void)open_stream(rig);
  rig.now += 2ms;
  rig.turn_lcore();
  EXPECT_TRUE(rig.shards[0]->has_mail());
  EXPECT_GE(rig.shards[0]->run_once(rig.now), 1U);
  EXPECT_FALSE(rig.shards[0]->has_mail());
}

// Streams of all slices, so that both lcores have some; each device has one queue, of one lcore.
TEST(MediaLcores, EachPacketReachesTheLcoreOfItsPortAndLeavesByTheOneThatHasTheQueue) {
  LcoreRig rig({.lcores = 2});
  std::array<int, 2> streams{};
  for (std::uint64_t call = 1; call <= 16; ++call) {
    const TestStream stream = open_stream(rig, {.call = call});
    ++streams[media::lcore_of(stream.side(StreamSide::Caller).local.port, 2)];
    const auto inside = relayed(rig, kOutside, udp_frame(stream.from_caller, rtp(2)));
    ASSERT_EQ(inside.size(), 1U);
    EXPECT_EQ(datagram_of(inside).payload, rtp(2));
    const auto outside = relayed(rig, kInside, udp_frame(stream.from_callee, rtp(3)));
    ASSERT_EQ(outside.size(), 1U);
    EXPECT_EQ(datagram_of(outside).payload, rtp(3));
  }
  for (std::size_t lcore = 0; lcore < 2; ++lcore) {
    EXPECT_GT(streams[lcore], 0);
    EXPECT_EQ(rig.workers[lcore]->relay().counters().streams_open.value(),
              static_cast<std::uint64_t>(streams[lcore]));
  }
}

TEST(MediaLcores, FragmentsReachTheLcoreOfThePortOnceTheyAreWhole) {
  LcoreRig rig({.lcores = 2});
  std::array<int, 2> streams{};
  for (std::uint64_t call = 1; call <= 16; ++call) {
    const TestStream stream = open_stream(rig, {.call = call});
    ++streams[media::lcore_of(stream.side(StreamSide::Caller).local.port, 2)];
    for (const Bytes& piece : fragments_of(rig, udp_frame(stream.from_caller, rtp(2, 1400)), 1280))
      rig.arrive(kOutside, piece);
    for (int i = 0; i < 4; ++i)
      for (std::size_t lcore = 0; lcore < 2; ++lcore) rig.turn_lcore(lcore);
    EXPECT_EQ(datagram_of(rig.sent(kInside)).payload, rtp(2, 1400)) << call;
  }
  EXPECT_TRUE(streams[0] > 0 && streams[1] > 0);
}

// The answer leaves by the lcore that sends to its address, which need not be the stream's.
TEST(MediaLcores, APromiseWaitsForTheLcoreOfItsPort) {
  LcoreRig rig({.lcores = 2});
  const sip::Path path{RealmIndex(kOutside),
                       {rig.config.ports[kOutside].addresses[0].address, 5060},
                       *rig.config.peers[kOutside].targets[0].address};
  std::size_t by_another = 0;
  for (std::uint64_t call = 1; call <= 8; ++call) {
    const TestStream stream = make_stream(rig, {.call = call});
    const std::size_t owner = media::lcore_of(stream.side(StreamSide::Caller).local.port, 2);
    const std::uint64_t open = rig.workers[owner]->relay().counters().streams_open.value();
    rig.shards[0]->with_engine([&](sip::SipEngine&, sip::EngineOutput& out) {
      out.media().push_back(stream.command);
      EXPECT_TRUE(out.send(path, "SIP/2.0 200 OK", call));
    });
    const bool is_held = rig.links->from_shard(0, 0).empty() && rig.links->from_shard(0, 1).empty();
    by_another += is_held ? 1 : 0;
    rig.turn_lcore(1 - owner);
    EXPECT_EQ(rig.workers[owner]->relay().counters().streams_open.value(), open);
    EXPECT_FALSE(rig.shards[0]->has_mail()) << "the owner has not done it yet";
    rig.turn();
    EXPECT_EQ(rig.workers[owner]->relay().counters().streams_open.value(), open + 1);
    EXPECT_EQ(rig.sent(kOutside).size(), 1U) << call;
  }
  EXPECT_GT(by_another, 0U);
}

}  // namespace
}  // namespace sallyport::dataplane
