// relay_test.cpp — packets through one stream: forwarding, header lies, direction, policing (threats M7, M8,
// M12).
#include "tests/unit/media-relay/relay/relay_fixture.h"

namespace sallyport::media {
namespace {

TEST_F(RelayTest, RelaysRtpBothWays) {
  open();
  const RelayResult up = from_caller(rtp());
  ASSERT_EQ(fate(up), "relayed");
  EXPECT_EQ(source(up), "10.0.0.1:20128");
  EXPECT_EQ(destination(up), "10.0.0.20:5000");
  EXPECT_EQ(relay.outgoing(up.out).realm, kInside);
  EXPECT_EQ(up.length, 172u);
  EXPECT_FALSE(up.payload_changed);
  const RelayResult down = from_callee(rtp());
  ASSERT_EQ(fate(down), "relayed");
  EXPECT_EQ(source(down), "198.51.100.1:20000");
  EXPECT_EQ(destination(down), "192.0.2.10:4000");
  EXPECT_EQ(relay.outgoing(down.out).realm, kOutside);
}

TEST_F(RelayTest, NamesTheOutgoingFlowThatWasForetold) {
  open();
  const RelayResult up = from_caller(rtp());
  EXPECT_EQ(up.out, Relay::out_of(relay.find(kOutsideAddress, 20000)));
  EXPECT_LT(up.out, relay.out_flows_max());
}

TEST_F(RelayTest, FindsNothingAtPortsWithoutAStream) {
  open();
  EXPECT_FALSE(relay.find(kOutsideAddress, 20002).is_flow());
  EXPECT_FALSE(relay.find(kInsideAddress, 20000).is_flow());
  EXPECT_FALSE(relay.find(0, 20000).is_flow());
  EXPECT_FALSE(relay.find(60000, 20000).is_flow());
}

TEST_F(RelayTest, CountsPacketsByRealmAndDirection) {
  open();
  (void)from_caller(rtp());
  (void)from_caller(rtp({.payload_type = 8}));
  EXPECT_EQ(relay.counters(kOutside).packets_in.value(), 1u);
  EXPECT_EQ(relay.counters(kOutside).bytes_in.value(), 200u);
  EXPECT_EQ(relay.counters(kInside).packets_out.value(), 1u);
  EXPECT_EQ(relay.counters(kInside).bytes_out.value(), 200u);
  EXPECT_EQ(relay.counters(kOutside).packets_out.value(), 0u);
  EXPECT_EQ(relay.counters(kOutside).dropped.value(MediaDropReason::PayloadType), 1u);
  EXPECT_EQ(relay.counters(kInside).dropped.value(MediaDropReason::PayloadType), 0u);
}

TEST_F(RelayTest, GivesTheSameVersionWhileNothingChangesAndANewOneAfterwards) {
  open();
  (void)from_callee(rtp());
  const RelayResult first = from_caller(rtp());
  EXPECT_NE(first.out_version, 0u);
  EXPECT_EQ(from_caller(rtp({.sequence = 2})).out_version, first.out_version);
  update();
  EXPECT_NE(from_caller(rtp({.sequence = 3})).out_version, first.out_version);
}

TEST_F(RelayTest, JoinsIpv4AndIpv6) {
  command.sides[1].local = endpoint("[fd00::1]:20128");
  command.sides[1].remote = endpoint("[fd00::20]:5000");
  open();
  const RelayResult up = from_caller(rtp());
  ASSERT_EQ(fate(up), "relayed");
  EXPECT_EQ(destination(up), "[fd00::20]:5000");
  EXPECT_EQ(source(up), "[fd00::1]:20128");
  EXPECT_EQ(relay.counters(kOutside).bytes_in.value(), 172u + 28u);
  EXPECT_EQ(relay.counters(kInside).bytes_out.value(), 172u + 48u);
  const RelayResult down = packet_to(kInsideAddress + 1, 20128, "[fd00::20]:5000", rtp());
  ASSERT_EQ(fate(down), "relayed");
  EXPECT_EQ(destination(down), "192.0.2.10:4000");
}

TEST_F(RelayTest, JoinsTwoPartiesOfOneRealm) {
  command.sides[0].realm = kInside;
  command.sides[0].local = endpoint("10.0.0.1:20256");
  command.sides[0].remote = endpoint("10.0.0.10:4000");
  open();
  const RelayResult up = packet_to(kInsideAddress, 20256, "10.0.0.10:4000", rtp());
  EXPECT_EQ(destination(up), "10.0.0.20:5000");
  const RelayResult down = from_callee(rtp());
  EXPECT_EQ(destination(down), "10.0.0.10:4000");
}

struct Shape {
  const char* name;
  std::vector<std::uint8_t> packet;
  const char* fate;
};

// RFC 3550 §5.1, §5.3.1; RFC 7983 §7
TEST_F(RelayTest, DropsPacketsWhoseHeaderLiesAndRelaysTheOdd) {
  const auto with = [](std::size_t size, std::vector<std::pair<std::size_t, std::uint8_t>> octets) {
    std::vector<std::uint8_t> packet(size, 0);
    packet[0] = 0x80;
    for (const auto& [at, value] : octets) packet[at] = value;
    return packet;
  };
  const std::vector<Shape> shapes{
      {"header alone", with(12, {}), "relayed"},
      {"one octet less than a header", with(11, {}), "bad_length"},
      {"one octet", with(1, {}), "bad_length"},
      {"version 1", with(172, {{0, 0x40}}), "bad_version"},
      {"version 3", with(172, {{0, 0xc0}}), "bad_version"},
      {"version 0", with(172, {{0, 0x0f}}), "bad_version"},
      {"STUN", with(172, {{0, 0x00}}), "stun"},
      {"STUN, response", with(172, {{0, 0x01}}), "stun"},
      {"DTLS", with(172, {{0, 22}}), "dtls"},
      {"15 CSRC in 172 octets", with(172, {{0, 0x8f}}), "relayed"},
      {"15 CSRC in 71 octets", with(71, {{0, 0x8f}}), "bad_length"},
      {"15 CSRC in 72 octets", with(72, {{0, 0x8f}}), "relayed"},
      {"extension without its length", with(15, {{0, 0x90}}), "bad_length"},
      {"empty extension", with(16, {{0, 0x90}}), "relayed"},
      {"extension up to the end", with(20, {{0, 0x90}, {15, 1}}), "relayed"},
      {"extension beyond the end", with(20, {{0, 0x90}, {15, 2}}), "bad_length"},
      {"extension of 65,535 words", with(172, {{0, 0x90}, {14, 255}, {15, 255}}), "bad_length"},
      {"no octet of padding", with(172, {{0, 0xa0}}), "bad_length"},
      {"padding up to the header", with(20, {{0, 0xa0}, {19, 8}}), "relayed"},
      {"padding into the header", with(20, {{0, 0xa0}, {19, 9}}), "bad_length"},
      {"padding into the CSRC list", with(24, {{0, 0xa1}, {23, 9}}), "bad_length"},
      {"all at once", with(32, {{0, 0xb1}, {19, 1}, {31, 8}}), "relayed"},
      {"all at once, too much", with(32, {{0, 0xb1}, {19, 1}, {31, 9}}), "bad_length"},
      {"payload type not agreed", with(172, {{1, 8}}), "payload_type"},
      {"marker and payload type agreed", with(172, {{1, 0x80 | 101}}), "relayed"},
      {"RTCP on the RTP port", with(172, {{1, 200}}), "rtcp_not_used"},
  };
  open();
  for (const Shape& shape : shapes) {
    now += 20ms;
    EXPECT_EQ(fate(from_caller(shape.packet)), shape.fate) << shape.name;
  }
}

TEST_F(RelayTest, DropsAnEmptyDatagram) {
  open();
  EXPECT_EQ(fate(from_caller({})), "bad_length");
}

TEST_F(RelayTest, TakesAnyPayloadTypeWhenNoneIsNamedButNotWhatLooksLikeRtcp) {
  command.sides[0].payload_count = 0;
  open();
  EXPECT_EQ(fate(from_caller(rtp({.payload_type = 96}))), "relayed");
  EXPECT_EQ(fate(from_caller(rtp({.payload_type = 63}))), "relayed");
  EXPECT_EQ(fate(from_caller(rtp({.payload_type = 200}))), "rtcp_not_used");
  EXPECT_EQ(fate(from_caller(rtp({.payload_type = 72}))), "payload_type");
}

TEST_F(RelayTest, PacketThatIsDroppedTeachesNothing) {
  command.sides[0].remote = endpoint("192.168.1.5:7000");
  open();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(fate(from_caller(rtp({.payload_type = 8}))), "payload_type");
  relay.on_tick(now, notices);
  EXPECT_EQ(notices.count(MediaNotice::Kind::Learned), 0u);
}

TEST_F(RelayTest, OnHoldRelaysOnlyTheDirectionThatIsAllowed) {
  command.sides[0].may_send = false;
  open();
  EXPECT_EQ(fate(from_caller(rtp())), "wrong_direction");
  EXPECT_EQ(fate(from_callee(rtp())), "relayed");
  command.sides[0].may_send = true;
  update();
  EXPECT_EQ(fate(from_caller(rtp())), "relayed");
}

TEST_F(RelayTest, DropsWhatHasNoDestinationYet) {
  command.sides[1].remote = {};
  command.sides[1].remote_rtcp = {};
  command.sides[1].signalled = {};
  open();
  EXPECT_EQ(fate(from_caller(rtp())), "no_destination");
  EXPECT_EQ(fate(from_callee(rtp())), "foreign_source");
  command.sides[1].remote = endpoint("10.0.0.20:5000");
  update();
  EXPECT_EQ(fate(from_caller(rtp())), "relayed");
}

TEST_F(RelayTest, KeepsFiguresThroughUpdates) {
  open();
  for (std::uint16_t i = 1; i <= 10; ++i) (void)from_caller(rtp({.sequence = i}));
  command.sides[0].remote = endpoint("192.0.2.10:4000");
  update();
  for (std::uint16_t i = 11; i <= 15; ++i) (void)from_caller(rtp({.sequence = i}));
  close();
  pass(kFinalAfter + 1s);
  EXPECT_EQ(notices.last(MediaNotice::Kind::Final)->sides[0].packets, 15u);
  EXPECT_EQ(notices.last(MediaNotice::Kind::Final)->sides[0].lost, 0u);
}

TEST_F(RelayTest, PolicesPacketsOfOneSideAfterABurst) {
  command.sides[0].packets_per_second = 75;
  open();
  int relayed_packets = 0;
  for (std::uint16_t i = 0; i < 1000; ++i)
    relayed_packets += fate(from_caller(rtp({.sequence = i}))) == "relayed";
  EXPECT_GE(relayed_packets, 75 / 5);
  EXPECT_LE(relayed_packets, 75 / 3);
  EXPECT_EQ(fate(from_caller(rtp())), "policed_flow");
  EXPECT_EQ(fate(from_callee(rtp())), "relayed");
  now += 1s;
  EXPECT_EQ(fate(from_caller(rtp())), "relayed");
}

TEST_F(RelayTest, PolicesOctetsOfOneSide) {
  command.sides[0].bytes_per_second = 15'000;
  open();
  int relayed_packets = 0;
  for (int i = 0; i < 10'000; ++i) {
    now += 1ms;
    relayed_packets +=
        fate(from_caller(rtp({.sequence = static_cast<std::uint16_t>(i), .voice = 1000}))) == "relayed";
  }
  EXPECT_NEAR(relayed_packets, 10 * 15'000 / 1040, 15);
}

TEST_F(RelayTest, NeverPolicesAStreamThatKeepsToWhatItAgreed) {
  command.sides[0].packets_per_second = 50;
  command.sides[0].bytes_per_second = 50 * 200;
  open();
  for (std::uint16_t i = 0; i < 2000; ++i) {
    now += 20ms;
    ASSERT_EQ(fate(from_caller(rtp({.sequence = i}))), "relayed");
  }
}

class SmallRealmTest : public RelayTest {
 protected:
  SmallRealmTest() : small(setup(8, 100'000)) {}
  Relay small;
};

TEST_F(SmallRealmTest, PolicesTheBandwidthOfARealm) {
  small.apply(now, command);
  const FlowRef flow = small.find(kOutsideAddress, 20000);
  std::vector<std::uint8_t> packet = rtp();
  int relayed_packets = 0;
  RelayResult last;
  for (int i = 0; i < 10'000; ++i) {
    now += 1ms;
    last = small.on_packet(now, flow, endpoint("192.0.2.10:4000"), packet, packet.size());
    relayed_packets += last.kind == RelayResult::Kind::Forward;
  }
  EXPECT_NEAR(relayed_packets, 10 * 100'000 / 8 / 200, 10);
  EXPECT_GT(small.counters(kOutside).dropped.value(MediaDropReason::PolicedRealm), 9000u);
}

TEST_F(RelayTest, RelaysUdptlOnlyInAFaxStream) {
  const std::vector<std::uint8_t> udptl{0, 1, 2, 0xaa, 0xbb, 0, 0};
  open();
  EXPECT_EQ(fate(from_caller(udptl)), "stun");
  command.media = MediaKind::Udptl;
  update();
  EXPECT_EQ(fate(from_caller(udptl)), "relayed");
  EXPECT_EQ(fate(from_caller({0, 2, 9, 1})), "udptl_malformed");
  EXPECT_EQ(fate(from_caller(udptl, "203.0.113.5:9")), "foreign_source");
  EXPECT_EQ(fate(packet_to(kOutsideAddress, 20001, "192.0.2.10:4001", rtp({.payload_type = 200}))),
            "rtcp_not_used");
  command.sides[0].may_send = false;
  update();
  EXPECT_EQ(fate(from_caller(udptl)), "wrong_direction");
}

}  // namespace
}  // namespace sallyport::media
