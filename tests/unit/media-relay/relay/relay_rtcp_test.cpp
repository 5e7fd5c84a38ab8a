// relay_rtcp_test.cpp — RTCP through the relay: who may send it, what crosses, round trips, RTCP beside RTP
// and on its port: RFC 3550 §6, RFC 3605, RFC 5761; threats M6.
#include "tests/unit/media-relay/relay/relay_fixture.h"
#include "tests/unit/media-relay/wire/rtcp_builder.h"

namespace sallyport::media {
namespace {

constexpr std::uint32_t kSsrc = 0x11111111;

class RelayRtcpTest : public RelayTest {
 protected:
  RelayResult rtcp_from_caller(const Octets& packet, const std::string& from = "192.0.2.10:4001") {
    return packet_to(kOutsideAddress, 20001, from, packet);
  }
  RelayResult rtcp_from_callee(const Octets& packet, const std::string& from = "10.0.0.20:5001") {
    return packet_to(kInsideAddress, 20129, from, packet);
  }
  static Octets report() {
    return RtcpBuilder().sender_report(kSsrc).sdes(kSsrc, {{1, "alice@10.9.8.7"}}).packet;
  }
};

TEST_F(RelayRtcpTest, RelaysReportsBetweenTheOddPorts) {
  open();
  const RelayResult up = rtcp_from_caller(report());
  ASSERT_EQ(fate(up), "relayed");
  EXPECT_TRUE(up.is_rtcp);
  EXPECT_TRUE(up.payload_changed);
  EXPECT_EQ(source(up), "10.0.0.1:20129");
  EXPECT_EQ(destination(up), "10.0.0.20:5001");
  EXPECT_EQ(parts_of(relayed), "200 202");
  EXPECT_EQ(fate(rtcp_from_callee(report())), "relayed");
}

TEST_F(RelayRtcpTest, HidesTheNameOfTheSenderAndKeepsItsSource) {
  open();
  (void)rtcp_from_caller(report());
  const std::string first(relayed.begin(), relayed.end());
  EXPECT_EQ(first.find("alice"), std::string::npos);
  EXPECT_EQ(read_u32(relayed.data() + 4), kSsrc);
  (void)rtcp_from_caller(report());
  EXPECT_EQ(std::string(relayed.begin(), relayed.end()), first);
  (void)rtcp_from_callee(report());
  EXPECT_NE(std::string(relayed.begin(), relayed.end()), first);
}

TEST_F(RelayRtcpTest, NeverEndsAnythingAtBye) {
  open();
  (void)from_caller(rtp());
  ASSERT_EQ(fate(rtcp_from_caller(RtcpBuilder().sender_report(kSsrc).bye(kSsrc).packet)), "relayed");
  EXPECT_EQ(parts_of(relayed), "200");
  EXPECT_EQ(fate(from_caller(rtp({.sequence = 2}))), "relayed");
}

TEST_F(RelayRtcpTest, DropsWhatIsNoCompoundPacket) {
  open();
  EXPECT_EQ(fate(rtcp_from_caller({0x80, 201, 0, 0})), "rtcp_malformed");
  EXPECT_EQ(fate(rtcp_from_caller({})), "rtcp_malformed");
  EXPECT_EQ(fate(rtcp_from_caller(RtcpBuilder().bye(kSsrc).packet)), "rtcp_malformed");
  EXPECT_EQ(fate(rtcp_from_caller(rtp())), "rtcp_malformed");
}

TEST_F(RelayRtcpTest, DropsReportsOfASourceThatThisSideNeverSent) {
  open();
  (void)from_caller(rtp({.ssrc = kSsrc}));
  EXPECT_EQ(fate(rtcp_from_caller(RtcpBuilder().sender_report(0x99999999).packet)), "rtcp_foreign_ssrc");
  EXPECT_EQ(fate(rtcp_from_caller(RtcpBuilder().sender_report(kSsrc).packet)), "relayed");
  EXPECT_EQ(fate(rtcp_from_caller(RtcpBuilder().receiver_report(0x99999999).packet)), "relayed");
}

TEST_F(RelayRtcpTest, StillTakesTheReportOfTheSourceOfJustBefore) {
  open();
  (void)from_caller(rtp({.ssrc = kSsrc}));
  (void)from_caller(rtp({.ssrc = 5}));
  EXPECT_EQ(fate(rtcp_from_caller(RtcpBuilder().sender_report(kSsrc).packet)), "relayed");
  for (std::uint32_t i = 100; i < 108; ++i) (void)from_caller(rtp({.ssrc = i}));
  EXPECT_EQ(fate(rtcp_from_caller(RtcpBuilder().sender_report(kSsrc).packet)), "rtcp_foreign_ssrc");
}

TEST_F(RelayRtcpTest, ComesOnlyFromTheHostThatRtpWasLearnedFrom) {
  command.sides[0].remote = endpoint("192.168.1.5:7000");
  command.sides[0].remote_rtcp = endpoint("192.168.1.5:7001");
  open();
  for (std::uint16_t i = 0; i < 5; ++i) (void)from_caller(rtp({.sequence = i}), "192.0.2.10:61000");
  EXPECT_EQ(fate(rtcp_from_caller(report(), "192.168.1.5:7001")), "foreign_source");
  EXPECT_EQ(fate(rtcp_from_caller(report(), "203.0.113.9:61001")), "foreign_source");
  EXPECT_EQ(destination(rtcp_from_callee(report())), "192.168.1.5:7001");
  EXPECT_EQ(fate(rtcp_from_caller(report(), "192.0.2.10:61055")), "relayed");
  EXPECT_EQ(destination(rtcp_from_callee(report())), "192.0.2.10:61055");
  EXPECT_EQ(fate(rtcp_from_caller(report(), "192.0.2.10:61056")), "foreign_source");
}

TEST_F(RelayRtcpTest, IsLearnedAnewWhenRtpTurnsOutToComeFromAnotherHost) {
  command.sides[0].remote = endpoint("192.168.1.5:7000");
  command.sides[0].remote_rtcp = endpoint("192.168.1.5:7001");
  open();
  EXPECT_EQ(fate(rtcp_from_caller(report(), "192.168.1.5:7001")), "relayed");
  for (std::uint16_t i = 0; i < 5; ++i)
    (void)from_caller(rtp({.sequence = i, .ssrc = kSsrc}), "192.0.2.10:61000");
  EXPECT_EQ(fate(rtcp_from_caller(report(), "192.168.1.5:7001")), "foreign_source");
}

// RFC 3605 §2.1: another host for RTCP, named in the SDP.
TEST_F(RelayRtcpTest, MayComeFromAHostThatTheSdpNamesForItAlone) {
  command.sides[0].remote_rtcp = endpoint("192.0.2.77:9000");
  open();
  (void)from_caller(rtp());
  EXPECT_EQ(fate(rtcp_from_caller(report(), "192.0.2.77:9000")), "relayed");
  EXPECT_EQ(destination(rtcp_from_callee(report())), "192.0.2.77:9000");
}

// RFC 5761
TEST_F(RelayRtcpTest, BridgesRtcpOnTheRtpPortToRtcpBesideIt) {
  command.sides[0].rtcp_mux = true;
  command.sides[0].remote_rtcp = command.sides[0].remote;
  open();
  const RelayResult up = from_caller(report());
  ASSERT_EQ(fate(up), "relayed");
  EXPECT_EQ(source(up), "10.0.0.1:20129");
  EXPECT_EQ(destination(up), "10.0.0.20:5001");
  const RelayResult down = rtcp_from_callee(report());
  ASSERT_EQ(fate(down), "relayed");
  EXPECT_EQ(source(down), "198.51.100.1:20000");
  EXPECT_EQ(destination(down), "192.0.2.10:4000");
  EXPECT_EQ(fate(rtcp_from_caller(report())), "rtcp_not_used");
  EXPECT_EQ(fate(from_callee(report())), "rtcp_not_used");
}

TEST_F(RelayRtcpTest, GoesOnDuringHold) {
  for (MediaSideSettings& side : command.sides) side.may_send = false;
  open();
  EXPECT_EQ(fate(rtcp_from_caller(report())), "relayed");
  EXPECT_EQ(fate(rtcp_from_callee(report())), "relayed");
}

TEST_F(RelayRtcpTest, IsDroppedWhenTheOtherSideTakesNone) {
  command.sides[1].remote_rtcp = {};
  open();
  EXPECT_EQ(fate(rtcp_from_caller(report())), "no_destination");
}

TEST_F(RelayRtcpTest, WithoutRoomToGrowIsDropped) {
  open();
  Octets packet = RtcpBuilder().receiver_report(kSsrc).sdes(kSsrc, {{1, "a"}}).packet;
  const RelayResult result = relay.on_packet(now, relay.find(kOutsideAddress, 20001),
                                             endpoint("192.0.2.10:4001"), packet, packet.size());
  EXPECT_EQ(fate(result), "rtcp_empty");
}

TEST_F(RelayRtcpTest, IsPolicedTogetherWithRtp) {
  command.sides[0].packets_per_second = 50;
  open();
  int relayed_packets = 0;
  for (int i = 0; i < 100; ++i) relayed_packets += fate(rtcp_from_caller(report())) == "relayed";
  EXPECT_LE(relayed_packets, 15);
  EXPECT_EQ(fate(from_caller(rtp())), "policed_flow");
}

// The callee answers 30 ms after the caller's report was relayed to it; it says that it had it for 10 ms.
TEST_F(RelayRtcpTest, MeasuresTheRoundTripToTheSideThatAnswersARelayedReport) {
  open();
  (void)rtcp_from_caller(RtcpBuilder().sender_report(kSsrc, 0x0000aaaa'bbbb0000u).packet);
  now += 30ms;
  (void)rtcp_from_callee(RtcpBuilder().receiver_report(2, {{kSsrc, 0xaaaabbbb, 655}}).packet);
  close();
  pass(4s);
  const MediaNotice* const last = notices.last(MediaNotice::Kind::Final);
  EXPECT_NEAR(last->sides[1].round_trip_us, 20'000, 20);
  EXPECT_EQ(last->sides[0].round_trip_us, 0u);
  EXPECT_EQ(last->sides[0].rtcp_packets, 1u);
  EXPECT_EQ(last->sides[1].rtcp_packets, 1u);
}

TEST_F(RelayRtcpTest, BelievesNoRoundTripThatCannotBe) {
  open();
  (void)rtcp_from_caller(RtcpBuilder().sender_report(kSsrc, 0x0000aaaa'bbbb0000u).packet);
  now += 30ms;
  (void)rtcp_from_callee(RtcpBuilder().receiver_report(2, {{kSsrc, 0xaaaabbbb, 65536}}).packet);
  (void)rtcp_from_callee(RtcpBuilder().receiver_report(2, {{kSsrc, 0x12345678, 0}}).packet);
  (void)rtcp_from_callee(RtcpBuilder().receiver_report(2, {{kSsrc, 0, 0}}).packet);
  now += 60s;
  (void)rtcp_from_callee(RtcpBuilder().receiver_report(2, {{kSsrc, 0xaaaabbbb, 0}}).packet);
  close();
  pass(4s);
  EXPECT_EQ(notices.last(MediaNotice::Kind::Final)->sides[1].round_trip_us, 0u);
}

}  // namespace
}  // namespace sallyport::media
