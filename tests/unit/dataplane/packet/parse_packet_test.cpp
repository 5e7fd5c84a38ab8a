// parse_packet_test.cpp — whole frames against a port: what comes through, and why the rest does not.
#include "dataplane/packet/parse_packet.h"

#include <gtest/gtest.h>

#include "dataplane/packet/ethernet.h"
#include "dataplane/packet/ordinary_packet.h"
#include "tests/support/packet_builder.h"

namespace sallyport::dataplane {
namespace {

using namespace test;
using policy::ExceptionKind;

const Bytes kHello = bytes_of("hello");

class ParsePacket : public testing::Test {
 protected:
  // Headers and transport checksum; what the parse stage does.
  Result<void, DropReason> parse(const Bytes& frame,
                                 std::optional<std::uint16_t> stripped_tag = std::nullopt) {
    const DevicePorts& device = ports_.device(0);
    const auto parsed = parse_packet({frame, frame.size(), stripped_tag}, device, meta_);
    if (!parsed) return parsed;
    return check_transport_sum(meta_, frame, device.completes_checksums(meta_.port), [&](InternetSum& sum) {
      sum.add(std::span(frame).subspan(meta_.l4_offset, checksum_length(meta_)));
    });
  }

  PortTable ports_ = ports_of(small_config());
  PacketMeta meta_;
};

TEST_F(ParsePacket, FillsTheMetaOfUdpOverIpv4) {
  ASSERT_TRUE(parse(ethernet(ipv4(udp(kHello, {.source_port = 5061}), {.options = {1, 1, 1, 0}}))));
  EXPECT_EQ(to_string(meta_.source), "198.18.1.2");
  EXPECT_EQ(to_string(meta_.destination), "198.18.1.1");
  EXPECT_EQ(meta_.source_port, 5061);
  EXPECT_EQ(meta_.destination_port, 5060);
  EXPECT_EQ(meta_.l3_offset, 14);
  EXPECT_EQ(meta_.l4_offset, 14 + 24);
  EXPECT_EQ(meta_.payload_offset, 14 + 24 + 8);
  EXPECT_EQ(meta_.payload_length, 5);
  EXPECT_EQ(meta_.l4_length, 13);
  EXPECT_EQ(meta_.port, PortIndex{0});
  EXPECT_EQ(meta_.local_address, 0);
  EXPECT_EQ(meta_.ip_protocol, 17);
}

TEST_F(ParsePacket, FillsTheMetaOfUdpOverIpv6) {
  ASSERT_TRUE(parse(sip_frame_v6()));
  EXPECT_EQ(to_string(meta_.source), "fd18:1::2");
  EXPECT_EQ(meta_.l4_offset, 54);
  EXPECT_EQ(meta_.local_address, 1);
}

TEST_F(ParsePacket, LeavesThePaddingOfTheFrameOut) {
  Bytes frame = sip_frame_v4("hello");
  frame.resize(60, 0xee);
  ASSERT_TRUE(parse(frame));
  EXPECT_EQ(meta_.l4_length, 13);
  EXPECT_EQ(meta_.payload_length, 5);
}

TEST_F(ParsePacket, FindsThePortByVlanInTheFrameOrFromTheDevice) {
  const Bytes packet = ipv4(udp(kHello, {.source = "198.18.7.2", .destination = "198.18.7.1"}),
                            {.source = "198.18.7.2", .destination = "198.18.7.1"});
  ASSERT_TRUE(parse(ethernet(packet, {.vlan = 7})));
  EXPECT_EQ(meta_.port, PortIndex{1});
  EXPECT_EQ(meta_.l3_offset, 18);
  ASSERT_TRUE(parse(ethernet(packet, {.vlan = 0xe007}))) << "priority bits";
  ASSERT_TRUE(parse(ethernet(packet), 7));
  EXPECT_EQ(meta_.port, PortIndex{1});
  EXPECT_EQ(meta_.l3_offset, 14);
  ASSERT_TRUE(parse(ethernet(ipv4(udp(kHello)), {.vlan = 0xe000}))) << "priority only: untagged";
  EXPECT_EQ(meta_.port, PortIndex{0});
}

TEST_F(ParsePacket, MarksAFragmentAndReadsNoPorts) {
  ASSERT_TRUE(parse(ethernet(ipv4(Bytes(64, 1), {.fragment_offset = 8, .more_fragments = true}))));
  EXPECT_TRUE(meta_.is_fragment);
  EXPECT_EQ(meta_.destination_port, 0);
  EXPECT_EQ(meta_.l4_length, 64);
}

TEST_F(ParsePacket, GivesLinuxArpEchoAndNeighbourDiscovery) {
  const Bytes echo_rest{0, 1, 0, 1};
  const MacAddress group = group_mac(solicited_node_group(ip("fd18:1::1")));
  const char* solicited = "ff02::1:ff00:1";
  struct Case {
    const char* name;
    Bytes frame;
    ExceptionKind kind;
  };
  const std::vector<Case> cases{
      {"ARP request", ethernet(arp(), {.destination = kBroadcastMac}), ExceptionKind::Arp},
      {"ARP probe, RFC 5227", ethernet(arp({.sender = "0.0.0.0"}), {.destination = kBroadcastMac}),
       ExceptionKind::Arp},
      {"ARP reply", ethernet(arp({.operation = 2})), ExceptionKind::Arp},
      {"a peer announces itself", ethernet(arp({.target = "198.18.1.2"}), {.destination = kBroadcastMac}),
       ExceptionKind::Arp},
      {"the gateway announces itself",
       ethernet(arp({.sender = "198.18.1.254", .target = "198.18.1.254", .operation = 2}),
                {.destination = kBroadcastMac}),
       ExceptionKind::Arp},
      {"echo", ethernet(ipv4(icmp("198.18.1.2", "198.18.1.1", 8, echo_rest), {.protocol = 1})),
       ExceptionKind::Echo},
      {"echo, IPv6", ethernet(ipv6(icmp("fd18:1::2", "fd18:1::1", 128, echo_rest), {.next_header = 58})),
       ExceptionKind::Echo},
      {"solicitation",
       ethernet(ipv6(icmp("fd18:1::2", solicited, 135, neighbour_rest("fd18:1::1")),
                     {.destination = solicited, .next_header = 58, .hop_limit = 255}),
                {.destination = group}),
       ExceptionKind::NeighbourDiscovery},
      {"duplicate address detection",
       ethernet(ipv6(icmp("::", solicited, 135, neighbour_rest("fd18:1::1")),
                     {.source = "::", .destination = solicited, .next_header = 58, .hop_limit = 255}),
                {.destination = group}),
       ExceptionKind::NeighbourDiscovery},
      {"advertisement to all nodes",
       ethernet(ipv6(icmp("fd18:1::2", "ff02::1", 136, neighbour_rest("fd18:1::2")),
                     {.destination = "ff02::1", .next_header = 58, .hop_limit = 255}),
                {.destination = {0x33, 0x33, 0, 0, 0, 1}}),
       ExceptionKind::NeighbourDiscovery},
      {"solicitation of the link-local address",
       ethernet(ipv6(
           icmp("fe80::2", "fe80::ff:fe00:1", 135, neighbour_rest("fe80::ff:fe00:1")),
           {.source = "fe80::2", .destination = "fe80::ff:fe00:1", .next_header = 58, .hop_limit = 255})),
       ExceptionKind::NeighbourDiscovery},
      {"multicast listener query",
       ethernet(ipv6(joined(extension(58, {5, 2, 0, 0}), icmp("fe80::2", "ff02::1", 130, Bytes(24, 0))),
                     {.source = "fe80::2", .destination = "ff02::1", .next_header = 0, .hop_limit = 1}),
                {.destination = {0x33, 0x33, 0, 0, 0, 1}}),
       ExceptionKind::NeighbourDiscovery},
  };
  for (const auto& [name, frame, kind] : cases) {
    const auto parsed = parse(frame);
    EXPECT_TRUE(parsed) << name << ": " << (parsed ? "" : to_string(parsed.error()));
    EXPECT_EQ(meta_.exception, kind) << name;
  }
}

TEST_F(ParsePacket, LeavesOtherIcmpToNobody) {
  const auto v6 = [](std::uint8_t type, const Bytes& rest, std::uint8_t hop_limit, std::uint8_t code = 0) {
    return ethernet(
        ipv6(icmp("fd18:1::2", "fd18:1::1", type, rest, code), {.next_header = 58, .hop_limit = hop_limit}));
  };
  Bytes zero_option = joined(neighbour_rest("fd18:1::1"), {1, 0, 0, 0, 0, 0, 0, 0});
  const std::vector<std::pair<const char*, Bytes>> cases{
      {"echo reply", ethernet(ipv4(icmp("198.18.1.2", "198.18.1.1", 0, Bytes(4)), {.protocol = 1}))},
      {"unreachable", ethernet(ipv4(icmp("198.18.1.2", "198.18.1.1", 3, Bytes(32)), {.protocol = 1}))},
      {"redirect", ethernet(ipv4(icmp("198.18.1.2", "198.18.1.1", 5, Bytes(32)), {.protocol = 1}))},
      {"echo with a code", ethernet(ipv4(icmp("198.18.1.2", "198.18.1.1", 8, Bytes(4), 1), {.protocol = 1}))},
      {"solicitation from afar, RFC 4861 §7.1.1", v6(135, neighbour_rest("fd18:1::1"), 64)},
      {"solicitation with a code", v6(135, neighbour_rest("fd18:1::1"), 255, 1)},
      {"solicitation cut short", v6(135, Bytes(12), 255)},
      {"solicitation of a group", v6(135, neighbour_rest("ff02::1"), 255)},
      {"solicitation with an option of no length", v6(135, zero_option, 255)},
      {"router advertisement", v6(134, Bytes(12), 255)},
      {"redirect, IPv6", v6(137, Bytes(36), 255)},
      {"listener query from afar", v6(130, Bytes(20), 64)},
      {"solicitation behind a fragment header, RFC 6980 §5",
       ethernet(ipv6(joined(fragment_header({.next_header = 58}),
                            icmp("fd18:1::2", "fd18:1::1", 135, neighbour_rest("fd18:1::1"))),
                     {.next_header = 44, .hop_limit = 255}))},
  };
  for (const auto& [name, frame] : cases) {
    EXPECT_TRUE(parse(frame)) << name;
    EXPECT_EQ(meta_.exception, ExceptionKind::None) << name;
  }
}

struct Drop {
  const char* name;
  Bytes frame;
  DropReason reason;
};

Bytes from(std::string_view source) {
  return ethernet(ipv4(udp(kHello, {.source = source}), {.source = source}));
}
Bytes from6(std::string_view source) {
  return ethernet(ipv6(udp(kHello, {.source = source, .destination = "fd18:1::1"}), {.source = source}));
}
Bytes to(std::string_view destination) {
  return ethernet(ipv4(udp(kHello, {.destination = destination}), {.destination = destination}));
}
Bytes to6(std::string_view destination, const EthernetFields& fields = {}) {
  return ethernet(
      ipv6(udp(kHello, {.source = "fd18:1::2", .destination = destination}), {.destination = destination}),
      fields);
}

TEST_F(ParsePacket, DropsFramesThatAreNotForThisPort) {
  const Bytes packet = ipv4(udp(kHello));
  Bytes cut_tag = ethernet(packet, {.vlan = 7});
  cut_tag.resize(16);
  const std::vector<Drop> cases{
      {"nothing", {}, DropReason::RuntFrame},
      {"13 octets", Bytes(13, 0), DropReason::RuntFrame},
      {"a tag cut short", cut_tag, DropReason::RuntFrame},
      {"another's MAC", ethernet(packet, {.destination = kTheirMac}), DropReason::OtherDestinationMac},
      {"a group we are not in", ethernet(packet, {.destination = {1, 0, 0x5e, 0, 0, 1}}),
       DropReason::OtherDestinationMac},
      {"our address shouted to all, RFC 1122 §3.3.6", ethernet(packet, {.destination = kBroadcastMac}),
       DropReason::OtherDestinationMac},
      {"ARP to a group", ethernet(arp(), {.destination = {1, 0, 0x5e, 0, 0, 1}}),
       DropReason::OtherDestinationMac},
      {"a VLAN of no port", ethernet(packet, {.vlan = 8}), DropReason::UnknownVlan},
      {"two tags", ethernet(packet, {.vlan = 7, .ethertype = 0x8100}), DropReason::UnknownVlan},
      {"VLAN 4095", ethernet(packet, {.vlan = 4095}), DropReason::UnknownVlan},
      {"MPLS", ethernet(packet, {.ethertype = 0x8847}), DropReason::UnknownEthertype},
      {"a length field of 802.3", ethernet(packet, {.ethertype = 46}), DropReason::UnknownEthertype},
      {"OSPF to all nodes, which is not its group",
       ethernet(ipv6(kHello, {.destination = "ff02::1", .next_header = 89}),
                {.destination = {0x33, 0x33, 0, 0, 0, 1}}),
       DropReason::NotOurAddress},
      {"sent by a group", ethernet(packet, {.source = {3, 0, 0, 0, 0, 1}}), DropReason::BadSourceAddress},
      {"sent by ourselves", ethernet(packet, {.source = kOurMac}), DropReason::BadSourceAddress},
  };
  for (const auto& [name, frame, reason] : cases) {
    const auto parsed = parse(frame);
    ASSERT_FALSE(parsed) << name;
    EXPECT_EQ(to_string(parsed.error()), to_string(reason)) << name;
    EXPECT_NE(meta_.port, PortIndex::kNone) << name << ": somebody must be charged";
  }
}

TEST_F(ParsePacket, DropsAddressesThatCannotBe) {
  const std::vector<Drop> cases{
      {"from a group", from("224.0.0.5"), DropReason::BadSourceAddress},
      {"from everybody", from("255.255.255.255"), DropReason::BadSourceAddress},
      {"from our network's broadcast", from("198.18.1.255"), DropReason::BadSourceAddress},
      {"from our network itself", from("198.18.1.0"), DropReason::BadSourceAddress},
      {"from loopback", from("127.0.0.1"), DropReason::BadSourceAddress},
      {"from nobody", from("0.0.0.0"), DropReason::BadSourceAddress},
      {"from ourselves", from("198.18.1.1"), DropReason::BadSourceAddress},
      {"from a group, IPv6", from6("ff02::1"), DropReason::BadSourceAddress},
      {"from loopback, IPv6", from6("::1"), DropReason::BadSourceAddress},
      {"from nobody, IPv6", from6("::"), DropReason::BadSourceAddress},
      {"from ourselves, IPv6", from6("fd18:1::1"), DropReason::BadSourceAddress},
      {"an IPv4 address in IPv6's clothes", ethernet(ipv6(udp(kHello), {.source = "::ffff:198.18.1.2"})),
       DropReason::BadSourceAddress},
      {"to an IPv4 address in IPv6's clothes",
       ethernet(ipv6(udp(kHello), {.destination = "::ffff:198.18.1.1"})), DropReason::NotOurAddress},
      {"to a neighbour", to("198.18.1.2"), DropReason::NotOurAddress},
      {"to the other port's address", to("198.18.7.1"), DropReason::NotOurAddress},
      {"to everybody", to("255.255.255.255"), DropReason::NotOurAddress},
      {"to our network's broadcast", to("198.18.1.255"), DropReason::NotOurAddress},
      {"to a group", to("224.0.0.1"), DropReason::NotOurAddress},
      {"to another, IPv6", to6("fd18:1::9"), DropReason::NotOurAddress},
      {"UDP to all nodes", to6("ff02::1", {.destination = {0x33, 0x33, 0, 0, 0, 1}}),
       DropReason::NotOurAddress},
      {"to a group under another group's MAC", to6("ff02::1", {.destination = {0x33, 0x33, 0, 0, 0, 2}}),
       DropReason::OtherDestinationMac},
      {"our address under a group's MAC", to6("fd18:1::1", {.destination = {0x33, 0x33, 0, 0, 0, 1}}),
       DropReason::OtherDestinationMac},
      {"ARP for another", ethernet(arp({.target = "198.18.1.3"}), {.destination = kBroadcastMac}),
       DropReason::NotOurAddress},
      {"a stranger announces itself",
       ethernet(arp({.sender = "198.18.1.9", .target = "198.18.1.9"}), {.destination = kBroadcastMac}),
       DropReason::NotOurAddress},
      {"ARP in our name",
       ethernet(arp({.sender = "198.18.1.1", .target = "198.18.1.1"}), {.destination = kBroadcastMac}),
       DropReason::BadSourceAddress},
      {"ARP from a group's MAC", ethernet(arp({.sender_mac = {1, 0, 0, 0, 0, 1}})),
       DropReason::BadSourceAddress},
      {"ARP reply from nobody", ethernet(arp({.sender = "0.0.0.0", .operation = 2})),
       DropReason::BadSourceAddress},
      {"reverse ARP", ethernet(arp({.operation = 3})), DropReason::UnusedProtocol},
  };
  for (const auto& [name, frame, reason] : cases) {
    const auto parsed = parse(frame);
    ASSERT_FALSE(parsed) << name;
    EXPECT_EQ(to_string(parsed.error()), to_string(reason)) << name;
  }
}

TEST_F(ParsePacket, DropsTransportHeadersThatCannotBe) {
  const Bytes syn = tcp_syn("198.18.1.2", "198.18.1.1", 5060);
  Bytes bad_offset = syn;
  bad_offset[12] = 4 << 4;
  Bytes bad_echo = icmp("198.18.1.2", "198.18.1.1", 8, Bytes(4));
  bad_echo[2] ^= 1;
  const UdpFields v6{.source = "fd18:1::2", .destination = "fd18:1::1"};
  UdpFields v6_none = v6;
  v6_none.sum = Sum::None;
  const std::vector<Drop> cases{
      {"UDP cut short", ethernet(ipv4(Bytes(7))), DropReason::BadUdpHeader},
      {"UDP length 7", ethernet(ipv4(udp(kHello, {.length = 7}))), DropReason::BadUdpHeader},
      {"UDP longer than its packet", ethernet(ipv4(udp(kHello, {.length = 14}))), DropReason::BadUdpHeader},
      {"UDP from port 0", ethernet(ipv4(udp(kHello, {.source_port = 0}))), DropReason::BadUdpHeader},
      {"UDP to port 0", ethernet(ipv4(udp(kHello, {.destination_port = 0}))), DropReason::BadUdpHeader},
      {"wrong UDP checksum", ethernet(ipv4(udp(kHello, {.sum = Sum::Wrong}))), DropReason::BadL4Checksum},
      {"no UDP checksum over IPv6, RFC 8200 §8.1", ethernet(ipv6(udp(kHello, v6_none))),
       DropReason::BadL4Checksum},
      {"TCP cut short", ethernet(ipv4(Bytes(19), {.protocol = 6})), DropReason::RuntFrame},
      {"TCP data offset 4", ethernet(ipv4(bad_offset, {.protocol = 6})), DropReason::RuntFrame},
      {"ICMP cut short", ethernet(ipv4(Bytes(7), {.protocol = 1})), DropReason::RuntFrame},
      {"wrong ICMP checksum", ethernet(ipv4(bad_echo, {.protocol = 1})), DropReason::BadL4Checksum},
      {"ARP cut short", ethernet(Bytes(27)), DropReason::RuntFrame},
  };
  for (const auto& [name, frame, reason] : cases) {
    const auto parsed = parse(frame);
    ASSERT_FALSE(parsed) << name;
    EXPECT_EQ(to_string(parsed.error()), to_string(reason)) << name;
  }
}

TEST_F(ParsePacket, AcceptsUdpWithoutChecksumOverIpv4) {
  EXPECT_TRUE(parse(ethernet(ipv4(udp(kHello, {.sum = Sum::None})))));
  EXPECT_FALSE(meta_.checksum_half_done);
}

TEST_F(ParsePacket, AcceptsAndCompletesAHalfDoneChecksumWhereThePortSaysSo) {
  Bytes frame = ethernet(ipv4(udp(kHello, {.sum = Sum::HalfDone})));
  ASSERT_TRUE(parse(frame));
  EXPECT_TRUE(meta_.checksum_half_done);
  complete_checksum(frame, meta_);
  EXPECT_FALSE(meta_.checksum_half_done);
  EXPECT_EQ(frame, ethernet(ipv4(udp(kHello))));
}

TEST_F(ParsePacket, DropsAHalfDoneChecksumWhereThePortVerifies) {
  const UdpFields fields{.source = "198.18.7.2", .destination = "198.18.7.1", .sum = Sum::HalfDone};
  const auto parsed = parse(ethernet(
      ipv4(udp(kHello, fields), {.source = "198.18.7.2", .destination = "198.18.7.1"}), {.vlan = 7}));
  EXPECT_EQ(parsed.error(), DropReason::BadL4Checksum);
}

TEST_F(ParsePacket, ReadsNothingBeyondAFrameThatIsCutAnywhere) {
  for (const Bytes& whole :
       {sip_frame_v4(), sip_frame_v6(), ethernet(arp()),
        ethernet(ipv6(joined(extension(44), joined(fragment_header({.more = true}), kHello)),
                      {.next_header = 0}))})
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));  // exact allocation
      EXPECT_FALSE(parse(cut)) << size;
    }
}

