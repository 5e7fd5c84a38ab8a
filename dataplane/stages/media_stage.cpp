// media_stage.cpp — packets of streams: RFC 3550, RFC 768, RFC 5761 §4.
#include "dataplane/stages/media_stage.h"

#include <rte_mbuf.h>

#include <array>
#include <cstring>

#include "dataplane/dpdk/mbuf_ptr.h"
#include "dataplane/packet/datagram_mbuf.h"
#include "dataplane/packet/ip_header.h"
#include "dataplane/packet/parse_mbuf.h"
#include "dataplane/pipeline/stage.h"
#include "media-relay/control/port_pool.h"

namespace sallyport::dataplane {
namespace {

static_assert(Stage<MediaStage>);

// Octets that the relay may use for a payload in this buffer.
std::size_t room_of(const rte_mbuf& packet, const PacketMeta& meta) noexcept {
  return std::size_t{packet.buf_len} - packet.data_off - meta.payload_offset;
}

// The relay reads and rewrites RTCP, so what is in it must be what was sent; RTP it only passes on.
// RFC 5761 §4
bool may_be_rtcp(const PacketMeta& meta, std::span<const std::uint8_t> payload) noexcept {
  return meta.destination_port % 2 != 0 || (payload.size() > 1 && (payload[1] & 0xe0) == 0xc0);
}

// IPv6 has no UDP without a checksum. RFC 8200 §8.1
bool lacks_checksum(const rte_mbuf& packet, const PacketMeta& meta) noexcept {
  if (!meta.checksum_pending || meta.source.is_v4() || packet.nb_segs != 1) return false;
  const auto* const udp = rte_pktmbuf_mtod_offset(&packet, const std::uint8_t*, meta.l4_offset);
  return udp[6] == 0 && udp[7] == 0;
}

}  // namespace

MediaStage::MediaStage(Setup setup)
    : setup_(std::move(setup)), scratch_(std::make_unique<std::uint8_t[]>(kDatagramMax)) {}

void MediaStage::process(Timestamp now, Burst& burst) noexcept {
  std::array<Found, kBurstMax> found;
  std::size_t count = 0;
  for (std::size_t i = 0; i < burst.count; ++i) {
    if (burst.verdicts[i] != Verdict::Continue) continue;
    const PacketMeta& meta = *burst.meta[i];
    if (meta.ip_protocol != kProtocolUdp || meta.is_fragment || meta.is_arp) continue;
    const media::FlowRef flow = setup_.relay.find(meta.local_address, meta.destination_port);
    if (flow.is_flow()) {
      setup_.relay.prefetch(flow);
      setup_.sender.prefetch(media::Relay::out_of(flow));
      found[count++] = {static_cast<std::uint8_t>(i), flow};
    } else if (meta.was_fragmented && setup_.to_lcores.size() > 1) {
      hand_over(burst, i);
    }
  }
  if (count != 0 && setup_.tap != nullptr && setup_.tap->is_wanted())
    show(now, burst, std::span(found).first(count));
  relay_some(now, burst, std::span(found).first(count));
}

// To a capture, before the relay rewrites anything.
void MediaStage::show(Timestamp now, const Burst& burst, std::span<const Found> found) noexcept {
  for (const Found& one : found) {
    const PacketMeta& meta = *burst.meta[one.place];
    if (!setup_.tap->wants(meta.destination_port)) continue;
    MediaHead head;
    head.at = now;
    head.remote = {meta.source, meta.source_port};
    head.local = {meta.destination, meta.destination_port};
    setup_.tap->add(setup_.own, head, payload_of(*burst.packets[one.place], meta));
  }
}

// Fragments have no port to go by: they are put together by the lcore that owns their source.
void MediaStage::hand_over(Burst& burst, std::size_t i) noexcept {
  const PacketMeta& meta = *burst.meta[i];
  if (!setup_.ranges->is_media(meta)) return;
  const std::size_t owner = media::lcore_of(meta.destination_port, setup_.to_lcores.size());
  if (owner == setup_.own) return;
  if (setup_.to_lcores[owner]->send({burst.packets[i]}, Passage::Media))
    burst.verdicts[i] = Verdict::Consumed;
  else
    burst.drop(i, no_room_in(Passage::Media));
}

// In order but for those in several segments, of which only one at a time can be made whole.
void MediaStage::relay_some(Timestamp now, Burst& burst, std::span<const Found> found) noexcept {
  std::size_t count = 0;
  for (const Found& one : found) {
    if (burst.packets[one.place]->nb_segs != 1) [[unlikely]] {
      relay_scattered(now, burst, one);
    } else if (bring(burst, one, packets_[count])) {
      places_[count++] = one.place;
    }
  }
  setup_.relay.on_burst(now, std::span(packets_).first(count));
  for (std::size_t k = 0; k < count; ++k) carry_out(now, burst, places_[k], packets_[k].result);
}

void MediaStage::relay_scattered(Timestamp now, Burst& burst, const Found& found) noexcept {
  media::RelayPacket one;
  if (!bring(burst, found, one)) return;
  setup_.relay.on_burst(now, {&one, 1});
  carry_out(now, burst, found.place, one.result);
}

// False: it was dropped.
bool MediaStage::bring(Burst& burst, const Found& found, media::RelayPacket& one) noexcept {
  const std::size_t i = found.place;
  rte_mbuf& packet = *burst.packets[i];
  PacketMeta& meta = *burst.meta[i];
  meta.packet_class = PacketClass::Media;
  if (lacks_checksum(packet, meta)) {
    burst.drop(i, DropReason::BadL4Checksum);
    return false;
  }
  one.payload = payload_of(packet, meta);
  if (may_be_rtcp(meta, one.payload) || setup_.relay.must_be_whole(found.flow)) {
    const auto verified = verify_pending_checksum(&packet, meta);
    if (!verified) {
      burst.drop(i, verified.error());
      return false;
    }
  }
  one.flow = found.flow;
  one.source = {meta.source, meta.source_port};
  one.capacity = packet.nb_segs == 1 ? room_of(packet, meta) : kDatagramMax;
  return true;
}

void MediaStage::carry_out(Timestamp now, Burst& burst, std::size_t i,
                           const media::RelayResult& result) noexcept {
  switch (result.kind) {
    case media::RelayResult::Kind::Drop:
      return burst.drop(i, DropReason::MediaRefused);
    case media::RelayResult::Kind::Consumed:
      count(burst, i);
      rte_pktmbuf_free(burst.packets[i]);
      burst.verdicts[i] = Verdict::Consumed;
      return;
    case media::RelayResult::Kind::Forward:
      return forward(now, burst, i, result);
  }
}

void MediaStage::forward(Timestamp now, Burst& burst, std::size_t i,
                         const media::RelayResult& result) noexcept {
  has_forwarded_ = true;
  rte_mbuf& packet = *burst.packets[i];
  const PacketMeta& meta = *burst.meta[i];
  const auto port = to_position(meta.port);
  const std::uint32_t bytes = packet.pkt_len;
  const bool is_plain = packet.nb_segs == 1 && !result.is_rtcp;
  if (!is_plain || !setup_.sender.send_in_place(now, packet, meta, result))
    return forward_payload(now, burst, i, result);
  burst.verdicts[i] = Verdict::Consumed;
  PortCounters& counters = setup_.counters[port];
  counters.rx_packets[static_cast<std::size_t>(PacketClass::Media)].add();
  counters.rx_bytes[static_cast<std::size_t>(PacketClass::Media)].add(bytes);
}

// Reports, long packets and those in several segments, and the first ones to a next hop not known yet. Their
// checksum is made anew, so it must have been right.
void MediaStage::forward_payload(Timestamp now, Burst& burst, std::size_t i,
                                 const media::RelayResult& result) noexcept {
  rte_mbuf* packet = burst.packets[i];
  PacketMeta& meta = *burst.meta[i];
  if (!result.payload_changed) {
    const auto verified = verify_pending_checksum(packet, meta);
    if (!verified) return burst.drop(i, verified.error());
  }
  if (packet->nb_segs == 1) {
    count(burst, i);
    packet->data_off = static_cast<std::uint16_t>(packet->data_off + meta.payload_offset);
    packet->data_len = static_cast<std::uint16_t>(result.length);
    packet->pkt_len = result.length;
  } else {
    rte_mbuf* const whole =
        datagram_mbuf({reinterpret_cast<const char*>(scratch_.get()), result.length}, *setup_.pool);
    if (whole == nullptr) return burst.drop(i, DropReason::NoBuffer);
    count(burst, i);
    rte_pktmbuf_free(packet);
    packet = whole;
  }
  burst.verdicts[i] = Verdict::Consumed;
  setup_.hairpin.send(now, packet, result);
}

std::span<std::uint8_t> MediaStage::payload_of(const rte_mbuf& packet, const PacketMeta& meta) noexcept {
  if (packet.nb_segs == 1)
    return {rte_pktmbuf_mtod_offset(&packet, std::uint8_t*, meta.payload_offset), meta.payload_length};
  const void* const bytes =
      rte_pktmbuf_read(&packet, meta.payload_offset, meta.payload_length, scratch_.get());
  if (bytes == nullptr) return {};
  if (bytes != scratch_.get()) std::memcpy(scratch_.get(), bytes, meta.payload_length);
  return {scratch_.get(), meta.payload_length};
}

// The worker counts only what is still there after the stages.
void MediaStage::count(const Burst& burst, std::size_t i) noexcept {
  PortCounters& counters = setup_.counters[to_position(burst.meta[i]->port)];
  counters.rx_packets[static_cast<std::size_t>(PacketClass::Media)].add();
  counters.rx_bytes[static_cast<std::size_t>(PacketClass::Media)].add(burst.packets[i]->pkt_len);
}

}  // namespace sallyport::dataplane
