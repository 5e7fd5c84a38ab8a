// packet_builder.cpp — builds frames for tests.
#include "tests/support/packet_builder.h"

#include <cstdlib>

#include "dataplane/packet/checksum.h"
#include "dataplane/packet/wire.h"

namespace sallyport::test {
namespace {

using dataplane::InternetSum;
using dataplane::store16;
using dataplane::store32;

void append(Bytes& to, std::span<const std::uint8_t> from) { to.insert(to.end(), from.begin(), from.end()); }

void append_address(Bytes& to, const IpAddress& address) {
  append(to, std::span(address.bytes()).subspan(address.is_v4() ? 12 : 0));
}

std::uint16_t sum_of(std::string_view source, std::string_view destination, std::uint8_t protocol,
                     const Bytes& l4) {
  InternetSum sum;
  sum.add_pseudo_header(ip(source), ip(destination), protocol, static_cast<std::uint32_t>(l4.size()));
  sum.add(l4);
  return sum.checksum();
}

ListenerConfig listener(Transport transport, std::uint16_t port) {
  ListenerConfig config;
  config.transport = transport;
  config.port = port;
  return config;
}

}  // namespace

IpAddress ip(std::string_view text) {
  const auto address = IpAddress::parse(text);
  if (!address) std::abort();
  return *address;
}

Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

Bytes joined(const Bytes& first, const Bytes& second) {
  Bytes all = first;
  append(all, second);
  return all;
}

Bytes ethernet(const Bytes& payload, const EthernetFields& fields) {
  Bytes frame(fields.vlan ? 18 : 14);
  std::copy(fields.destination.begin(), fields.destination.end(), frame.begin());
  std::copy(fields.source.begin(), fields.source.end(), frame.begin() + 6);
  std::uint16_t ethertype = 0x0806;
  if (!payload.empty() && payload[0] >> 4 == 4) ethertype = 0x0800;
  if (!payload.empty() && payload[0] >> 4 == 6) ethertype = 0x86dd;
  if (fields.vlan) {
    store16(frame.data() + 12, 0x8100);
    store16(frame.data() + 14, *fields.vlan);
  }
  store16(frame.data() + frame.size() - 2, fields.ethertype.value_or(ethertype));
  append(frame, payload);
  return frame;
}

Bytes ipv4(const Bytes& payload, const Ipv4Fields& fields) {
  Bytes packet(20);
  append(packet, fields.options);
  const std::size_t header = packet.size();
  packet[0] = static_cast<std::uint8_t>(0x40 | header / 4);
  store16(packet.data() + 2, header + payload.size());
  store16(packet.data() + 4, fields.identification);
  store16(packet.data() + 6, (fields.more_fragments ? 0x2000u : 0u) | fields.fragment_offset / 8u);
  packet[8] = fields.hop_limit;
  packet[9] = fields.protocol;
  std::copy_n(ip(fields.source).bytes().begin() + 12, 4, packet.begin() + 12);
  std::copy_n(ip(fields.destination).bytes().begin() + 12, 4, packet.begin() + 16);
  InternetSum sum;
  sum.add(packet);
  store16(packet.data() + 10, sum.checksum());
  append(packet, payload);
  return packet;
}

Bytes ipv6(const Bytes& payload, const Ipv6Fields& fields) {
  Bytes packet{0x60, 0, 0, 0, 0, 0, fields.next_header, fields.hop_limit};
  store16(packet.data() + 4, payload.size());
  append(packet, ip(fields.source).bytes());
  append(packet, ip(fields.destination).bytes());
  append(packet, payload);
  return packet;
}

Bytes extension(std::uint8_t next_header, Bytes options) {
  const std::size_t padding = (8 - (options.size() + 2) % 8) % 8;
  if (padding == 1) options.push_back(0);
  if (padding > 1) {
    options.push_back(1);
    options.push_back(static_cast<std::uint8_t>(padding - 2));
    options.insert(options.end(), padding - 2, 0);
  }
  Bytes header{next_header, static_cast<std::uint8_t>((options.size() + 2) / 8 - 1)};
  append(header, options);
  return header;
}

Bytes fragment_header(const FragmentFields& fields) {
  Bytes header(8);
  header[0] = fields.next_header;
  store16(header.data() + 2, fields.offset | (fields.more ? 1u : 0u));
  store32(header.data() + 4, fields.identification);
  return header;
}

Bytes udp(const Bytes& payload, const UdpFields& fields) {
  Bytes datagram(8);
  append(datagram, payload);
  store16(datagram.data(), fields.source_port);
  store16(datagram.data() + 2, fields.destination_port);
  store16(datagram.data() + 4, fields.length.value_or(static_cast<std::uint16_t>(datagram.size())));
  std::uint16_t sum = sum_of(fields.source, fields.destination, 17, datagram);
  if (sum == 0) sum = 0xffff;
  if (fields.sum == Sum::Wrong) sum = static_cast<std::uint16_t>(sum ^ 0x1234);
  if (fields.sum == Sum::None) sum = 0;
  if (fields.sum == Sum::HalfDone) {
    InternetSum pseudo;
    pseudo.add_pseudo_header(ip(fields.source), ip(fields.destination), 17,
                             static_cast<std::uint32_t>(datagram.size()));
    sum = pseudo.folded();
  }
  store16(datagram.data() + 6, sum);
  return datagram;
}

Bytes tcp_syn(std::string_view source, std::string_view destination, std::uint16_t destination_port) {
  Bytes segment(20);
  store16(segment.data(), 40000);
  store16(segment.data() + 2, destination_port);
  segment[12] = 5 << 4;
  segment[13] = 2;
  store16(segment.data() + 16, sum_of(source, destination, 6, segment));
  return segment;
}

Bytes icmp(std::string_view source, std::string_view destination, std::uint8_t type, const Bytes& rest,
           std::uint8_t code) {
  Bytes message{type, code, 0, 0};
  append(message, rest);
  std::uint16_t sum = sum_of(source, destination, 58, message);
  if (ip(source).is_v4()) {
    InternetSum plain;
    plain.add(message);
    sum = plain.checksum();
  }
  store16(message.data() + 2, sum);
  return message;
}

Bytes neighbour_rest(std::string_view target, std::uint8_t flags) {
  Bytes rest{flags, 0, 0, 0};
  append(rest, ip(target).bytes());
  return rest;
}

Bytes arp(const ArpFields& fields) {
  Bytes packet{0, 1, 8, 0, 6, 4, 0, static_cast<std::uint8_t>(fields.operation)};
  append(packet, fields.sender_mac);
  append_address(packet, ip(fields.sender));
  packet.insert(packet.end(), 6, 0);
  append_address(packet, ip(fields.target));
  return packet;
}

Bytes sip_frame_v4(std::string_view text) { return ethernet(ipv4(udp(bytes_of(text)))); }

Bytes sip_frame_v6(std::string_view text) {
  return ethernet(ipv6(udp(bytes_of(text), {.source = "fd18:1::2", .destination = "fd18:1::1"})));
}

SbcConfig small_config() {
  SbcConfig config;
  config.ports.resize(2);
  PortConfig& outside = config.ports[0];
  outside.name = "outside";
  outside.device.kind = DeviceKind::AfPacket;
  outside.device.name = "s-out";
  outside.addresses = {*parse_prefix("198.18.1.1/24"), *parse_prefix("fd18:1::1/64")};
  outside.gateways = {ip("198.18.1.254")};
  PortConfig& tagged = config.ports[1];
  tagged.name = "tagged";
  tagged.device = outside.device;
  tagged.vlan = 7;
  tagged.checksums = ChecksumMode::Verify;
  tagged.addresses = {*parse_prefix("198.18.7.1/24")};
  config.realms.resize(2);
  config.realms[0].name = config.realms[0].port = "outside";
  config.realms[0].listen = {listener(Transport::Udp, 5060), listener(Transport::Tcp, 5060),
                             listener(Transport::Udp, 5070)};
  config.realms[1].name = "lan";
  config.realms[1].port = "tagged";
  config.realms[1].trust = RealmTrust::Trusted;
  config.realms[1].listen = {listener(Transport::Udp, 5060)};
  config.peers.resize(1);
  config.peers[0].name = "carrier";
  config.peers[0].realm = "outside";
  config.peers[0].targets = {{parse_endpoint("198.18.1.2:5060", 0), "", 0, 1},
                             {parse_endpoint("[fd18:1::2]:5060", 0), "", 0, 1}};
  config.security.access = {{*parse_prefix("192.0.2.0/24"), "", AccessAction::Deny}};
  config.dataplane.capacity.sources = 4096;
  return config;
}

dataplane::PortTable ports_of(const SbcConfig& config) {
  const std::vector<dataplane::MacAddress> macs(config.ports.size(), kOurMac);
  return dataplane::PortTable(config, macs);
}

}  // namespace sallyport::test
