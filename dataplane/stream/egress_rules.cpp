// egress_rules.cpp — header checks of egress_rules.h, each against the octets that are there.
#include "dataplane/stream/egress_rules.h"

#include <algorithm>

namespace sallyport::dataplane {
namespace {

using Octets = std::span<const std::uint8_t>;

constexpr std::size_t kEthernetBytes = 14, kArpBytes = 28, kIpv4Bytes = 20, kIpv6Bytes = 40;
constexpr std::uint16_t kTypeIpv4 = 0x0800, kTypeArp = 0x0806, kTypeIpv6 = 0x86dd;
constexpr std::uint8_t kProtocolIcmp = 1, kHeaderHopByHop = 0, kHeaderFragment = 44, kHeaderIcmpv6 = 58;
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

EgressRules::EgressRules(const MacAddress& mac, const std::vector<Prefix>& addresses) : mac_(mac) {
  for (const Prefix& prefix : addresses) addresses_.push_back(prefix.address);
}

bool EgressRules::is_own(const IpAddress& address) const noexcept {
  return std::ranges::find(addresses_, address) != addresses_.end();
}

bool EgressRules::may_leave(Octets frame) const noexcept {
  if (frame.size() < kEthernetBytes) return false;
  if (!std::equal(mac_.begin(), mac_.end(), frame.begin() + 6)) return false;
  const Octets packet = frame.subspan(kEthernetBytes);
  switch (read_u16(frame, 12)) {
    case kTypeArp:
      return may_leave_arp(packet);
    case kTypeIpv4:
      return may_leave_ipv4(packet);
    case kTypeIpv6:
      return may_leave_ipv6(packet);
    default:
      return false;
  }
}

bool EgressRules::may_leave_arp(Octets packet) const noexcept {
  if (packet.size() < kArpBytes) return false;
  const bool is_ethernet_ipv4 = read_u16(packet, 0) == 1 && read_u16(packet, 2) == kTypeIpv4;
  const std::uint16_t operation = read_u16(packet, 6);
  return is_ethernet_ipv4 && (operation == 1 || operation == 2) &&
         std::equal(mac_.begin(), mac_.end(), packet.begin() + 8) &&
         is_own(IpAddress::v4_from_wire(packet.data() + 14));
}

bool EgressRules::may_leave_ipv4(Octets packet) const noexcept {
  if (packet.size() < kIpv4Bytes) return false;
  const std::size_t header = (packet[0] & 0x0fu) * std::size_t{4};
  if (packet[0] >> 4 != 4 || header < kIpv4Bytes || packet.size() <= header) return false;
  if (packet[9] != kProtocolIcmp || !is_own(IpAddress::v4_from_wire(packet.data() + 12))) return false;
  const bool is_later_fragment = (read_u16(packet, 6) & 0x1fff) != 0;  // of a long echo reply
  return is_later_fragment || packet[header] == kIcmpEchoReply;
}

bool EgressRules::may_leave_ipv6(Octets packet) const noexcept {
  if (packet.size() < kIpv6Bytes || packet[0] >> 4 != 6) return false;
  const IpAddress source = IpAddress::v6_from_wire(packet.data() + 8);
  if (!is_own(source) && !source.is_link_local()) {
    // A report may leave before there is an address (RFC 3810 §5.2.13).
    return source.is_unspecified() && packet[6] == kHeaderHopByHop && may_leave_listener_report(packet);
  }
  const Octets rest = packet.subspan(kIpv6Bytes);
  switch (packet[6]) {
    case kHeaderIcmpv6:
      return may_leave_icmpv6(packet, rest);
    case kHeaderHopByHop:
      return may_leave_listener_report(packet);
    case kHeaderFragment: {
      if (rest.size() < 9 || rest[0] != kHeaderIcmpv6) return false;
      const bool is_later_fragment = (read_u16(rest, 2) & 0xfff8) != 0;
      return is_later_fragment || rest[8] == kEchoReply6;  // neighbour discovery never (RFC 6980 §5)
    }
    default:
      return false;
  }
}

}  // namespace sallyport::dataplane
