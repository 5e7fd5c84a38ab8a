// ordinary_packet.h — the packet that nearly all are: untagged, in one piece, UDP, IPv4 without options (RFC
// 791) or IPv6 without extension headers (RFC 8200), to an own address.
//
// Takes it in one straight run, without a call, or leaves it: whatever is out of the ordinary, and all that
// is wrong, goes to parse_packet(), which alone names reasons. Both fill the same meta; the fuzzer compares
// them.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

#include "dataplane/packet/ethernet.h"
#include "dataplane/packet/ip_header.h"
#include "dataplane/packet/packet_meta.h"
#include "dataplane/packet/port_table.h"
#include "dataplane/packet/udp_header.h"
#include "dataplane/packet/wire.h"

namespace sallyport::dataplane {

// Can it be answered? RFC 1122 §3.2.1.3, RFC 4291 §2.7
[[nodiscard]] inline bool is_source_fit(const PortNetwork& network, const IpAddress& source) noexcept {
  if (source.is_unspecified() || source.is_loopback() || source.is_multicast() ||
      source.is_limited_broadcast())
    return false;
  const PortAddress::Kind kind = network.addresses.find(source).kind;
  return kind != PortAddress::Kind::Own && kind != PortAddress::Kind::Broadcast;
}

// Of 20 octets that do not begin with a zero. RFC 1071
[[nodiscard]] inline bool is_plain_ipv4_sum_right(const std::uint8_t* header) noexcept {
  std::uint32_t words[5];
  std::memcpy(words, header, kIpv4Bytes);
  std::uint64_t sum = std::uint64_t{words[0]} + words[1] + words[2] + words[3] + words[4];
  sum = (sum >> 32) + (sum & 0xffffffff);
  sum = (sum >> 16) + (sum & 0xffff);
  sum = (sum >> 16) + (sum & 0xffff);
  sum = (sum >> 16) + (sum & 0xffff);
  return sum == 0xffff;
}

[[nodiscard]] inline std::uint64_t mac_number(const std::uint8_t* mac) noexcept {
  return std::uint64_t{load32(mac)} << 16 | load16(mac + 4);
}

// Reads the IP header at `ip`, of which `size` octets are there, into addresses and the places of the
// transport header. False: not ordinary.
[[nodiscard, gnu::always_inline]] inline bool take_ordinary_ip(const std::uint8_t* ip, std::size_t size,
                                                               std::uint16_t ethertype,
                                                               PacketMeta& meta) noexcept {
  std::size_t header = kIpv4Bytes, total = 0;
  if (ethertype == kEthertypeIpv4) {
    total = load16(ip + 2);
    if (ip[0] != 0x45 || ip[9] != kProtocolUdp || (load16(ip + 6) & 0x3fff) != 0) return false;
    if (!is_plain_ipv4_sum_right(ip)) return false;
    meta.source = IpAddress::v4_from_wire(ip + 12);
    meta.destination = IpAddress::v4_from_wire(ip + 16);
  } else {
    header = kIpv6Bytes;
    if (ethertype != kEthertypeIpv6 || size < kIpv6Bytes + kUdpBytes) return false;
    total = kIpv6Bytes + load16(ip + 4);
    if (ip[0] >> 4 != 6 || ip[6] != kProtocolUdp) return false;
    meta.source = IpAddress::v6_from_wire(ip + 8);
    meta.destination = IpAddress::v6_from_wire(ip + 24);
    if (meta.source.is_v4() || meta.destination.is_v4()) return false;  // RFC 4942 §2.2
  }
  if (total > size || total < header + kUdpBytes) return false;
  meta.l3_offset = kEthernetBytes;
  meta.l4_offset = static_cast<std::uint16_t>(kEthernetBytes + header);
  meta.l4_length = static_cast<std::uint16_t>(total - header);
  meta.payload_offset = static_cast<std::uint16_t>(meta.l4_offset + kUdpBytes);
  meta.ip_protocol = kProtocolUdp;
  return true;
}

// Addresses of the last packet, which the next one mostly has too, in a stream as in a flood: what they are
// to the port need not be looked up again. For as long as the tables stay.
struct LastAddresses {
  const PortNetwork* network = nullptr;
  IpAddress source, destination;
  std::uint16_t number = kNoLocalAddress;  // of the destination
  bool is_source_known = false;            // and fit
};

// Whether the packet is to an own address, from one that can be answered.
[[nodiscard, gnu::always_inline]] inline bool take_addresses(const PortNetwork& network, PacketMeta& meta,
                                                             LastAddresses& last) noexcept {
  if (last.network != &network || last.destination != meta.destination) {
    const PortAddress destination = network.addresses.find(meta.destination);
    if (destination.kind != PortAddress::Kind::Own) return false;
    last = {.network = &network, .source = {}, .destination = meta.destination, .number = destination.number};
  }
  if (!last.is_source_known || last.source != meta.source) {
    if (!is_source_fit(network, meta.source)) return false;
    last.source = meta.source;
    last.is_source_known = true;
  }
  meta.local_address = last.number;
  meta.port = network.port;
  return true;
}

// `frame` is whole. False: `meta` holds nothing of use, ask parse_packet().
[[nodiscard, gnu::always_inline]] inline bool take_ordinary_packet(std::span<const std::uint8_t> frame,
                                                                   const DevicePorts& device,
                                                                   PacketMeta& meta,
                                                                   LastAddresses& last) noexcept {
  const PortNetwork* const network = device.find(0);
  if (network == nullptr || frame.size() < kEthernetBytes + kIpv4Bytes + kUdpBytes) return false;
  const std::uint8_t* const at = frame.data();
  const std::uint64_t own = mac_number(network->mac.data());
  if (mac_number(at) != own || (at[6] & 1) != 0 || mac_number(at + 6) == own) return false;
  meta = PacketMeta{};
  if (!take_ordinary_ip(at + kEthernetBytes, frame.size() - kEthernetBytes, load16(at + 12), meta))
    return false;
  const std::uint8_t* const udp = at + meta.l4_offset;
  const std::uint16_t length = load16(udp + 4);
  meta.source_port = load16(udp);
  meta.destination_port = load16(udp + 2);
  if (meta.source_port == 0 || meta.destination_port == 0 || length < kUdpBytes || length > meta.l4_length)
    return false;
  meta.payload_length = static_cast<std::uint16_t>(length - kUdpBytes);
  return take_addresses(*network, meta, last);
}
// The same of one packet alone.
[[nodiscard]] inline bool take_ordinary_packet(std::span<const std::uint8_t> frame, const DevicePorts& device,
                                               PacketMeta& meta) noexcept {
  LastAddresses none;
  return take_ordinary_packet(frame, device, meta, none);
}

}  // namespace sallyport::dataplane
