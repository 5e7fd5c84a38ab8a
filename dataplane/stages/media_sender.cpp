// media_sender.cpp — headers of relayed packets.
#include "dataplane/stages/media_sender.h"

#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include <algorithm>
#include <cstring>

#include "dataplane/packet/ip_header.h"
#include "dataplane/packet/parse_mbuf.h"
#include "dataplane/packet/udp_header.h"

namespace sallyport::dataplane {
namespace {

// What a device said of the packet that came is not true of the one that leaves; how the buffer is owned is.
constexpr std::uint64_t kKeptFlags = RTE_MBUF_F_INDIRECT | RTE_MBUF_F_EXTERNAL;

}  // namespace

MediaSender::MediaSender(const media::Relay& relay, TransmitStage& transmit,
                         std::vector<PortIndex> port_of_realm)
    : relay_(relay),
      transmit_(transmit),
      first_ports_(std::move(port_of_realm)),
      ways_(place_of(relay.out_flows_max() + 1)) {}

PacketMeta MediaSender::meta_of_way(const media::Outgoing& outgoing) const noexcept {
  PacketMeta meta;
  meta.source = outgoing.source.address;
  meta.source_port = outgoing.source.port;
  meta.destination = outgoing.destination.address;
  meta.destination_port = outgoing.destination.port;
  meta.port = (*port_of_realm_)[to_position(outgoing.realm)];
  meta.realm = outgoing.realm;
  meta.ip_protocol = kProtocolUdp;
  meta.packet_class = PacketClass::Media;
  return meta;
}

void MediaSender::prefetch(media::OutFlow out) const noexcept {
  const auto* const way = reinterpret_cast<const std::byte*>(&ways_[place_of(out)]);
  rte_prefetch0(way);
  rte_prefetch0(way + 64);
}

bool MediaSender::refresh(Timestamp now, Way& way, const media::RelayResult& forwarded) noexcept {
  const media::Outgoing outgoing = relay_.outgoing(forwarded.out);
  const bool is_only_old =
      way.version == forwarded.out_version && way.hops_version == transmit_.next_hops_version();
  way.version = 0;
  way.port = (*port_of_realm_)[to_position(outgoing.realm)];
  if (outgoing.is_own) {
    way.mtu = 0;
    way.refresh_at = now + kRefreshEvery;
    way.hops_version = transmit_.next_hops_version();
    way.version = forwarded.out_version;
    return true;
  }
  const NextHop hop = transmit_.next_hop(now, way.port, outgoing.destination.address);
  if (is_only_old && hop.verdict == NextHop::Verdict::Hold) {
    // More destinations than the cache of next hops remembers: what was true a second ago is used until the
    // answer comes.
    way.version = forwarded.out_version;
    way.refresh_at = now + kRefreshEvery;
    return true;
  }
  if (hop.verdict != NextHop::Verdict::Send) return false;
  const TransmitPort& port = transmit_.port(way.port);
  HeaderFields fields;
  fields.destination = hop.mac;
  fields.source = port.mac;
  fields.dscp = outgoing.dscp.value;
  if (port.vlan != 0) fields.vlan = port.vlan;
  way.headers = HeaderTemplate(meta_of_way(outgoing), fields);
  way.mtu = hop.mtu == 0 ? port.mtu : std::min(hop.mtu, port.mtu);
  way.refresh_at = now + kRefreshEvery;
  way.hops_version = transmit_.next_hops_version();
  way.version = forwarded.out_version;
  return true;
}

// The checksum follows the headers that change; the payload is not read. So a packet that was damaged on its
// way to us leaves with a checksum that is as wrong as before, and its receiver sees it. Only where there is
// none yet (half done, or none at all before IPv6, which wants one), or where the relay has made another
// payload of it, it is made here. RFC 1624, RFC 8200 §8.1
std::uint16_t MediaSender::checksum_of(const rte_mbuf& packet, const PacketMeta& meta,
                                       const HeaderTemplate& headers,
                                       const media::RelayResult& forwarded) noexcept {
  const auto* const frame = rte_pktmbuf_mtod(&packet, const std::uint8_t*);
  if (forwarded.payload_changed)
    return whole_checksum(headers.sum(), {frame + meta.payload_offset, forwarded.length});
  const std::uint8_t* const ip = frame + meta.l3_offset;
  const std::uint8_t* const udp = frame + meta.l4_offset;
  std::uint16_t written = 0;
  std::memcpy(&written, udp + 6, sizeof written);
  const auto udp_length = static_cast<std::uint16_t>(kUdpBytes + meta.payload_length);
  if (written == 0 && headers.is_v4()) return 0;  // RFC 768: the sender made none
  const bool is_missing = written == 0 || meta.checksum_half_done ||
                          (meta.may_be_half_done && is_half_done(written, ip, udp_length));
  if (is_missing) return whole_checksum(headers.sum(), {frame + meta.payload_offset, meta.payload_length});
  return moved_checksum(written, flow_sum(ip, udp), headers.sum());
}

bool MediaSender::send_in_place(Timestamp now, rte_mbuf& packet, const PacketMeta& meta,
                                const media::RelayResult& forwarded) noexcept {
  Way& way = ways_[place_of(forwarded.out)];
  const bool is_good = way.version == forwarded.out_version && now < way.refresh_at &&
                       way.hops_version == transmit_.next_hops_version();
  if (!is_good && !refresh(now, way, forwarded)) return false;
  const HeaderTemplate& headers = way.headers;
  if (headers.ip_and_udp_size() + forwarded.length > way.mtu) return false;
  const std::size_t data_offset = std::size_t{packet.data_off} + meta.payload_offset;
  if (data_offset < headers.size()) return false;
  const std::uint16_t checksum = checksum_of(packet, meta, headers, forwarded);
  const auto udp_length = static_cast<std::uint16_t>(kUdpBytes + forwarded.length);
  headers.write_before(static_cast<std::uint8_t*>(packet.buf_addr) + data_offset, udp_length,
                       ++identification_, checksum);
  packet.data_off = static_cast<std::uint16_t>(data_offset - headers.size());
  packet.data_len = static_cast<std::uint16_t>(headers.size() + forwarded.length);
  packet.pkt_len = packet.data_len;
  packet.ol_flags &= kKeptFlags;
  transmit_.send_frame(way.port, &packet, PacketClass::Media);
  return true;
}

void MediaSender::send_payload(Timestamp now, rte_mbuf* packet,
                               const media::RelayResult& forwarded) noexcept {
  const media::Outgoing outgoing = relay_.outgoing(forwarded.out);
  packet->ol_flags &= kKeptFlags;
  *meta_of(packet) = meta_of_way(outgoing);
  transmit_.send_datagram(now, {packet, outgoing.dscp.value});
}

}  // namespace sallyport::dataplane
