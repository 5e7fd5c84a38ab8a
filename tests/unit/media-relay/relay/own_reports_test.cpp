// own_reports_test.cpp — RTCP that ends here, and the reports that we send instead: RFC 3550 §6.3, §6.4.
#include "tests/unit/media-relay/relay/relay_fixture.h"
#include "tests/unit/media-relay/wire/rtcp_builder.h"

namespace sallyport::media {
namespace {

class OwnReportsTest : public RelayTest {
 protected:
  OwnReportsTest() { command.sides[0].rtcp = RtcpMode::Terminate; }
  struct Own {
    Timestamp at;
    std::string to;
    Octets packet;
    StreamSide side;
  };
  void collect() {
    std::array<std::uint8_t, kOwnPacketBytesMax> buffer;
    while (const auto result = relay.next_own_packet(now, buffer)) {
      EXPECT_EQ(fate(*result), "relayed");
      own.push_back({now, destination(*result), Octets(buffer.begin(), buffer.begin() + result->length),
                     StreamSide((result->out >> 1) & 1)});
      EXPECT_TRUE(is_rtcp(own.back().packet));
    }
  }
  void run(Duration time, bool is_talking = true) {
    for (const Timestamp end = now + time; now < end; now += 20ms) {
      if (is_talking) {
        (void)from_caller(rtp({.sequence = sequence, .timestamp = 160u * sequence, .ssrc = 0xaaaa}));
        ++sequence;
      }
      relay.on_tick(now, notices);
      collect();
    }
  }
  const Own* last_to(StreamSide side) const {
    const Own* found = nullptr;
    for (const Own& one : own)
      if (one.side == side) found = &one;
    return found;
  }
  std::vector<Own> own;
  std::uint16_t sequence = 1;
};

TEST_F(OwnReportsTest, TakesReportsOfBothSidesAndRelaysNone) {
  open();
  EXPECT_EQ(
      fate(packet_to(kOutsideAddress, 20001, "192.0.2.10:4001", RtcpBuilder().receiver_report(1).packet)),
      "consumed");
  EXPECT_EQ(fate(packet_to(kInsideAddress, 20129, "10.0.0.20:5001", RtcpBuilder().receiver_report(1).packet)),
            "consumed");
  EXPECT_EQ(relay.counters(kOutside).packets_in.value(), 1u);
  EXPECT_EQ(relay.counters(kInside).packets_out.value(), 0u);
}

TEST_F(OwnReportsTest, SendsReportsAboutEveryFiveSecondsToBothSides) {
  open();
  run(100s);
  std::size_t to_caller = 0;
  for (const Own& one : own) to_caller += one.side == StreamSide::Caller;
  EXPECT_NEAR(static_cast<double>(to_caller), 20, 5);
  EXPECT_NEAR(static_cast<double>(own.size() - to_caller), 20, 5);
  EXPECT_EQ(last_to(StreamSide::Caller)->to, "192.0.2.10:4001");
  EXPECT_EQ(last_to(StreamSide::Callee)->to, "10.0.0.20:5001");
}

TEST_F(OwnReportsTest, IsSenderTowardsTheOneWhoHearsAndReceiverTowardsTheOneWhoTalks) {
  open();
  run(20s);
  const Octets& to_callee = last_to(StreamSide::Callee)->packet;
  EXPECT_EQ(parts_of(to_callee), "200 202");
  EXPECT_EQ(read_u32(to_callee.data() + 4), 0xaaaau);
  const Octets& to_caller = last_to(StreamSide::Caller)->packet;
  EXPECT_EQ(parts_of(to_caller), "201 202");
  EXPECT_EQ(to_caller[0] & 0x1f, 1);
  EXPECT_EQ(read_u32(to_caller.data() + 8), 0xaaaau);  // about whom
}

TEST_F(OwnReportsTest, SenderReportSaysWhatWasSent) {
  open();
  run(20s);
  const Own* const report = last_to(StreamSide::Callee);
  const std::uint32_t packets = read_u32(report->packet.data() + 20);
  EXPECT_NEAR(packets, static_cast<double>((report->at - (Timestamp{} + 1000s)) / 20ms), 2);
  EXPECT_EQ(read_u32(report->packet.data() + 24), packets * 160);
  EXPECT_NEAR(read_u32(report->packet.data() + 16), 160 * packets, 320);
}

TEST_F(OwnReportsTest, ReportBlockCountsLossOfTheIntervalAndInAll) {
  open();
  for (int i = 0; i < 2000; ++i) {
    if (i % 4 == 0) ++sequence;
    run(20ms);
  }
  const Octets& block = last_to(StreamSide::Caller)->packet;
  EXPECT_NEAR(block[12], 256 / 5, 6);
  EXPECT_NEAR(read_u32(block.data() + 12) & 0xffffff, 500, 120);
}

TEST_F(OwnReportsTest, AnswersTheSenderReportOfASide) {
  open();
  run(1s);
  (void)packet_to(kOutsideAddress, 20001, "192.0.2.10:4001",
                  RtcpBuilder().sender_report(0xaaaa, 0x0000aaaa'bbbb0000u).packet);
  const Timestamp heard = now;
  own.clear();
  run(8s);
  const Own* const report = last_to(StreamSide::Caller);
  ASSERT_NE(report, nullptr);
  EXPECT_EQ(read_u32(report->packet.data() + 24), 0xaaaabbbbu);
  EXPECT_NEAR(read_u32(report->packet.data() + 28),
              static_cast<double>((report->at - heard).count()) * 65536 / 1e9, 2);
}

TEST_F(OwnReportsTest, MeasuresTheRoundTripByAnswersToItsOwnReports) {
  open();
  run(10s);
  const Own* const report = last_to(StreamSide::Callee);
  const std::uint32_t middle = read_u32(report->packet.data() + 10);
  now = report->at + 40ms;
  (void)packet_to(kInsideAddress, 20129, "10.0.0.20:5001",
                  RtcpBuilder().receiver_report(3, {{0xaaaa, middle, 0}}).packet);
  close();
  pass(4s);
  EXPECT_NEAR(notices.last(MediaNotice::Kind::Final)->sides[1].round_trip_us, 40'000, 20);
}

TEST_F(OwnReportsTest, SendsOnTheRtpPortWhereBothShareIt) {
  command.sides[0].rtcp_mux = true;
  open();
  run(10s);
  EXPECT_EQ(last_to(StreamSide::Caller)->to, "192.0.2.10:4000");
}

TEST_F(OwnReportsTest, SendsNothingAfterCloseNorWhereRtcpIsRelayedNorToNowhere) {
  open();
  run(10s);
  close();
  own.clear();
  run(15s, false);
  EXPECT_TRUE(own.empty());
  EXPECT_FALSE(relay.find(kOutsideAddress, 20000).is_flow());
  command = open_command();
  open();
  run(20s);
  EXPECT_TRUE(own.empty());
  command.sides[0].rtcp = RtcpMode::Terminate;
  command.sides[1].remote_rtcp = {};
  update();
  run(20s);
  EXPECT_NE(last_to(StreamSide::Caller), nullptr);
  EXPECT_EQ(last_to(StreamSide::Callee), nullptr);
}

TEST_F(OwnReportsTest, NeedsABufferOfItsSize) {
  open();
  for (int i = 0; i < 1000; ++i) relay.on_tick(now += 10ms, notices);
  std::array<std::uint8_t, 20> small;
  EXPECT_FALSE(relay.next_own_packet(now, small));
  collect();
  EXPECT_FALSE(own.empty());
}

}  // namespace
}  // namespace sallyport::media
