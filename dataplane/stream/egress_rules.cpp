// egress_rules.cpp — header checks of egress_rules.h, each against the octets that are there.
#include "dataplane/stream/egress_rules.h"

#include <algorithm>
#include <array>
#include <utility>

namespace sallyport::dataplane {
namespace {

using Octets = std::span<const std::uint8_t>;

constexpr std::size_t kEthernetBytes = 14, kArpBytes = 28, kIpv4Bytes = 20, kIpv6Bytes = 40;
constexpr std::uint16_t kTypeIpv4 = 0x0800, kTypeArp = 0x0806, kTypeIpv6 = 0x86dd;
constexpr std::size_t kUdpBytes = 8, kTcpBytes = 20;
constexpr std::uint8_t kProtocolIcmp = 1, kHeaderHopByHop = 0, kHeaderFragment = 44, kHeaderIcmpv6 = 58;
constexpr std::uint8_t kProtocolTcp = 6, kProtocolUdp = 17;
constexpr std::uint8_t kIcmpEchoReply = 0;
constexpr std::uint8_t kEchoReply6 = 129, kNeighbourSolicitation = 135, kNeighbourAdvertisement = 136;
constexpr std::uint8_t kListenerReport = 131, kListenerDone = 132, kListenerReport2 = 143;

std::uint16_t read_u16(Octets octets, std::size_t at) {
  return static_cast<std::uint16_t>(octets[at] << 8 | octets[at + 1]);
}

bool may_leave_icmpv6(Octets packet, Octets message) {
  if (message.empty()) return false;
  const std::uint8_t hop_limit = packet[7];
  switch (message[0]) {
    case kEchoReply6:
      return true;
    case kNeighbourSolicitation:
    case kNeighbourAdvertisement:
      return hop_limit == 255;  // RFC 4861 §7.1
    default:
      return false;
  }
}

// Hop-by-hop options before an ICMPv6 message: only MLD has them (router alert), towards a group.
bool may_leave_listener_report(Octets packet) {
  const Octets options = packet.subspan(kIpv6Bytes);
  if (options.size() < 8 || options[0] != kHeaderIcmpv6) return false;
  const std::size_t length = (options[1] + std::size_t{1}) * 8;
  if (options.size() <= length || packet[7] != 1 || packet[24] != 0xff) return false;  // RFC 3810 §5
  const std::uint8_t type = options[length];
  return type == kListenerReport || type == kListenerDone || type == kListenerReport2;
}

}  // namespace

EgressRules::EgressRules(const MacAddress& mac, const std::vector<Prefix>& addresses, PortServices services,
                         PortIndex port)
    : mac_(mac), services_(std::move(services)), port_(port) {
  for (const Prefix& prefix : addresses) addresses_.push_back(prefix.address);
}

bool EgressRules::is_own(const IpAddress& address) const noexcept {
  return std::ranges::find(addresses_, address) != addresses_.end();
}

// The port's, or a virtual router's when the port may be one: 00:00:5e:00:01 and :02. RFC 5798 §7.3
bool EgressRules::is_own_mac(const std::uint8_t* mac) const noexcept {
  if (std::equal(mac_.begin(), mac_.end(), mac)) return true;
  constexpr std::array<std::uint8_t, 4> kIana{0x00, 0x00, 0x5e, 0x00};
  return services_.has_vrrp() && std::equal(kIana.begin(), kIana.end(), mac) && (mac[4] == 1 || mac[4] == 2);
}

EgressRules::Judgement EgressRules::judge(Octets frame) const noexcept {
  if (frame.size() < kEthernetBytes || !is_own_mac(frame.data() + 6)) return {};
  const Octets packet = frame.subspan(kEthernetBytes);
  switch (read_u16(frame, 12)) {
    case kTypeArp:
      return {may_leave_arp(frame) ? Ruling::Free : Ruling::Refused, {}};
    case kTypeIpv4:
      return judge_ipv4(packet);
    case kTypeIpv6:
      return judge_ipv6(packet);
    default:
      return {};
  }
}

bool EgressRules::may_leave_arp(Octets frame) const noexcept {
  const Octets packet = frame.subspan(kEthernetBytes);
  if (packet.size() < kArpBytes) return false;
  const bool is_ethernet_ipv4 = read_u16(packet, 0) == 1 && read_u16(packet, 2) == kTypeIpv4;
  const std::uint16_t operation = read_u16(packet, 6);
  return is_ethernet_ipv4 && (operation == 1 || operation == 2) && is_own_mac(packet.data() + 8) &&
         is_own(IpAddress::v4_from_wire(packet.data() + 14));
}

EgressRules::Judgement EgressRules::judge_segment(LinuxSegment segment, Octets transport) const noexcept {
  const bool is_tcp = segment.flow.protocol == kProtocolTcp;
  if (transport.size() < (is_tcp ? kTcpBytes : kUdpBytes)) return {};
  if (segment.flow.remote.address.is_multicast()) return {};
  segment.flow.port = port_;
  segment.flow.local.port = read_u16(transport, 0);
  segment.flow.remote.port = read_u16(transport, 2);
  if (is_tcp) {
    segment.tcp_sequence = std::uint32_t{read_u16(transport, 4)} << 16 | read_u16(transport, 6);
    segment.tcp_flags = transport[13];
  } else if (services_.tells_by_udp(segment.flow.local.port, segment.flow.remote.port)) {
    return {Ruling::Free, {}};
  }
  return {Ruling::AsFlow, segment};
}

EgressRules::Judgement EgressRules::judge_routing(std::uint8_t protocol,
                                                  const IpAddress& destination) const noexcept {
  return {services_.speaks(protocol, destination) ? Ruling::Free : Ruling::Refused, {}};
}

// In one piece, all but echo replies: Linux cuts no TCP, and what the services say is short.
EgressRules::Judgement EgressRules::judge_ipv4(Octets packet) const noexcept {
  if (packet.size() < kIpv4Bytes) return {};
  const std::size_t header = (packet[0] & 0x0fu) * std::size_t{4};
  if (packet[0] >> 4 != 4 || header < kIpv4Bytes || packet.size() <= header) return {};
  const IpAddress source = IpAddress::v4_from_wire(packet.data() + 12);
  const IpAddress destination = IpAddress::v4_from_wire(packet.data() + 16);
  if (!is_own(source)) return {};
  const std::uint8_t protocol = packet[9];
  const bool is_fragment = (read_u16(packet, 6) & 0x3fff) != 0;
  if (protocol == kProtocolIcmp) {
    const bool is_later_fragment = (read_u16(packet, 6) & 0x1fff) != 0;  // of a long echo reply
    const bool is_fit = is_later_fragment || packet[header] == kIcmpEchoReply;
    return {is_fit ? Ruling::Free : Ruling::Refused, {}};
  }
  if (is_fragment) return {};
  if (protocol == kProtocolTcp || protocol == kProtocolUdp)
    return judge_segment({.flow = {PortIndex::kNone, protocol, {source, 0}, {destination, 0}}},
                         packet.subspan(header));
  return judge_routing(protocol, destination);
}

EgressRules::Judgement EgressRules::judge_ipv6(Octets packet) const noexcept {
  const auto free_if = [](bool is_fit) { return Judgement{is_fit ? Ruling::Free : Ruling::Refused, {}}; };
  if (packet.size() < kIpv6Bytes || packet[0] >> 4 != 6) return {};
  const IpAddress source = IpAddress::v6_from_wire(packet.data() + 8);
  const IpAddress destination = IpAddress::v6_from_wire(packet.data() + 24);
  if (!is_own(source) && !source.is_link_local()) {
    // A report may leave before there is an address (RFC 3810 §5.2.13).
    return free_if(source.is_unspecified() && packet[6] == kHeaderHopByHop &&
                   may_leave_listener_report(packet));
  }
  const Octets rest = packet.subspan(kIpv6Bytes);
  switch (packet[6]) {
    case kHeaderIcmpv6:
      return free_if(may_leave_icmpv6(packet, rest));
    case kHeaderHopByHop:
      return free_if(may_leave_listener_report(packet));
    case kHeaderFragment: {
      if (rest.size() < 9 || rest[0] != kHeaderIcmpv6) return {};
      const bool is_later_fragment = (read_u16(rest, 2) & 0xfff8) != 0;
      return free_if(is_later_fragment || rest[8] == kEchoReply6);  // neighbour discovery never (RFC 6980 §5)
    }
    case kProtocolTcp:
    case kProtocolUdp:
      return judge_segment({.flow = {PortIndex::kNone, packet[6], {source, 0}, {destination, 0}}}, rest);
    default:
      return judge_routing(packet[6], destination);
  }
}

}  // namespace sallyport::dataplane
