// parse_packet.cpp — puts the headers' parsers together and holds the addresses against the port.
#include "dataplane/packet/parse_packet.h"

#include <algorithm>

#include "dataplane/packet/arp.h"
#include "dataplane/packet/ethernet.h"
#include "dataplane/packet/icmp.h"
#include "dataplane/packet/icmp_error.h"
#include "dataplane/packet/ordinary_packet.h"
#include "dataplane/packet/port_services.h"
#include "dataplane/packet/udp_header.h"

namespace sallyport::dataplane {
namespace {

using Outcome = Result<void, DropReason>;
using Kind = PortAddress::Kind;

struct Arrival {
  const EthernetHeader& ethernet;
  const PortNetwork& network;
  std::span<const std::uint8_t> head;  // from the IP or ARP header on
  std::size_t length;                  // of the frame from there on
  bool is_reassembled;
};

Outcome take_arp(const Arrival& arrival, PacketMeta& meta) noexcept {
  const auto arp = parse_arp(arrival.head);
  if (!arp) return fail(arp.error());
  meta.is_arp = true;
  meta.source = arp->sender;
  meta.destination = arp->target;
  meta.exception = policy::ExceptionKind::Arp;
  meta.l4_length = kArpBytes;
  const bool is_probe = arp->sender.is_unspecified() && arp->is_request;  // RFC 5227 §1.1
  if (is_group(arp->sender_mac) || (!is_probe && !is_source_fit(arrival.network, arp->sender)))
    return fail(DropReason::BadSourceAddress);
  const PortAddress target = arrival.network.addresses.find(arp->target);
  if (target.kind == Kind::Own) {
    meta.local_address = target.number;
    return {};
  }
  // A gateway or peer that tells where it is now: Linux corrects its entry without asking.
  if (arp->is_announcement() && target.kind == Kind::Neighbour) return {};
  return fail(DropReason::NotOurAddress);
}

// Of an error that quotes a flow the ports become those of the flow, seen from its other end.
void take_icmp(const IpHeader& ip, std::span<const std::uint8_t> held, PacketMeta& meta) noexcept {
  meta.exception = ip.source.is_v4() ? icmp_kind(ip, held) : icmpv6_kind(ip, held);
  if (meta.exception != policy::ExceptionKind::None) return;
  if (const auto flow = quoted_flow(ip.destination, held)) {
    meta.exception = policy::ExceptionKind::Unreachable;
    meta.source_port = flow->remote.port;
    meta.destination_port = flow->local.port;
  } else if (const auto segment = quoted_segment(ip.destination, held)) {
    meta.exception = policy::ExceptionKind::PathError;
    meta.source_port = segment->flow.remote.port;
    meta.destination_port = segment->flow.local.port;
  }
}

Outcome take_transport(const Arrival& arrival, const IpHeader& ip, PacketMeta& meta) noexcept {
  const auto bytes = arrival.head.subspan(std::min<std::size_t>(ip.header_length, arrival.head.size()));
  const auto held = bytes.first(std::min<std::size_t>(bytes.size(), meta.l4_length));
  if (ip.protocol == kProtocolUdp) {
    const auto udp = parse_udp(held, meta.l4_length);
    if (!udp) return fail(udp.error());
    meta.source_port = udp->source_port;
    meta.destination_port = udp->destination_port;
    meta.payload_offset = static_cast<std::uint16_t>(meta.l4_offset + kUdpBytes);
    meta.payload_length = static_cast<std::uint16_t>(udp->length - kUdpBytes);
  } else if (ip.protocol == kProtocolTcp) {
    const auto tcp = parse_tcp_ports(held, meta.l4_length);
    if (!tcp) return fail(tcp.error());
    meta.source_port = tcp->source_port;
    meta.destination_port = tcp->destination_port;
    meta.is_tcp_syn = tcp->is_syn();
  } else if (ip.protocol == kProtocolIcmp || ip.protocol == kProtocolIcmpv6) {
    if (held.size() < kIcmpBytes) return fail(DropReason::RuntFrame);
    const bool is_native = (ip.protocol == kProtocolIcmp) == ip.source.is_v4();
    if (is_native) take_icmp(ip, held, meta);
  }
  return {};
}

Outcome take_ip(const Arrival& arrival, IpHeader ip, PacketMeta& meta) noexcept {
  if (arrival.is_reassembled) ip.has_fragment_header = true;
  meta.source = ip.source;
  meta.destination = ip.destination;
  meta.ip_protocol = ip.protocol;
  meta.l4_offset = static_cast<std::uint16_t>(meta.l3_offset + ip.header_length);
  meta.l4_length = static_cast<std::uint16_t>(ip.total_length - ip.header_length);
  meta.is_fragment = ip.is_fragment;
  meta.was_fragmented = ip.has_fragment_header && !ip.is_fragment;

  const PortAddress destination = arrival.network.addresses.find(ip.destination);
  const bool is_to_group = destination.kind == Kind::OwnGroup || destination.kind == Kind::ServiceGroup;
  if (destination.kind != Kind::Own && !is_to_group) return fail(DropReason::NotOurAddress);
  // To our address, but shouted to all: RFC 1122 §3.3.6.
  const bool is_frame_unicast = arrival.ethernet.destination == arrival.network.mac;
  if (!is_frame_unicast && !(is_to_group && arrival.ethernet.destination == group_mac(ip.destination)))
    return fail(DropReason::OtherDestinationMac);
  meta.local_address = destination.number;

  if (!ip.is_fragment) {
    const Outcome outcome = take_transport(arrival, ip, meta);
    if (!outcome) return outcome;
  }
  const bool is_discovery = meta.exception == policy::ExceptionKind::NeighbourDiscovery;
  const bool is_address_check = is_discovery && ip.source.is_unspecified();  // RFC 4862 §5.4.2
  if (!is_address_check && !is_source_fit(arrival.network, ip.source))
    return fail(DropReason::BadSourceAddress);
  if (destination.kind == Kind::OwnGroup && !is_discovery) return fail(DropReason::NotOurAddress);
  // A port has groups of routing protocols only where Linux speaks them.
  const bool is_routing = ip.protocol == kProtocolOspf || ip.protocol == kProtocolVrrp;
  if (destination.kind == Kind::ServiceGroup && !is_routing) return fail(DropReason::NotOurAddress);
  return {};
}

Outcome take_ipv4(const Arrival& arrival, PacketMeta& meta) noexcept {
  const auto ip = parse_ipv4(arrival.head, arrival.length);
  return ip ? take_ip(arrival, *ip, meta) : Outcome(fail(ip.error()));
}

Outcome take_ipv6(const Arrival& arrival, PacketMeta& meta) noexcept {
  const auto ip = parse_ipv6(arrival.head, arrival.length);
  if (!ip) return fail(ip.error());
  // ::ffff:a.b.c.d is a way of writing, not of sending: it would pass for the IPv4 address. RFC 4942 §2.2
  if (ip->source.is_v4()) return fail(DropReason::BadSourceAddress);
  if (ip->destination.is_v4()) return fail(DropReason::NotOurAddress);
  return take_ip(arrival, *ip, meta);
}

// Ours, everybody's, or possibly a group of ours (which the IPv6 destination decides).
bool is_destination_mac_fit(const EthernetHeader& ethernet, const PortNetwork& network) noexcept {
  if (ethernet.destination == network.mac) return true;
  if (ethernet.ethertype == kEthertypeArp) return ethernet.destination == kBroadcastMac;
  return is_group(ethernet.destination);
}

}  // namespace

Outcome parse_packet(const Frame& frame, const DevicePorts& device, PacketMeta& meta) noexcept {
  meta = PacketMeta{};
  meta.port = device.first_port();
  const auto ethernet = parse_ethernet(frame.head, frame.stripped_tag);
  if (!ethernet) return fail(ethernet.error());
  const PortNetwork* network = device.find(ethernet->vlan);
  if (network == nullptr) return fail(DropReason::UnknownVlan);
  meta.port = network->port;
  meta.l3_offset = ethernet->length;
  if (!is_destination_mac_fit(*ethernet, *network)) return fail(DropReason::OtherDestinationMac);
  if (is_group(ethernet->source) || ethernet->source == network->mac)
    return fail(DropReason::BadSourceAddress);
  const Arrival arrival{*ethernet, *network, frame.head.subspan(ethernet->length),
                        frame.length - ethernet->length, frame.is_reassembled};
  switch (ethernet->ethertype) {
    case kEthertypeArp:
      return take_arp(arrival, meta);
    case kEthertypeIpv4:
      return take_ipv4(arrival, meta);
    case kEthertypeIpv6:
      return take_ipv6(arrival, meta);
    default:
      return fail(DropReason::UnknownEthertype);
  }
}

std::optional<std::size_t> checksum_offset(const PacketMeta& meta) noexcept {
  if (meta.is_arp || meta.is_fragment) return std::nullopt;
  const std::size_t l4 = meta.l4_offset;
  switch (meta.ip_protocol) {
    case kProtocolUdp:
      return l4 + 6;
    case kProtocolTcp:
      return l4 + 16;
    case kProtocolIcmp:
    case kProtocolIcmpv6:
      return l4 + 2;
    default:
      return std::nullopt;
  }
}

InternetSum pseudo_header_sum(const PacketMeta& meta) noexcept {
  InternetSum sum;
  if (meta.ip_protocol == kProtocolIcmp) return sum;  // RFC 792 has none
  sum.add_pseudo_header(meta.source, meta.destination, meta.ip_protocol, checksum_length(meta));
  return sum;
}

std::uint16_t checksum_length(const PacketMeta& meta) noexcept {
  return meta.ip_protocol == kProtocolUdp ? static_cast<std::uint16_t>(meta.payload_length + kUdpBytes)
                                          : meta.l4_length;
}

void complete_checksum(std::span<std::uint8_t> frame, PacketMeta& meta) noexcept {
  const auto at = checksum_offset(meta);
  if (!meta.checksum_half_done || !at) return;
  store16(frame.data() + *at, 0);
  InternetSum sum = pseudo_header_sum(meta);
  sum.add(frame.subspan(meta.l4_offset, checksum_length(meta)));
  const std::uint16_t checksum = sum.checksum();
  store16(frame.data() + *at, checksum == 0 ? 0xffff : checksum);  // 0 would mean none: RFC 768
  meta.checksum_half_done = false;
}

}  // namespace sallyport::dataplane
