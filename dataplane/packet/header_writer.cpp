// header_writer.cpp — headers of the datagrams that Sallyport sends.
#include "dataplane/packet/header_writer.h"

#include <algorithm>
#include <cstring>

#include "dataplane/packet/checksum.h"
#include "dataplane/packet/ethernet.h"
#include "dataplane/packet/ip_header.h"
#include "dataplane/packet/udp_header.h"
#include "dataplane/packet/wire.h"

namespace sallyport::dataplane {
namespace {

void write_ipv4(std::uint8_t* at, const PacketMeta& meta, const HeaderFields& fields,
                std::size_t udp_length) noexcept {
  at[0] = 0x45;
  at[1] = static_cast<std::uint8_t>(fields.dscp << 2);
  store16(at + 2, kIpv4Bytes + udp_length);
  store16(at + 4, fields.identification);
  store16(at + 6, fields.dont_fragment ? 0x4000 : 0);
  at[8] = fields.hop_limit;
  at[9] = kProtocolUdp;
  store16(at + 10, 0);
  std::memcpy(at + 12, meta.source.bytes().data() + 12, 4);
  std::memcpy(at + 16, meta.destination.bytes().data() + 12, 4);
  InternetSum sum;
  sum.add({at, kIpv4Bytes});
  store16(at + 10, sum.checksum());
}

void write_ipv6(std::uint8_t* at, const PacketMeta& meta, const HeaderFields& fields,
                std::size_t udp_length) noexcept {
  store32(at, 0x60000000u | std::uint32_t{fields.dscp} << 22);  // flow label 0: RFC 6437 §3 lets it be
  store16(at + 4, udp_length);
  at[6] = kProtocolUdp;
  at[7] = fields.hop_limit;
  std::memcpy(at + 8, meta.source.bytes().data(), 16);
  std::memcpy(at + 24, meta.destination.bytes().data(), 16);
}

void write_udp(std::uint8_t* at, const PacketMeta& meta, std::size_t udp_length,
               std::span<const Octets> payload) noexcept {
  store16(at, meta.source_port);
  store16(at + 2, meta.destination_port);
  store16(at + 4, udp_length);
  store16(at + 6, 0);
  InternetSum sum;
  sum.add_pseudo_header(meta.source, meta.destination, kProtocolUdp, static_cast<std::uint32_t>(udp_length));
  sum.add({at, kUdpBytes});
  for (const Octets& piece : payload) sum.add(piece);
  const std::uint16_t checksum = sum.checksum();
  store16(at + 6, checksum == 0 ? 0xffff : checksum);  // RFC 768: 0 would mean none
}

}  // namespace

std::size_t ethernet_size(bool is_tagged) noexcept {
  return kEthernetBytes + (is_tagged ? kVlanTagBytes : 0);
}

std::size_t headers_size(const PacketMeta& meta, bool is_tagged) noexcept {
  return ethernet_size(is_tagged) + (meta.source.is_v4() ? kIpv4Bytes : kIpv6Bytes) + kUdpBytes;
}

void write_ethernet(std::span<std::uint8_t> head_room, const HeaderFields& fields,
                    std::uint16_t ethertype) noexcept {
  std::uint8_t* at = head_room.data();
  std::copy(fields.destination.begin(), fields.destination.end(), at);
  std::copy(fields.source.begin(), fields.source.end(), at + 6);
  at += 12;
  if (fields.vlan) {
    store16(at, kEthertypeVlan);
    store16(at + 2, *fields.vlan & 0x0fffu);
    at += kVlanTagBytes;
  }
  store16(at, ethertype);
}

void write_headers(std::span<std::uint8_t> head_room, PacketMeta& meta, const HeaderFields& fields,
                   std::span<const Octets> payload) noexcept {
  const bool is_v4 = meta.source.is_v4();
  std::size_t udp_length = kUdpBytes;
  for (const Octets& piece : payload) udp_length += piece.size();
  meta.l3_offset = static_cast<std::uint16_t>(ethernet_size(fields.vlan.has_value()));
  meta.l4_offset = static_cast<std::uint16_t>(meta.l3_offset + (is_v4 ? kIpv4Bytes : kIpv6Bytes));
  meta.payload_offset = static_cast<std::uint16_t>(meta.l4_offset + kUdpBytes);
  meta.payload_length = static_cast<std::uint16_t>(udp_length - kUdpBytes);
  meta.l4_length = static_cast<std::uint16_t>(udp_length);
  meta.ip_protocol = kProtocolUdp;
  write_ethernet(head_room, fields, is_v4 ? kEthertypeIpv4 : kEthertypeIpv6);
  std::uint8_t* l3 = head_room.data() + meta.l3_offset;
  if (is_v4) {
    write_ipv4(l3, meta, fields, udp_length);
  } else {
    write_ipv6(l3, meta, fields, udp_length);
  }
  write_udp(head_room.data() + meta.l4_offset, meta, udp_length, payload);
}

}  // namespace sallyport::dataplane
