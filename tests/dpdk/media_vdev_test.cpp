// media_vdev_test.cpp — voice through the lcore: both ways, in both families, with and without tags, with
// every kind of checksum; what must not pass. RFC 3550, RFC 768, RFC 8200 §8.1, RFC 1624.
#include <gtest/gtest.h>

#include "dataplane/packet/checksum.h"
#include "dataplane/packet/header_writer.h"
#include "dataplane/packet/ip_header.h"
#include "dataplane/packet/wire.h"
#include "tests/dpdk/media_rig.h"

namespace sallyport::dataplane {
namespace {

using media::MediaDropReason;
using media::StreamSide;

void expect_voice(const std::vector<Bytes>& frames, const std::string& payload, const Endpoint& from,
                  const Endpoint& to) {
  ASSERT_FALSE(frames.empty()) << "nothing was relayed";
  const Arrived arrived = datagram_of(frames);  // looks at both checksums
  EXPECT_EQ(arrived.payload, payload);
  EXPECT_EQ(to_string(arrived.source), to_string(from));
  EXPECT_EQ(to_string(arrived.destination), to_string(to));
  EXPECT_EQ(arrived.traffic_class, 46 << 2);
  EXPECT_EQ(arrived.to, kNeighbourMac);
}

void expect_at_callee(const std::vector<Bytes>& frames, const std::string& payload,
                      const TestStream& stream) {
  expect_voice(frames, payload, stream.side(StreamSide::Callee).local,
               stream.side(StreamSide::Callee).remote);
}

void expect_at_caller(const std::vector<Bytes>& frames, const std::string& payload,
                      const TestStream& stream) {
  expect_voice(frames, payload, stream.side(StreamSide::Caller).local,
               stream.side(StreamSide::Caller).remote);
}

// Families of caller and callee, and a VLAN inside.
class MediaFamilies : public testing::TestWithParam<std::tuple<bool, bool, int>> {
 protected:
  [[nodiscard]] static RigSettings settings() {
    RigSettings settings;
    const int vlan = std::get<2>(GetParam());
    if (vlan != 0) settings.config.ports[kInside].vlan = static_cast<std::uint16_t>(vlan);
    return settings;
  }
  LcoreRig rig_{settings()};
  TestStream stream_ =
      open_stream(rig_, {.caller_v4 = std::get<0>(GetParam()), .callee_v4 = std::get<1>(GetParam())});
};

TEST_P(MediaFamilies, VoiceFlowsBothWays) {
  for (std::uint16_t i = 2; i < 6; ++i) {
    const std::string there = rtp(i, 159U + i), back = rtp(i, 20U + i);
    const auto inside = relayed(rig_, kOutside, udp_frame(stream_.from_caller, there));
    expect_at_callee(inside, there, stream_);
    ASSERT_FALSE(inside.empty());
    EXPECT_EQ(datagram_of(inside).vlan, std::get<2>(GetParam()));
    expect_at_caller(relayed(rig_, kInside, udp_frame(stream_.from_callee, back)), back, stream_);
  }
  EXPECT_EQ(rig_.received(kOutside, PacketClass::Media), 5U);
  EXPECT_EQ(transmitted(rig_, kInside, PacketClass::Media), 5U);
}

// An IPv4 sender may leave the checksum out; IPv6 must have one.
TEST_P(MediaFamilies, AMissingChecksumIsMadeWhereItIsNeeded) {
  const auto [caller_v4, callee_v4, vlan] = GetParam();
  const std::string voice = rtp(2);
  const auto frames = relayed(rig_, kOutside, with_checksum(udp_frame(stream_.from_caller, voice), 0));
  if (!caller_v4) {
    EXPECT_TRUE(frames.empty());
    EXPECT_EQ(rig_.dropped(kOutside, DropReason::BadL4Checksum), 1U);
    return;
  }
  ASSERT_EQ(frames.size(), 1U);
  if (callee_v4)
    EXPECT_EQ(checksum_of(frames[0]), 0);
  else
    expect_at_callee(frames, voice, stream_);
}

// Whoever receives a packet that was damaged before it came to us must see that it was.
TEST_P(MediaFamilies, ADamagedPacketStaysDamaged) {
  Bytes frame = udp_frame(stream_.from_caller, rtp(2));
  frame[frame.size() - 3] ^= 0x10;
  const auto frames = relayed(rig_, kOutside, frame);
  ASSERT_EQ(frames.size(), 1U);
  const Bytes right = udp_frame(stream_.from_caller, rtp(2));
  const auto whole = relayed(rig_, kOutside, right);
  ASSERT_EQ(whole.size(), 1U);
  EXPECT_EQ(checksum_of(frames[0]), checksum_of(whole[0])) << "the checksum of what was sent";
  EXPECT_NE(frames[0].back(), 0);
}

INSTANTIATE_TEST_SUITE_P(Families, MediaFamilies,
                         testing::Combine(testing::Bool(), testing::Bool(), testing::Values(0, 42)));

// Linux leaves the rest of the sum to a device that, between virtual machines, is not there.
TEST(Media, AHalfDoneChecksumIsFinishedOnlyWhereThePortSaysSo) {
  for (const bool completes : {true, false}) {
    RigSettings settings;
    settings.config.ports[kOutside].checksums = completes ? ChecksumMode::Complete : ChecksumMode::Verify;
    LcoreRig rig(std::move(settings));
    for (const bool callee_v4 : {true, false}) {
      const TestStream stream = open_stream(rig, {.callee_v4 = callee_v4, .call = callee_v4 ? 1U : 2U});
      const std::string voice = rtp(2);
      InternetSum pseudo;
      pseudo.add_pseudo_header(stream.from_caller.source.address, stream.from_caller.destination.address,
                               kProtocolUdp, static_cast<std::uint32_t>(8 + voice.size()));
      const Bytes frame = udp_frame(stream.from_caller, voice);
      const auto right = relayed(rig, kOutside, frame);
      const auto frames = relayed(rig, kOutside, with_checksum(frame, pseudo.folded()));
      ASSERT_TRUE(right.size() == 1 && frames.size() == 1);
      EXPECT_EQ(checksum_of(frames[0]) == checksum_of(right[0]), completes)
          << "else it is as wrong as it was";
    }
  }
}

TEST(Media, AStrangerIsRefusedAndCounted) {
  LcoreRig rig;
  const TestStream stream = open_stream(rig);
  Flow attacker = stream.from_caller;
  attacker.source.address = IpAddress::v4(0xc6120109);
  EXPECT_TRUE(relayed(rig, kOutside, udp_frame(attacker, rtp(2))).empty());
  EXPECT_EQ(rig.dropped(kOutside, DropReason::MediaRefused), 1U);
  EXPECT_EQ(refused(rig, kOutside, MediaDropReason::ForeignSource), 1U);
  EXPECT_EQ(rig.received(kOutside, PacketClass::Media), 2U) << "refused packets are received packets too";
  const std::string voice = rtp(3);
  expect_at_callee(relayed(rig, kOutside, udp_frame(stream.from_caller, voice)), voice, stream);
}

TEST(Media, NothingIsRelayedFromTheMomentTheStreamIsClosed) {
  LcoreRig rig;
  const TestStream stream = open_stream(rig);
  close_stream(rig, stream);
  EXPECT_TRUE(relayed(rig, kOutside, udp_frame(stream.from_caller, rtp(2))).empty());
  EXPECT_TRUE(relayed(rig, kInside, udp_frame(stream.from_callee, rtp(2))).empty());
  EXPECT_EQ(rig.dropped(kOutside, DropReason::MediaRefused), 1U);
  EXPECT_EQ(refused(rig, kInside, MediaDropReason::Closed), 1U);
}

// Neither ICMP nor anything else comes back, and the sender's budget for SIP is not touched.
TEST(Media, APortOfNoStreamIsForNobody) {
  RigSettings settings;
  settings.config.security.limits.source = {{1, std::chrono::seconds(1)}, 1};
  LcoreRig rig(std::move(settings));
  const TestStream stream = open_stream(rig);
  Flow elsewhere = stream.from_caller;
  elsewhere.source.address = IpAddress::v4(0xc6120109);
  elsewhere.destination.port = static_cast<std::uint16_t>(elsewhere.destination.port ^ 64);
  for (std::uint16_t i = 0; i < 50; ++i)
    EXPECT_TRUE(relayed(rig, kOutside, udp_frame(elsewhere, rtp(i))).empty());
  EXPECT_EQ(rig.dropped(kOutside, DropReason::NoListener), 50U);
  rig.arrive(kOutside, udp_frame({elsewhere.to, {}, elsewhere.source, flow_to(rig, kOutside).destination},
                                 options(flow_to(rig, kOutside), 1)));
  rig.turn();
  EXPECT_EQ(rig.dropped(kOutside, DropReason::SourceRate), 0U) << "its one datagram passes";
}

TEST(Media, ReportsAreReadOnlyWhenTheirChecksumIsRight) {
  LcoreRig rig;
  const TestStream stream = open_stream(rig);
  Flow flow = stream.from_caller;
  ++flow.source.port;
  ++flow.destination.port;
  std::string report(28, '\0');  // sender report of the caller's source, RFC 3550 §6.4.1
  auto* const at = reinterpret_cast<std::uint8_t*>(report.data());
  at[0] = 0x80;
  at[1] = 200;
  at[3] = 6;
  store32(at + 4, 0x5a11);
  Bytes damaged = udp_frame(flow, report);
  damaged.back() ^= 1;
  EXPECT_TRUE(relayed(rig, kOutside, damaged).empty());
  EXPECT_EQ(rig.dropped(kOutside, DropReason::BadL4Checksum), 1U);
  const auto frames = relayed(rig, kOutside, udp_frame(flow, report));
  ASSERT_EQ(frames.size(), 1U);
  const Arrived arrived = datagram_of(frames);
  EXPECT_EQ(arrived.destination, stream.side(StreamSide::Callee).remote_rtcp);
  EXPECT_EQ(arrived.source.port, stream.side(StreamSide::Callee).local.port + 1);
  EXPECT_EQ(arrived.payload, report);
}

TEST(Media, APacketInSegmentsIsRelayedWhole) {
  LcoreRig rig;
  const TestStream stream = open_stream(rig);
  const std::string voice = rtp(2, 400);
  rig.arrive(kOutside, udp_frame(stream.from_caller, voice), 100);
  rig.turn_lcore();
  expect_at_callee(rig.sent(kInside), voice, stream);
}

TEST(Media, FragmentsArePutTogetherAndWhatIsTooLongForTheOtherSideIsCut) {
  RigSettings settings;
  settings.config.ports[kInside].mtu = 1280;
  LcoreRig rig(std::move(settings));
  const TestStream stream = open_stream(rig);
  const std::string video = rtp(2, 1400);
  const auto pieces = fragments_of(rig, udp_frame(stream.from_caller, video), 1280);
  ASSERT_EQ(pieces.size(), 2U);
  for (const Bytes& piece : pieces) rig.arrive(kOutside, piece);
  rig.turn_lcore();
  const auto frames = rig.sent(kInside);
  EXPECT_EQ(frames.size(), 2U);
  expect_at_callee(frames, video, stream);
  const auto cut = relayed(rig, kOutside, udp_frame(stream.from_caller, rtp(3, 1400)));
  EXPECT_EQ(cut.size(), 2U) << "in one piece it came, in one buffer";
  expect_at_callee(cut, rtp(3, 1400), stream);
}

// A checksum that is made anew must not hide damage.
TEST(Media, ALongPacketWithAWrongChecksumIsDropped) {
  RigSettings settings;
  settings.config.ports[kInside].mtu = 1280;
  LcoreRig rig(std::move(settings));
  const TestStream stream = open_stream(rig);
  Bytes frame = udp_frame(stream.from_caller, rtp(2, 1400));
  frame.back() ^= 1;
  EXPECT_TRUE(relayed(rig, kOutside, frame).empty());
  EXPECT_EQ(rig.dropped(kOutside, DropReason::BadL4Checksum), 1U);
}

TEST(Media, PacketsInSegmentsNeedBuffers) {
  LcoreRig rig;
  const TestStream stream = open_stream(rig);
  rig.arrive(kOutside, udp_frame(stream.from_caller, rtp(2, 400)), 100);
  std::vector<rte_mbuf*> all;
  while (rte_mbuf* packet = rte_pktmbuf_alloc(rig.pools->main())) all.push_back(packet);
  rig.turn_lcore();
  EXPECT_EQ(rig.dropped(kOutside, DropReason::NoBuffer), 1U);
  for (rte_mbuf* packet : all) rte_pktmbuf_free(packet);
}

}  // namespace
}  // namespace sallyport::dataplane
