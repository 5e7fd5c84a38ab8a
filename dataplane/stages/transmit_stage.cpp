// transmit_stage.cpp — next hop, headers, fragments, VLAN tag, burst.
#include "dataplane/stages/transmit_stage.h"

#include <rte_ethdev.h>

#include <algorithm>
#include <cstring>

#include "dataplane/dpdk/mbuf_ptr.h"
#include "dataplane/packet/ethernet.h"
#include "dataplane/packet/header_writer.h"
#include "dataplane/packet/parse_mbuf.h"
#include "dataplane/packet/wire.h"
#include "dataplane/stages/transmit_fragments.h"

namespace sallyport::dataplane {
namespace {

DropReason reason_of(FromStream::Kind kind) noexcept {
  return kind == FromStream::Kind::NoRoute ? DropReason::NoRoute : DropReason::NoNeighbour;
}

// Puts a tag between the MACs and the ethertype. IEEE 802.1Q §9. False: no headroom.
bool insert_tag(rte_mbuf& frame, std::uint16_t vlan) noexcept {
  auto* start = reinterpret_cast<std::uint8_t*>(rte_pktmbuf_prepend(&frame, kVlanTagBytes));
  if (start == nullptr) return false;
  std::memmove(start, start + kVlanTagBytes, 12);
  store16(start + 12, kEthertypeVlan);
  store16(start + 14, vlan);
  return true;
}

// False: no headroom, or more segments than a datagram can have.
bool put_headers(rte_mbuf& packet, const HeaderFields& fields) noexcept {
  std::array<Octets, kFragmentsOfOneMax> pieces;
  std::size_t count = 0;
  for (const rte_mbuf* segment = &packet; segment != nullptr; segment = segment->next) {
    if (count == pieces.size()) return false;
    pieces[count++] = {rte_pktmbuf_mtod(segment, const std::uint8_t*), segment->data_len};
  }
  PacketMeta& meta = *meta_of(&packet);
  const std::size_t size = headers_size(meta, fields.vlan.has_value());
  auto* room =
      reinterpret_cast<std::uint8_t*>(rte_pktmbuf_prepend(&packet, static_cast<std::uint16_t>(size)));
  if (room == nullptr) return false;
  write_headers({room, size}, meta, fields, {pieces.data(), count});
  return true;
}

}  // namespace

TransmitStage::TransmitStage(const TransmitSetup& setup)
    : setup_(setup),
      next_hops_(setup.next_hops_max, setup.ports.size(), setup.key),
      queues_(setup.devices.size()),
      identification_(static_cast<std::uint32_t>(setup.key.k0)) {}

TransmitStage::~TransmitStage() {
  for (DeviceQueue& queue : queues_)
    for (std::size_t i = 0; i < queue.count; ++i) rte_pktmbuf_free(queue.waiting[i].packet);
}

void TransmitStage::send_datagram(Timestamp now, const ShardOutput& datagram) noexcept {
  route(now, datagram, true);
}

NextHop TransmitStage::next_hop(Timestamp now, PortIndex port, const IpAddress& destination) noexcept {
  const NextHop hop = next_hops_.look_up(now, port, destination);
  if (hop.ask) {
    ToStream question;
    question.kind = ToStream::Kind::Resolve;
    question.port = port;
    question.destination = destination;
    has_asked_ |= setup_.to_stream->send(question);  // lost: asked again by time
  }
  return hop;
}

// Else a burst to a peer nothing was sent to yet would overflow its place in the hold queue.
void TransmitStage::ask_ahead(Timestamp now, PortIndex port) noexcept {
  for (const Neighbour& neighbour : setup_.asked_ahead) {
    if (neighbour.port != port) continue;
    if (setup_.devices[setup_.ports[to_position(port)].device].queue)
      (void)next_hop(now, port, neighbour.address);
  }
}

void TransmitStage::route(Timestamp now, const ShardOutput& datagram, bool may_hold) noexcept {
  const PacketMeta& meta = *meta_of(datagram.packet);
  const NextHop hop = next_hop(now, meta.port, meta.destination);
  switch (hop.verdict) {
    case NextHop::Verdict::Send:
      return send_to(datagram, hop);
    case NextHop::Verdict::Hold:
      if (!may_hold || !hold_.push(now, meta.port, meta.destination, datagram))
        drop(meta.port, datagram.packet, DropReason::HoldQueueFull);
      return;
    case NextHop::Verdict::NoRoute:
      return give_up(datagram.packet, DropReason::NoRoute);
    case NextHop::Verdict::NoNeighbour:
      return give_up(datagram.packet, DropReason::NoNeighbour);
  }
}

void TransmitStage::send_to(const ShardOutput& datagram, const NextHop& hop) noexcept {
  MbufPtr packet(datagram.packet);
  const PortIndex index = meta_of(packet.get())->port;
  const TransmitPort& port = setup_.ports[to_position(index)];
  const std::uint32_t identification = ++identification_;
  HeaderFields fields;
  fields.destination = hop.mac;
  fields.source = port.mac;
  fields.dscp = datagram.dscp;
  if (port.vlan != 0) fields.vlan = port.vlan;
  fields.identification = static_cast<std::uint16_t>(identification);
  if (!put_headers(*packet.get(), fields)) return drop(index, packet.release(), DropReason::NoBuffer);
  const PacketMeta& meta = *meta_of(packet.get());
  const std::uint16_t mtu = hop.mtu == 0 ? port.mtu : std::min(hop.mtu, port.mtu);
  if (packet->pkt_len <= std::uint32_t{meta.l3_offset} + mtu)
    return send_frame(index, packet.release(), meta.packet_class);
  std::array<rte_mbuf*, kFragmentsOfOneMax> fragments{};
  const auto count =
      cut_into_fragments(*packet.get(), {meta.l3_offset, mtu, identification}, *setup_.pool, fragments);
  if (!count) return drop(index, packet.release(), count.error());
  for (std::size_t i = 0; i < *count; ++i) send_frame(index, fragments[i], meta.packet_class);
}

void TransmitStage::on_stream(Timestamp now, const FromStream& message) noexcept {
  if (message.kind == FromStream::Kind::Packet) return send_from_tap(message.port, message.packet);
  next_hops_.on_message(now, message);
  if (message.kind == FromStream::Kind::Changed) return ask_ahead(now, message.port);
  if (hold_.empty()) return;
  const auto is_waiting_for_it = [&](const HoldQueue::Held& held) {
    return held.port == message.port && held.destination == message.destination;
  };
  hold_.release_if(is_waiting_for_it, [&](const HoldQueue::Held& held) {
    if (message.kind == FromStream::Kind::NextHop)
      route(now, held.datagram, false);
    else
      give_up(held.datagram.packet, reason_of(message.kind));
  });
}

// From Linux in the port's namespace; it knows no tags.
void TransmitStage::send_from_tap(PortIndex port, rte_mbuf* frame) noexcept {
  const TransmitPort& way = setup_.ports[to_position(port)];
  if (frame->pkt_len > kEthernetBytes + std::size_t{way.mtu}) return drop(port, frame, DropReason::TooBig);
  if (way.vlan != 0 && !insert_tag(*frame, way.vlan)) return drop(port, frame, DropReason::NoBuffer);
  send_frame(port, frame, PacketClass::Exception);
}

void TransmitStage::send_frame(PortIndex port, rte_mbuf* frame, PacketClass packet_class) noexcept {
  const std::size_t device = setup_.ports[to_position(port)].device;
  if (!setup_.devices[device].queue && setup_.devices[device].sender != nullptr)
    return hand_over(port, frame, packet_class);
  DeviceQueue& queue = queues_[device];
  if (queue.count == queue.waiting.size()) flush(device);
  queue.waiting[queue.count++] = {frame, frame->pkt_len, port, packet_class};
}

// Counted as sent by the lcore that sends it.
void TransmitStage::hand_over(PortIndex port, rte_mbuf* frame, PacketClass packet_class) noexcept {
  PacketMeta& meta = *meta_of(frame);
  meta.port = port;
  meta.packet_class = packet_class;
  const std::size_t device = setup_.ports[to_position(port)].device;
  if (!setup_.devices[device].sender->send({frame, true}, Passage::Ours))
    drop(port, frame, no_room_in(Passage::Ours));
}

void TransmitStage::flush() noexcept {
  for (std::size_t device = 0; device < queues_.size(); ++device)
    if (queues_[device].count != 0) flush(device);
}

// What the device does not take at the second try is dropped: waiting would hold up everybody behind it.
void TransmitStage::flush(std::size_t device) noexcept {
  DeviceQueue& queue = queues_[device];
  const TransmitDevice& to = setup_.devices[device];
  std::array<rte_mbuf*, kBurstMax> packets{};
  for (std::size_t i = 0; i < queue.count; ++i) packets[i] = queue.waiting[i].packet;
  std::size_t sent = 0;
  const bool may_send = to.queue && (to.gate == nullptr || to.gate->may_use());
  for (int attempt = 0; may_send && attempt < 2 && sent < queue.count; ++attempt) {
    sent += rte_eth_tx_burst(to.id, *to.queue, packets.data() + sent,
                             static_cast<std::uint16_t>(queue.count - sent));
  }
  for (std::size_t i = 0; i < queue.count; ++i) {
    const Outgoing& outgoing = queue.waiting[i];
    PortCounters& counters = setup_.counters[to_position(outgoing.port)];
    const auto packet_class = static_cast<std::size_t>(outgoing.packet_class);
    if (i >= sent) {
      drop(outgoing.port, outgoing.packet, DropReason::DeviceQueueFull);
      continue;
    }
    counters.tx_packets[packet_class].add();
    counters.tx_bytes[packet_class].add(outgoing.bytes);
  }
  queue.count = 0;
}

void TransmitStage::on_time(Timestamp now) noexcept {
  if (!std::exchange(has_asked_ahead_, true))
    for (std::size_t port = 0; port < setup_.ports.size(); ++port) ask_ahead(now, PortIndex(port));
  if (hold_.empty() || now < next_tick_) return;
  next_tick_ = now + kTick;
  hold_.release_if(
      [now](const HoldQueue::Held& held) { return held.until <= now; },
      [this](const HoldQueue::Held& held) { give_up(held.datagram.packet, DropReason::NoNeighbour); });
}

void TransmitStage::give_up(rte_mbuf* datagram, DropReason reason) noexcept {
  const PacketMeta& meta = *meta_of(datagram);
  const Unreachable lost{
      meta.realm, {meta.source, meta.source_port}, {meta.destination, meta.destination_port}};
  const bool is_told = setup_.unreachable == nullptr || setup_.unreachable->tell_all(lost);
  drop(meta.port, datagram, is_told ? reason : DropReason::ShardRingFull);
}

void TransmitStage::drop(PortIndex port, rte_mbuf* packet, DropReason reason) noexcept {
  setup_.counters[to_position(port)].dropped.add(reason);
  rte_pktmbuf_free(packet);
}

}  // namespace sallyport::dataplane
