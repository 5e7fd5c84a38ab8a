// media_hairpin.cpp — from one of our streams into another. No more often than media::kHairpinsMax: the relay
// drops what goes round.
#include "dataplane/stages/media_hairpin.h"

#include <rte_mbuf.h>

#include <cstring>
#include <utility>

#include "dataplane/packet/datagram_mbuf.h"
#include "dataplane/packet/parse_mbuf.h"
#include "media-relay/control/port_pool.h"

namespace sallyport::dataplane {
namespace {

void copy_of(const rte_mbuf& packet, std::uint8_t* to) noexcept {
  const void* const bytes = rte_pktmbuf_read(&packet, 0, packet.pkt_len, to);
  if (bytes != to) std::memcpy(to, bytes, packet.pkt_len);
}

}  // namespace

MediaHairpin::MediaHairpin(Setup setup)
    : setup_(std::move(setup)), scratch_(std::make_unique<std::uint8_t[]>(kDatagramMax)) {}

void MediaHairpin::send(Timestamp now, rte_mbuf* packet, media::RelayResult forwarded) noexcept {
  send_after(now, {.packet = packet}, forwarded);
}

void MediaHairpin::send_after(Timestamp now, const HandedOver& message,
                              media::RelayResult forwarded) noexcept {
  HandedOver next = message;
  for (;;) {
    const media::Outgoing by = setup_.relay.outgoing(forwarded.out);
    if (!by.is_own) return setup_.sender.send_payload(now, next.packet, forwarded);
    *meta_of(next.packet) = setup_.sender.meta_of_way(by);
    ++next.hairpins;
    const std::size_t lcores = setup_.to_lcores.size();
    const std::size_t owner = lcores > 1 ? media::lcore_of(by.destination.port, lcores) : setup_.own;
    if (owner != setup_.own) return hand_over(next, owner);
    const auto passed = come_in(now, next, by);
    if (!passed) return;
    forwarded = *passed;
  }
}

void MediaHairpin::on_handed_over(Timestamp now, const HandedOver& message) noexcept {
  HandedOver next = message;
  const PacketMeta& meta = *meta_of(next.packet);
  const media::Outgoing by{.source = {meta.source, meta.source_port},
                           .destination = {meta.destination, meta.destination_port},
                           .realm = meta.realm,
                           .is_own = true};
  if (const auto forwarded = come_in(now, next, by)) send_after(now, next, *forwarded);
}

// What the relay says when it goes on; nothing: it ended here, and the packet is gone.
std::optional<media::RelayResult> MediaHairpin::come_in(Timestamp now, HandedOver& message,
                                                        const media::Outgoing& by) noexcept {
  rte_mbuf* const packet = message.packet;
  const bool is_whole = packet->nb_segs == 1;
  std::span<std::uint8_t> payload{scratch_.get(), packet->pkt_len};
  if (is_whole)
    payload = {rte_pktmbuf_mtod(packet, std::uint8_t*), packet->pkt_len};
  else
    copy_of(*packet, scratch_.get());
  if (setup_.tap != nullptr && setup_.tap->is_wanted() && setup_.tap->wants(by.destination.port)) {
    MediaHead head;
    head.at = now;
    head.remote = by.source;
    head.local = by.destination;
    setup_.tap->add(setup_.own, head, payload);
  }
  const std::size_t capacity = is_whole ? std::size_t{packet->buf_len} - packet->data_off : kDatagramMax;
  const media::RelayResult result = setup_.relay.on_own_packet(now, by, message.hairpins, payload, capacity);
  if (result.kind == media::RelayResult::Kind::Drop) {
    drop(packet, DropReason::MediaRefused);
    return std::nullopt;
  }
  if (result.kind == media::RelayResult::Kind::Consumed) {
    rte_pktmbuf_free(packet);
    return std::nullopt;
  }
  if (result.payload_changed && !cut(message, result.length)) return std::nullopt;
  return result;
}

// The payload was written anew, where it lay or in scratch_.
bool MediaHairpin::cut(HandedOver& message, std::size_t length) noexcept {
  rte_mbuf* const packet = message.packet;
  if (packet->nb_segs == 1) {
    packet->data_len = static_cast<std::uint16_t>(length);
    packet->pkt_len = static_cast<std::uint32_t>(length);
    return true;
  }
  message.packet = datagram_mbuf({reinterpret_cast<const char*>(scratch_.get()), length}, *setup_.pool);
  if (message.packet == nullptr) {
    drop(packet, DropReason::NoBuffer);
    return false;
  }
  *meta_of(message.packet) = *meta_of(packet);
  rte_pktmbuf_free(packet);
  return true;
}

void MediaHairpin::hand_over(const HandedOver& message, std::size_t owner) noexcept {
  if (!setup_.to_lcores[owner]->send(message, Passage::Ours)) drop(message.packet, no_room_in(Passage::Ours));
}

void MediaHairpin::drop(rte_mbuf* packet, DropReason reason) noexcept {
  setup_.counters[to_position(meta_of(packet)->port)].dropped.add(reason);
  rte_pktmbuf_free(packet);
}

}  // namespace sallyport::dataplane
