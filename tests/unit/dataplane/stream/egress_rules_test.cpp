// egress_rules_test.cpp — which frames of Linux may leave a port, one row each.
#include "dataplane/stream/egress_rules.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace sallyport::dataplane {
namespace {

using Frame = std::vector<std::uint8_t>;
constexpr MacAddress kMac{2, 0, 0, 0, 0, 1}, kOtherMac{2, 0, 0, 0, 0, 9};
const IpAddress kOwn4 = IpAddress::v4(0xC6120101), kOther4 = IpAddress::v4(0xC6120102),
                kOwn6 = *IpAddress::parse("fd18:1::1"), kOther6 = *IpAddress::parse("fd18:1::2"),
                kLinkLocal = *IpAddress::parse("fe80::1"), kGroup = *IpAddress::parse("ff02::16");

EgressRules rules() { return EgressRules(kMac, {Prefix{kOwn4, 24}, Prefix{kOwn6, 64}}); }

Frame ethernet(std::uint16_t type, const MacAddress& source = kMac) {
  Frame frame(6, 0xff);
  frame.insert(frame.end(), source.begin(), source.end());
  frame.push_back(static_cast<std::uint8_t>(type >> 8));
  frame.push_back(static_cast<std::uint8_t>(type));
  return frame;
}

void append(Frame& frame, std::initializer_list<int> octets) {
  for (const int octet : octets) frame.push_back(static_cast<std::uint8_t>(octet));
}

void append(Frame& frame, const IpAddress& address) {
  const auto& bytes = address.bytes();
  frame.insert(frame.end(), bytes.begin() + (address.is_v4() ? 12 : 0), bytes.end());
}

Frame arp(int operation, const IpAddress& sender = kOwn4, const MacAddress& mac = kMac) {
  Frame frame = ethernet(0x0806);
  append(frame, {0, 1, 8, 0, 6, 4, 0, operation});
  frame.insert(frame.end(), mac.begin(), mac.end());
  append(frame, sender);
  frame.insert(frame.end(), 6, 0);
  append(frame, kOther4);
  return frame;
}

Frame ipv4(int protocol, int first_octet, int fragment_offset = 0, const IpAddress& source = kOwn4) {
  Frame frame = ethernet(0x0800);
  append(frame, {0x45, 0, 0, 28, 0, 0, fragment_offset >> 8, fragment_offset, 64, protocol, 0, 0});
  append(frame, source);
  append(frame, kOther4);
  append(frame, {first_octet, 0, 0, 0, 0, 0, 0, 0});
  return frame;
}

Frame ipv6(int next_header, int hop_limit, std::initializer_list<int> rest, const IpAddress& source = kOwn6,
           const IpAddress& destination = kOther6) {
  Frame frame = ethernet(0x86dd);
  append(frame, {0x60, 0, 0, 0, 0, static_cast<int>(rest.size()), next_header, hop_limit});
  append(frame, source);
  append(frame, destination);
  append(frame, rest);
  return frame;
}

Frame with_source(Frame frame, const MacAddress& mac) {
  std::copy(mac.begin(), mac.end(), frame.begin() + 6);
  return frame;
}

Frame cut(const Frame& frame, std::ptrdiff_t octets) { return Frame(frame.begin(), frame.end() - octets); }

struct Case {
  std::string name;
  Frame frame;
  bool may_leave;
};

std::vector<Case> cases() {
  const IpAddress none;
  return {
      {"ARP request", arp(1), true},
      {"ARP reply", arp(2), true},
      {"ARP of another operation", arp(3), false},
      {"ARP for an address that is not the port's", arp(2, kOther4), false},
      {"ARP with another sender MAC", arp(2, kOwn4, kOtherMac), false},
      {"ARP cut short", cut(arp(2), 1), false},
      {"frame with another source MAC", with_source(arp(2), kOtherMac), false},
      {"ICMP echo reply", ipv4(1, 0), true},
      {"ICMP echo request", ipv4(1, 8), false},
      {"ICMP port unreachable", ipv4(1, 3), false},
      {"ICMP redirect", ipv4(1, 5), false},
      {"echo reply from an address that is not the port's", ipv4(1, 0, 0, kOther4), false},
      {"later fragment of an echo reply", ipv4(1, 0xaa, 185), true},
      {"TCP", ipv4(6, 0), false},
      {"UDP", ipv4(17, 0), false},
      {"IGMP", ipv4(2, 0x16), false},
      {"IPv4 header cut short", cut(ipv4(1, 0), 9), false},
      {"IPv4 without payload", cut(ipv4(1, 0), 8), false},
      {"ICMPv6 echo reply", ipv6(58, 64, {129, 0, 0, 0}), true},
      {"ICMPv6 echo reply from the link-local address", ipv6(58, 64, {129, 0, 0, 0}, kLinkLocal), true},
      {"ICMPv6 echo request", ipv6(58, 64, {128, 0, 0, 0}), false},
      {"ICMPv6 port unreachable", ipv6(58, 64, {1, 4, 0, 0}), false},
      {"neighbour solicitation", ipv6(58, 255, {135, 0, 0, 0}, kLinkLocal), true},
      {"neighbour advertisement", ipv6(58, 255, {136, 0, 0, 0}), true},
      {"neighbour advertisement with a hop limit that no receiver takes", ipv6(58, 64, {136, 0, 0, 0}),
       false},
      {"router solicitation", ipv6(58, 255, {133, 0, 0, 0}, kLinkLocal), false},
      {"router advertisement", ipv6(58, 255, {134, 0, 0, 0}, kLinkLocal), false},
      {"redirect", ipv6(58, 255, {137, 0, 0, 0}, kLinkLocal), false},
      {"ICMPv6 without octets", ipv6(58, 255, {}), false},
      {"ICMPv6 from an address that is not the port's", ipv6(58, 64, {129, 0, 0, 0}, kOther6), false},
      {"listener report", ipv6(0, 1, {58, 0, 5, 2, 0, 0, 1, 0, 143, 0}, kLinkLocal, kGroup), true},
      {"listener report before there is an address",
       ipv6(0, 1, {58, 0, 5, 2, 0, 0, 1, 0, 143, 0}, none, kGroup), true},
      {"listener report to a host", ipv6(0, 1, {58, 0, 5, 2, 0, 0, 1, 0, 143, 0}, kLinkLocal, kOther6),
       false},
      {"echo reply behind hop-by-hop options", ipv6(0, 1, {58, 0, 5, 2, 0, 0, 1, 0, 129, 0}, kOwn6, kGroup),
       false},
      {"hop-by-hop options longer than the packet",
       ipv6(0, 1, {58, 9, 5, 2, 0, 0, 1, 0, 143}, kLinkLocal, kGroup), false},
      {"neighbour solicitation without source", ipv6(58, 255, {135, 0, 0, 0}, none), false},
      {"first fragment of an echo reply", ipv6(44, 64, {58, 0, 0, 1, 0, 0, 0, 1, 129, 0}), true},
      {"later fragment of an echo reply", ipv6(44, 64, {58, 0, 0, 8, 0, 0, 0, 1, 135, 0}), true},
      {"fragmented neighbour discovery", ipv6(44, 255, {58, 0, 0, 1, 0, 0, 0, 1, 136, 0}), false},
      {"fragment of UDP", ipv6(44, 64, {17, 0, 0, 8, 0, 0, 0, 1, 0, 0}), false},
      {"UDP over IPv6", ipv6(17, 64, {0, 53, 0, 53}), false},
      {"TCP over IPv6", ipv6(6, 64, {0, 53, 0, 53}), false},
      {"IPv6 header cut short", cut(ipv6(58, 255, {}), 1), false},
      {"another ethertype", ethernet(0x88cc), false},
      {"Ethernet header cut short", Frame(13), false},
      {"nothing", {}, false},
  };
}

TEST(EgressRules, LetOnlyWhatAPortNeedsLeave) {
  for (const Case& row : cases()) EXPECT_EQ(rules().may_leave(row.frame), row.may_leave) << row.name;
}

// In buffers of the exact size, so that a sanitizer sees one octet too far.
TEST(EgressRules, ReadNothingBeyondAnyCutOfAnyFrame) {
  for (const Case& row : cases())
    for (std::size_t size = 0; size <= row.frame.size(); ++size)
      static_cast<void>(
          rules().may_leave(Frame(row.frame.begin(), row.frame.begin() + static_cast<std::ptrdiff_t>(size))));
}

PortServices services() {
  SbcConfig config;
  PortConfig& port = config.ports.emplace_back();
  port.services = {{LinuxServiceKind::Bfd},
                   {LinuxServiceKind::Ospf},
                   {LinuxServiceKind::Vrrp},
                   {LinuxServiceKind::Udp, 161}};
  return PortServices(config, port);
}

// Ports 256 * first + 0 and so on, as ipv4() writes the first octets.
Frame with_ports(Frame frame, std::uint16_t local, std::uint16_t remote, std::size_t at = 34) {
  frame.resize(at + 20);
  frame[at] = static_cast<std::uint8_t>(local >> 8);
  frame[at + 1] = static_cast<std::uint8_t>(local);
  frame[at + 2] = static_cast<std::uint8_t>(remote >> 8);
  frame[at + 3] = static_cast<std::uint8_t>(remote);
  return frame;
}

TEST(EgressRules, NameTheFlowOfTcpAndUdp) {
  const EgressRules of_port(kMac, {Prefix{kOwn4, 24}, Prefix{kOwn6, 64}}, {}, PortIndex{3});
  Frame tcp = with_ports(ipv4(6, 0), 5060, 40000);
  tcp[38] = 1;
  tcp[41] = 2;
  tcp[47] = 0x12;
  const auto [ruling, segment] = of_port.judge(tcp);
  EXPECT_EQ(ruling, EgressRules::Ruling::AsFlow);
  EXPECT_EQ(segment.flow.port, PortIndex{3});
  EXPECT_EQ(segment.flow.protocol, 6);
  EXPECT_EQ(segment.flow.local, (Endpoint{kOwn4, 5060}));
  EXPECT_EQ(segment.flow.remote, (Endpoint{kOther4, 40000}));
  EXPECT_EQ(segment.tcp_sequence, 0x01000002u);
  EXPECT_EQ(segment.tcp_flags, 0x12);
  const Frame udp6 = with_ports(ipv6(17, 64, {}), 40000, 53, 54);
  EXPECT_EQ(of_port.judge(udp6).ruling, EgressRules::Ruling::AsFlow);
  EXPECT_EQ(of_port.judge(udp6).segment.flow.remote, (Endpoint{kOther6, 53}));
  const auto refused = EgressRules::Ruling::Refused;
  EXPECT_EQ(of_port.judge(cut(tcp, 1)).ruling, refused);
  EXPECT_EQ(of_port.judge(with_ports(ipv4(6, 0, 0x2000), 5060, 40000)).ruling, refused) << "a first fragment";
  EXPECT_EQ(of_port.judge(with_ports(ipv4(17, 0, 185), 5060, 40000)).ruling, refused) << "a later one";
  EXPECT_EQ(of_port.judge(with_ports(ipv4(6, 0, 0, kOther4), 5060, 40000)).ruling, refused);
  EXPECT_EQ(of_port.judge(with_ports(ipv6(17, 64, {}, kOwn6, kGroup), 40000, 53, 54)).ruling, refused);
}

TEST(EgressRules, LetServicesSpeak) {
  const EgressRules with(kMac, {Prefix{kOwn4, 24}, Prefix{kOwn6, 64}}, services());
  const IpAddress ospf = *IpAddress::parse("ff02::5"), vrrp = *IpAddress::parse("ff02::12");
  struct Row {
    const char* name;
    Frame frame;
    bool may_leave;
  };
  const MacAddress virtual_router{0, 0, 0x5e, 0, 1, 7}, no_router{0, 0, 0x5e, 0, 3, 7};
  const std::vector<Row> rows{
      {"BFD", with_ports(ipv4(17, 0), 50000, 3784), true},
      {"SNMP's answer", with_ports(ipv4(17, 0), 161, 40000), true},
      {"SNMP's question", with_ports(ipv4(17, 0), 40000, 161), false},
      {"OSPF to a router", ipv4(89, 2), true},
      {"OSPF to its group", ipv6(89, 1, {3, 1, 0, 0}, kLinkLocal, ospf), true},
      {"OSPF to another's group", ipv6(89, 1, {3, 1, 0, 0}, kLinkLocal, vrrp), false},
      {"VRRP to its group", ipv6(112, 255, {0x31, 7, 0, 0}, kLinkLocal, vrrp), true},
      {"VRRP from the virtual MAC", with_source(ipv4(112, 0x31), virtual_router), true},
      {"ARP of the virtual router", with_source(arp(1, kOwn4, virtual_router), virtual_router), true},
      {"a MAC that is no virtual router's", with_source(ipv4(112, 0x31), no_router), false},
      {"GRE", ipv4(47, 0), false},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(with.may_leave(row.frame), row.may_leave) << row.name;
    EXPECT_FALSE(rules().may_leave(row.frame)) << row.name << ", not configured";
  }
}

}  // namespace
}  // namespace sallyport::dataplane