TEST_F(ParsePacket, TakesAnOrdinaryPacketInOneRunWithTheSameResult) {
  for (const Bytes& frame : {sip_frame_v4(), sip_frame_v6(), ethernet(ipv4(udp(Bytes(172, 'x'))))}) {
    PacketMeta ordinary;
    EXPECT_TRUE(take_ordinary_packet(frame, ports_.device(0), ordinary));
    ASSERT_TRUE(parse_packet({frame, frame.size()}, ports_.device(0), meta_));
    EXPECT_TRUE(ordinary == meta_);
  }
}

// What is known of the addresses of the packet before must not be taken for what others are.
TEST_F(ParsePacket, TakesAPacketThatFollowsAnotherAsIfItCameAlone) {
  const Bytes frames[] = {
      sip_frame_v4(),
      sip_frame_v6(),
      ethernet(ipv4(udp({}, {.source = "203.0.113.9"}), {.source = "203.0.113.9"})),
      ethernet(ipv4(udp({}), {.source = "198.18.1.1"})),
      ethernet(ipv4(udp({}), {.source = "198.18.1.255"})),
      ethernet(ipv4(udp({}), {.source = "0.0.0.0"})),
      ethernet(ipv4(udp({}), {.destination = "198.18.1.9"})),
      ethernet(ipv6(udp({}), {.source = "::"})),
  };
  for (std::size_t a = 0; a < std::size(frames); ++a)
    for (std::size_t b = 0; b < std::size(frames); ++b) {
      LastAddresses last;
      PacketMeta first, alone, after;
      (void)take_ordinary_packet(frames[a], ports_.device(0), first, last);
      const bool is_ordinary = take_ordinary_packet(frames[b], ports_.device(0), alone);
      EXPECT_EQ(take_ordinary_packet(frames[b], ports_.device(0), after, last), is_ordinary) << a << ' ' << b;
      EXPECT_TRUE(!is_ordinary || after == alone) << a << ' ' << b;
    }
}

