// packet_parser_fuzz.cpp — any octets as a frame: the parser reads nothing beyond them, and what it lets
// through keeps the promises of PacketMeta.
//
// First octet of the input: how much of the frame the parser gets in one piece, whether a tag was taken off,
// and where the data is cut in two for the checksum.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "dataplane/packet/ordinary_packet.h"
#include "dataplane/packet/parse_packet.h"

using namespace sallyport;
using namespace sallyport::dataplane;

namespace {

PortTable make_ports() {
  SbcConfig config;
  config.ports.resize(2);
  config.ports[0].name = "outside";
  config.ports[0].device.kind = config.ports[1].device.kind = DeviceKind::AfPacket;
  config.ports[0].addresses = {*parse_prefix("198.18.1.1/24"), *parse_prefix("fd18:1::1/64")};
  config.ports[0].gateways = {*IpAddress::parse("198.18.1.254")};
  config.ports[1].vlan = 7;
  config.ports[1].addresses = {*parse_prefix("198.18.7.1/24")};
  const std::vector<MacAddress> macs(2, MacAddress{0x02, 0, 0, 0, 0, 1});
  return PortTable(config, macs);
}

void require(bool holds) {
  if (!holds) std::abort();
}

void check_meta(const PacketMeta& meta, std::size_t length) {
  require(meta.port != PortIndex::kNone);
  if (meta.is_arp) return;
  require(meta.l3_offset < meta.l4_offset && std::size_t{meta.l4_offset} + meta.l4_length <= length);
  require(meta.local_address != kNoLocalAddress ||
          meta.exception == policy::ExceptionKind::NeighbourDiscovery);
  if (meta.ip_protocol != kProtocolUdp || meta.is_fragment) return;
  require(meta.payload_offset == meta.l4_offset + 8 && meta.payload_length + 8 <= meta.l4_length);
  require(meta.source_port != 0 && meta.destination_port != 0);
}

// What the fragment stage does with a fragment before the table sees it.
void check_fragment(const PacketMeta& meta, std::span<const std::uint8_t> head, std::size_t length) {
  const auto packet = head.subspan(meta.l3_offset);
  const auto ip = meta.source.is_v4() ? parse_ipv4(packet, length - meta.l3_offset)
                                      : parse_ipv6(packet, length - meta.l3_offset);
  require(ip.has_value() && ip->is_fragment && ip->header_length <= ip->total_length);
  const auto data = packet.subspan(std::min<std::size_t>(ip->header_length, packet.size()));
  (void)has_whole_header_chain(ip->protocol, meta.source.is_v4(), data);
}

// In two pieces, as from two buffers, it must be the sum of one.
void add_in_pieces(InternetSum& sum, std::span<const std::uint8_t> octets, std::size_t cut) {
  InternetSum in_one = sum;
  in_one.add(octets);
  sum.add(octets.first(std::min(cut, octets.size())));
  sum.add(octets.subspan(std::min(cut, octets.size())));
  require(is_same_sum(sum.folded(), in_one.folded()));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  static const PortTable ports = make_ports();
  if (size == 0) return 0;
  const std::span<const std::uint8_t> whole(bytes + 1, size - 1);
  const bool is_chained = (bytes[0] & 1) != 0;
  const auto head = is_chained ? whole.first(std::min(whole.size(), kHeadBytes)) : whole;
  Frame frame{head, whole.size(), std::nullopt, (bytes[0] & 4) != 0};
  if ((bytes[0] & 2) != 0) frame.stripped_tag = 7;
  PacketMeta meta;
  const DevicePorts& device = ports.device(0);
  const auto parsed = parse_packet(frame, device, meta);
  if (!is_chained && !frame.stripped_tag && !frame.is_reassembled) {
    PacketMeta ordinary;
    if (take_ordinary_packet(whole, device, ordinary)) require(parsed.has_value() && ordinary == meta);
  }
  if (!parsed) {
    require(meta.port != PortIndex::kNone);
    return 0;
  }
  check_meta(meta, whole.size());
  if (meta.is_fragment) check_fragment(meta, head, whole.size());
  const auto checked =
      check_transport_sum(meta, head, device.completes_checksums(meta.port), [&](InternetSum& sum) {
        add_in_pieces(sum, whole.subspan(meta.l4_offset, checksum_length(meta)), bytes[0] >> 3);
      });
  if (checked && meta.checksum_half_done) {
    std::vector<std::uint8_t> copy(whole.begin(), whole.end());
    complete_checksum(copy, meta);
    require(check_transport_sum(meta, copy, false, [&](InternetSum& sum) {
              sum.add(std::span<const std::uint8_t>(copy).subspan(meta.l4_offset, checksum_length(meta)));
            }).has_value());
  }
  return 0;
}
