// tap_port.cpp — frames between mbufs and a tap.
#include "dataplane/stream/tap_port.h"

#include <rte_mbuf.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <new>

#include "dataplane/dpdk/mbuf_ptr.h"
#include "dataplane/packet/ip_header.h"
#include "dataplane/packet/udp_header.h"
#include "dataplane/packet/wire.h"

namespace sallyport::dataplane {
namespace {

constexpr std::size_t kSegmentsMax = 16;  // of the smallest buffers, more than the longest frame takes
constexpr auto kExceptionClass = static_cast<std::size_t>(PacketClass::Exception);
constexpr std::size_t kEthernetBytes = 14;

// Null when the pool is empty.
MbufPtr to_mbuf(rte_mempool* pool, std::span<const std::uint8_t> frame) noexcept {
  MbufPtr packet(rte_pktmbuf_alloc(pool));
  rte_mbuf* segment = packet.get();
  while (segment != nullptr) {
    const auto size =
        static_cast<std::uint16_t>(std::min<std::size_t>(frame.size(), rte_pktmbuf_tailroom(segment)));
    if (segment == packet.get()) {
      std::memcpy(rte_pktmbuf_append(segment, size), frame.data(), size);
    } else {
      std::memcpy(rte_pktmbuf_mtod(segment, char*), frame.data(), size);
      segment->data_len = size;
      segment->pkt_len = size;
      if (rte_pktmbuf_chain(packet.get(), segment) != 0) {
        rte_pktmbuf_free(segment);
        return {};
      }
    }
    frame = frame.subspan(size);
    if (frame.empty()) return packet;
    segment = rte_pktmbuf_alloc(pool);
  }
  return {};
}

// What of an arriving segment may change its flow.
void tell_keeper(rte_mbuf& packet, FlowKeeper& keeper) noexcept {
  const auto& meta = *static_cast<const PacketMeta*>(rte_mbuf_to_priv(&packet));
  if (meta.exception != policy::ExceptionKind::Flow || meta.ip_protocol != kProtocolTcp) return;
  std::array<std::uint8_t, kTcpBytes> scratch;
  const void* header = rte_pktmbuf_read(&packet, meta.l4_offset, kTcpBytes, scratch.data());
  if (header == nullptr) return;
  const auto* tcp = static_cast<const std::uint8_t*>(header);
  const LinuxFlow flow{
      meta.port, kProtocolTcp, {meta.destination, meta.destination_port}, {meta.source, meta.source_port}};
  keeper.on_arrival({flow, tcp[13], load32(tcp + 8)});
}

}  // namespace

Result<std::unique_ptr<TapPort>, NetError> TapPort::create(PortIndex index, StreamPort port,
                                                           const Shared& shared, PortCounters& counters) {
  auto tap = Tap::create(port.network_namespace,
                         {port.mac, port.mtu, port.addresses, port.gateways, port.ports_not_for_linux});
  if (!tap) return fail(std::move(tap.error()));
  auto link = PortLink::open(port.network_namespace, tap->ifindex());
  if (!link) return fail(std::move(link.error()));
  return std::unique_ptr<TapPort>(
      new TapPort(index, std::move(port), shared, counters, {std::move(*tap), std::move(*link)}));
}

TapPort::TapPort(PortIndex index, StreamPort port, const Shared& shared, PortCounters& counters,
                 Linux linux_side)
    : index_(index),
      port_(std::move(port)),
      shared_(shared),
      tap_(std::move(linux_side.tap)),
      link_(std::move(linux_side.link)),
      resolver_({.port = index, .lcores = shared.lcores, .key = shared.key}, link_, shared_.outboxes),
      rules_(port_.mac, port_.addresses, port_.services, index),
      counters_(counters) {}

// Of the list Linux is told in vain at the worst: a socket of its own that takes such a port hears nothing.
void TapPort::adopt(const PortServices& services, const std::string& ports_not_for_linux) {
  rules_.set_services(services);
  if (ports_not_for_linux == port_.ports_not_for_linux) return;
  port_.ports_not_for_linux = ports_not_for_linux;
  (void)port_.network_namespace.run([&] { (void)Tap::reserve_ports(ports_not_for_linux); });
}

void TapPort::keep_peers_fresh(Timestamp now) {
  for (const IpAddress& peer : port_.kept_fresh) resolver_.keep_fresh(now, peer);
}

void TapPort::write_packet(rte_mbuf* packet) noexcept {
  const MbufPtr owned(packet);
  tell_keeper(*packet, shared_.flows);
  std::array<iovec, kSegmentsMax> parts;
  std::size_t count = 0;
  const rte_mbuf* segment = packet;
  for (; segment != nullptr && count < parts.size(); segment = segment->next)
    parts[count++] = {rte_pktmbuf_mtod(segment, void*), segment->data_len};
  if (segment != nullptr || !tap_.write(std::span(parts.data(), count))) {
    counters_.dropped.add(DropReason::NoBuffer);
    return;
  }
  counters_.rx_packets[kExceptionClass].add();
  counters_.rx_bytes[kExceptionClass].add(packet->pkt_len);
}

void TapPort::on_tap_readable() noexcept {
  for (int i = 0; i < kFramesMax; ++i) {
    const std::size_t size = tap_.read(shared_.frame);
    if (size == 0) return;
    const auto frame = shared_.frame.first(size);
    if (const auto allowed = may_leave(frame); allowed)
      send_frame(frame);
    else
      counters_.dropped.add(allowed.error());
  }
}

Result<void, DropReason> TapPort::may_leave(std::span<const std::uint8_t> frame) noexcept {
  const auto [ruling, segment] = rules_.judge(frame);
  switch (ruling) {
    case EgressRules::Ruling::Free:
      return {};
    case EgressRules::Ruling::AsFlow:
      return shared_.flows.let_leave(segment);
    default:
      return fail(DropReason::EgressNotAllowed);
  }
}

void TapPort::send_frame(std::span<const std::uint8_t> frame) noexcept {
  MbufPtr packet = to_mbuf(shared_.pool, frame);
  if (!packet) {
    counters_.dropped.add(DropReason::NoBuffer);
    return;
  }
  auto* const meta = new (rte_mbuf_to_priv(packet.get())) PacketMeta{};
  meta->port = index_;
  meta->packet_class = PacketClass::Exception;
  meta->l3_offset = kEthernetBytes;
  meta->is_arp = frame[12] == 0x08 && frame[13] == 0x06;
  FromStream message;  // of kind Packet
  message.port = index_;
  message.packet = packet.get();
  if (!shared_.outboxes.send_packet(port_.owner, message)) {
    counters_.dropped.add(DropReason::LcoreRingFull);
    return;
  }
  static_cast<void>(packet.release());
  counters_.tx_packets[kExceptionClass].add();
  counters_.tx_bytes[kExceptionClass].add(frame.size());
}

}  // namespace sallyport::dataplane