TEST_F(ParsePacket, LeavesWhatIsNotOrdinaryToTheCarefulParser) {
  Bytes bad_header = sip_frame_v4();
  bad_header[24] ^= 1;
  const Bytes frames[] = {
      bad_header,
      Bytes(20),
      ethernet(arp()),
      ethernet(ipv4(udp({}), {.options = {1, 1, 1, 0}})),
      ethernet(ipv4(udp({}), {.more_fragments = true})),
      ethernet(ipv4(udp({}), {.destination = "198.18.1.9"})),
      ethernet(ipv4(udp({}), {.source = "198.18.1.1"})),
      ethernet(ipv4(udp({}), {.source = "127.0.0.1"})),
      ethernet(ipv4(udp({}, {.source_port = 0}))),
      ethernet(ipv4(udp({}, {.length = 9}))),
      ethernet(ipv4(udp({})), {.vlan = 7}),
      ethernet(ipv6(joined(extension(17), udp({})), {.next_header = 0})),
      ethernet(ipv4(udp({})), {.destination = kBroadcastMac}),
  };
  for (std::size_t i = 0; i < std::size(frames); ++i)
    EXPECT_FALSE(take_ordinary_packet(frames[i], ports_.device(0), meta_)) << i;
}

}  // namespace
}  // namespace sallyport::dataplane
