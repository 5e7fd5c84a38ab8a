// media_hairpin_vdev_test.cpp — a call that a proxy inside leads back to us passes through two of our streams
// without touching a wire in between: on one lcore and from one to the other.
#include <gtest/gtest.h>

#include "dataplane/packet/wire.h"
#include "tests/dpdk/media_rig.h"

namespace sallyport::dataplane {
namespace {

using media::MediaDropReason;
using media::StreamSide;

media::MediaSideSettings& side_of(TestStream& stream, StreamSide side) {
  return stream.command.sides[index_of(side)];
}

Endpoint above(Endpoint endpoint) {
  ++endpoint.port;
  return endpoint;
}

// What `one` sends on this side goes to the port that the other has there.
void lead_to(TestStream& one, TestStream& other, StreamSide side) {
  side_of(one, side).remote = side_of(other, side).local;
  side_of(one, side).remote_rtcp = above(side_of(other, side).local);
}

std::size_t lcore_of(const TestStream& stream) {
  return media::lcore_of(stream.side(StreamSide::Caller).local.port, 2);
}

// Phone A and phone B are outside, the proxy inside.
struct LedBack {
  TestStream first, second;
  Flow from_a, from_b;
};

LedBack make_led_back(LcoreRig& rig, std::uint64_t call = 1, bool inside_v4 = true) {
  LedBack calls{make_stream(rig, {.callee_v4 = inside_v4, .call = call}),
                make_stream(rig, {.callee_v4 = inside_v4, .call = call + 1000}),
                {},
                {}};
  lead_to(calls.first, calls.second, StreamSide::Callee);
  lead_to(calls.second, calls.first, StreamSide::Callee);
  side_of(calls.second, StreamSide::Caller).remote.port = 41000;
  side_of(calls.second, StreamSide::Caller).remote_rtcp.port = 41001;
  calls.from_a = calls.first.from_caller;
  calls.from_b = calls.second.from_caller;
  calls.from_b.source.port = 41000;
  return calls;
}

// Often enough for a packet to ask for its next hop and to go by four lcores.
void turn_lcores(LcoreRig& rig) {
  for (int i = 0; i < 6; ++i) {
    for (std::size_t lcore = 0; lcore < rig.threads.lcores; ++lcore) rig.turn_lcore(lcore);
    rig.turn_stream();
  }
}

void open(LcoreRig& rig, const LedBack& calls) {
  order(rig, calls.first.command);
  order(rig, calls.second.command);
}

// What leaves outside when this has come from there. Inside hears nothing of it.
std::vector<Bytes> led_back(LcoreRig& rig, const Bytes& frame, std::size_t piece = 0) {
  rig.arrive(kOutside, frame, piece);
  turn_lcores(rig);
  EXPECT_TRUE(rig.sent(kInside).empty());
  return rig.sent(kOutside);
}

void expect_voice(const std::vector<Bytes>& frames, const std::string& payload, const TestStream& from) {
  ASSERT_FALSE(frames.empty()) << "nothing came out";
  const Arrived arrived = datagram_of(frames);
  EXPECT_EQ(arrived.payload, payload);
  EXPECT_EQ(to_string(arrived.source), to_string(from.side(StreamSide::Caller).local));
  EXPECT_EQ(to_string(arrived.destination), to_string(from.side(StreamSide::Caller).remote));
  EXPECT_EQ(arrived.traffic_class, 46 << 2);
}

std::string sender_report() {
  std::string report(28, '\0');  // of the source that rtp() has, RFC 3550 §6.4.1
  auto* const at = reinterpret_cast<std::uint8_t*>(report.data());
  at[0] = 0x80;
  at[1] = 200;
  at[3] = 6;
  store32(at + 4, 0x5a11);
  return report;
}

TEST(MediaHairpin, VoiceFlowsBothWaysThroughTwoStreams) {
  for (const bool inside_v4 : {true, false}) {
    LcoreRig rig;
    const LedBack calls = make_led_back(rig, 1, inside_v4);
    open(rig, calls);
    for (std::uint16_t i = 1; i < 6; ++i) {
      expect_voice(led_back(rig, udp_frame(calls.from_a, rtp(i))), rtp(i), calls.second);
      expect_voice(led_back(rig, udp_frame(calls.from_b, rtp(i, 80))), rtp(i, 80), calls.first);
    }
    EXPECT_EQ(rig.received(kOutside, PacketClass::Media), 10U);
    EXPECT_EQ(rig.received(kInside, PacketClass::Media), 0U) << "no frame came from there";
    EXPECT_EQ(transmitted(rig, kOutside, PacketClass::Media), 10U);
    EXPECT_EQ(rig.dropped(kInside, DropReason::MediaRefused), 0U);
  }
}

TEST(MediaHairpin, ReportsAndPacketsInPiecesToo) {
  LcoreRig rig;
  const LedBack calls = make_led_back(rig);
  open(rig, calls);
  const std::string voice = rtp(1, 400);
  expect_voice(led_back(rig, udp_frame(calls.from_a, voice), 100), voice, calls.second);
  Flow reports = calls.from_a;
  ++reports.source.port;
  ++reports.destination.port;
  for (const std::size_t piece : {0U, 40U}) {
    const auto frames = led_back(rig, udp_frame(reports, sender_report()), piece);
    ASSERT_EQ(frames.size(), 1U);
    EXPECT_EQ(datagram_of(frames).destination, calls.second.side(StreamSide::Caller).remote_rtcp);
    EXPECT_EQ(datagram_of(frames).payload, sender_report());
  }
}

// A datagram that one buffer does not hold is a chain on its way between the streams.
TEST(MediaHairpin, LongPacketsStayWhole) {
  LcoreRig rig;
  const LedBack calls = make_led_back(rig);
  open(rig, calls);
  const std::string video = rtp(1, 6000);
  const auto frames = led_back(rig, udp_frame(calls.from_a, video), 1500);
  EXPECT_GT(frames.size(), 1U);
  expect_voice(frames, video, calls.second);
}

TEST(MediaHairpin, DamageDoesNotComeOutWithARightChecksum) {
  LcoreRig rig;
  const LedBack calls = make_led_back(rig);
  open(rig, calls);
  Bytes frame = udp_frame(calls.from_a, rtp(1));
  frame.back() ^= 1;
  EXPECT_TRUE(led_back(rig, frame).empty());
  EXPECT_EQ(rig.dropped(kOutside, DropReason::BadL4Checksum), 1U);
}

TEST(MediaHairpin, OwnReportsGoThroughTheOtherStream) {
  LcoreRig rig;
  LedBack calls = make_led_back(rig);
  side_of(calls.first, StreamSide::Callee).rtcp = RtcpMode::Terminate;
  open(rig, calls);
  (void)led_back(rig, udp_frame(calls.from_a, rtp(1)));
  std::size_t to_b = 0;
  for (int second = 0; second < 20; ++second) {
    for (int i = 0; i < 5; ++i) {
      rig.now += 200ms;
      turn_lcores(rig);
    }
    for (const Bytes& frame : rig.sent(kOutside))
      to_b += datagram_of({frame}).destination == calls.second.side(StreamSide::Caller).remote_rtcp ? 1 : 0;
  }
  EXPECT_GT(to_b, 1U);
  EXPECT_TRUE(rig.sent(kInside).empty());
}

// Somebody else's call, whose port was named without being asked.
TEST(MediaHairpin, ACallThatDoesNotNameTheOtherHearsNothingOfIt) {
  LcoreRig rig;
  LedBack calls = make_led_back(rig);
  calls.second = make_stream(rig, {.call = 7});
  side_of(calls.second, StreamSide::Callee).latch = LatchMode::Any;
  lead_to(calls.first, calls.second, StreamSide::Callee);
  open(rig, calls);
  for (std::uint16_t i = 1; i <= 20; ++i) EXPECT_TRUE(led_back(rig, udp_frame(calls.from_a, rtp(i))).empty());
  EXPECT_EQ(rig.dropped(kInside, DropReason::MediaRefused), 20U);
  EXPECT_EQ(refused(rig, kInside, MediaDropReason::ForeignSource), 20U);
}

TEST(MediaHairpin, WhatGoesRoundEnds) {
  for (const std::uint32_t lcores : {1U, 2U}) {
    LcoreRig rig({.lcores = lcores});
    for (std::uint64_t call = 1; call <= 8; ++call) {
      LedBack calls = make_led_back(rig, call);
      lead_to(calls.first, calls.second, StreamSide::Caller);
      lead_to(calls.second, calls.first, StreamSide::Caller);
      side_of(calls.first, StreamSide::Caller).latch = LatchMode::Any;
      open(rig, calls);
      EXPECT_TRUE(led_back(rig, udp_frame(calls.from_a, rtp(1))).empty());
    }
    EXPECT_EQ(refused(rig, kInside, MediaDropReason::Loop) + refused(rig, kOutside, MediaDropReason::Loop),
              8U);
  }
}

// Both streams on one lcore, on the other, and each way from one to the other.
TEST(MediaHairpinLcores, VoiceFlowsWhoeverOwnsTheStreams) {
  LcoreRig rig({.lcores = 2});
  std::array<std::array<int, 2>, 2> owners{};
  for (std::uint64_t call = 1; call <= 32; ++call) {
    const LedBack calls = make_led_back(rig, call);
    open(rig, calls);
    ++owners[lcore_of(calls.first)][lcore_of(calls.second)];
    for (std::uint16_t i = 1; i < 4; ++i) {
      expect_voice(led_back(rig, udp_frame(calls.from_a, rtp(i))), rtp(i), calls.second);
      expect_voice(led_back(rig, udp_frame(calls.from_b, rtp(i, 80))), rtp(i, 80), calls.first);
    }
  }
  for (const auto& by_first : owners)
    for (const int count : by_first) EXPECT_GT(count, 0);
}

TEST(MediaHairpinLcores, AFullRingDropsAndCounts) {
  LcoreRig rig({.lcores = 2});
  std::uint64_t call = 1;
  LedBack calls = make_led_back(rig, call);
  while (lcore_of(calls.first) != 0 || lcore_of(calls.second) != 1) calls = make_led_back(rig, ++call);
  open(rig, calls);
  expect_voice(led_back(rig, udp_frame(calls.from_a, rtp(1))), rtp(1), calls.second);
  const std::size_t room = rig.links->hand_over(0, 1).lane(Passage::Ours).capacity();
  for (std::size_t i = 0; i < room + 5; ++i) {
    rig.arrive(kOutside, udp_frame(calls.from_a, rtp(static_cast<std::uint16_t>(i + 2))));
    rig.turn_lcore(0);
  }
  EXPECT_EQ(rig.dropped(kInside, DropReason::LcoreRingFull), 5U);
  std::size_t came = 0;
  for (std::size_t i = 0; i < room; ++i) {
    turn_lcores(rig);
    came += rig.sent(kOutside).size();
    if (rig.links->hand_over(0, 1).empty()) break;
  }
  EXPECT_EQ(came, room);
}

// The second call ends while a packet is on its way from one lcore to the other.
TEST(MediaHairpinLcores, APacketForAStreamThatHasGoneIsDropped) {
  LcoreRig rig({.lcores = 2});
  std::uint64_t call = 1;
  LedBack calls = make_led_back(rig, call);
  while (lcore_of(calls.first) != 0 || lcore_of(calls.second) != 1) calls = make_led_back(rig, ++call);
  open(rig, calls);
  rig.arrive(kOutside, udp_frame(calls.from_a, rtp(1)));
  rig.turn_lcore(0);
  EXPECT_EQ(rig.links->hand_over(0, 1).used(), 1U);
  media::MediaCommand close = calls.second.command;
  close.kind = media::MediaCommand::Kind::Close;
  rig.shards[0]->with_engine([&](sip::SipEngine&, sip::EngineOutput& out) { out.media().push_back(close); });
  EXPECT_TRUE(rig.workers[1]->take_orders(rig.now));
  turn_lcores(rig);
  EXPECT_TRUE(rig.sent(kOutside).empty());
  EXPECT_EQ(
      refused(rig, kInside, MediaDropReason::Closed) + refused(rig, kInside, MediaDropReason::ForeignSource),
      1U);
}

TEST(MediaHairpin, ACaptureSeesThePacketAtBothStreams) {
  MediaTap tap(1);
  LcoreRig rig({.tap = &tap});
  const LedBack calls = make_led_back(rig);
  open(rig, calls);
  const Endpoint inner = calls.second.side(StreamSide::Callee).local;
  tap.want(std::array{calls.from_a.destination.port, inner.port});
  (void)led_back(rig, udp_frame(calls.from_a, rtp(1)));
  MediaHead head;
  ASSERT_TRUE(tap.take(head));
  EXPECT_EQ(head.local, calls.from_a.destination);
  ASSERT_TRUE(tap.take(head));
  EXPECT_EQ(head.local, inner);
  EXPECT_EQ(head.remote, calls.first.side(StreamSide::Callee).local);
}

}  // namespace
}  // namespace sallyport::dataplane
