// classify_stage.cpp — listeners by address and port; ARP, neighbour discovery, echo, TCP and services to
// Linux; the rest out.
#include "dataplane/stages/classify_stage.h"

#include <rte_mbuf.h>

#include <algorithm>
#include <array>

#include "dataplane/packet/icmp_error.h"
#include "dataplane/packet/ip_header.h"

namespace sallyport::dataplane {
namespace {

using policy::ExceptionKind;

void give_to_linux(PacketMeta& meta, ExceptionKind kind) noexcept {
  meta.packet_class = PacketClass::Exception;
  meta.exception = kind;
}

void name_listener(PacketMeta& meta, const ListenerMatch& match) noexcept {
  meta.listener = match.listener;
  meta.realm = match.realm;
}

}  // namespace

LinuxSide::LinuxSide(const SbcConfig& config, const LinuxFlows* linux_flows) : flows(linux_flows) {
  for (const PortConfig& port : config.ports) services.emplace_back(config, port);
}

bool ClassifyStage::is_linux_flow(Timestamp now, const PacketMeta& meta) const noexcept {
  if (linux_.flows == nullptr) return false;
  const LinuxFlow flow{meta.port,
                       meta.ip_protocol,
                       {meta.destination, meta.destination_port},
                       {meta.source, meta.source_port}};
  return linux_.flows->find(flow, now) != LinuxFlowState::None;
}

// That a packet was too big, of any flow; that it could not be delivered, only of a connection that we are
// opening: one that stands outlives such news, which anybody may send. RFC 1122 §4.2.3.9, RFC 5927 §4
bool ClassifyStage::quotes_linux_flow(Timestamp now, const Burst& burst, std::size_t i) const noexcept {
  if (linux_.flows == nullptr) return false;
  const PacketMeta& meta = *burst.meta[i];
  std::array<std::uint8_t, kQuoteBytes> scratch;
  const auto size = static_cast<std::uint32_t>(std::min<std::size_t>(meta.l4_length, scratch.size()));
  const void* bytes = rte_pktmbuf_read(burst.packets[i], meta.l4_offset, size, scratch.data());
  if (bytes == nullptr) return false;
  const auto segment = quoted_segment(meta.destination, {static_cast<const std::uint8_t*>(bytes), size});
  if (!segment) return false;
  const LinuxFlowState state =
      linux_.flows->find({meta.port, kProtocolTcp, segment->flow.local, segment->flow.remote}, now);
  return segment->is_too_big ? state != LinuxFlowState::None : state == LinuxFlowState::Opening;
}

void ClassifyStage::classify_exception(Timestamp now, Burst& burst, std::size_t i) noexcept {
  PacketMeta& meta = *burst.meta[i];
  meta.packet_class = PacketClass::Exception;
  if (meta.exception == ExceptionKind::PathError) {
    if (!quotes_linux_flow(now, burst, i)) burst.drop(i, DropReason::ErrorQuotesNoFlow);
  } else if (meta.exception == ExceptionKind::Unreachable) {
    // The quoted source is where the error was sent to; the flow is ours when we listen there.
    const ListenerMatch match = listeners().find(meta.local_address, meta.destination_port);
    if (match.listener == ListenerIndex::kNone) return burst.drop(i, DropReason::ErrorQuotesNoFlow);
    name_listener(meta, match);
  }
}

void ClassifyStage::classify_tcp(Timestamp now, Burst& burst, std::size_t i) noexcept {
  PacketMeta& meta = *burst.meta[i];
  if (meta.was_fragmented) return burst.drop(i, DropReason::TcpFragment);
  if (!meta.is_tcp_syn) {
    if (!is_linux_flow(now, meta)) return burst.drop(i, DropReason::TcpNotAdmitted);
    return give_to_linux(meta, ExceptionKind::Flow);
  }
  const ListenerMatch match = listeners().find_stream(meta.local_address, meta.destination_port);
  if (match.listener == ListenerIndex::kNone && !services(meta.port).takes_tcp(meta.destination_port))
    return burst.drop(i, DropReason::TcpNotAdmitted);
  name_listener(meta, match);
  give_to_linux(meta, ExceptionKind::Handshake);
}

void ClassifyStage::classify_udp(Timestamp now, Burst& burst, std::size_t i) noexcept {
  PacketMeta& meta = *burst.meta[i];
  const ListenerMatch match = listeners().find(meta.local_address, meta.destination_port);
  if (match.listener != ListenerIndex::kNone) {
    name_listener(meta, match);
    meta.packet_class = PacketClass::Signalling;
    return;
  }
  const PortServices& allowed = services(meta.port);
  if (allowed.takes_udp(meta.destination_port)) return give_to_linux(meta, ExceptionKind::Service);
  if (allowed.asks_any_by_udp() && is_linux_flow(now, meta)) return give_to_linux(meta, ExceptionKind::Flow);
  burst.drop(i, DropReason::NoListener);
}

void ClassifyStage::process(Timestamp now, Burst& burst) noexcept {
  for (std::size_t i = 0; i < burst.count; ++i) {
    if (burst.verdicts[i] != Verdict::Continue) continue;
    PacketMeta& meta = *burst.meta[i];
    if (meta.exception != ExceptionKind::None) {
      classify_exception(now, burst, i);
    } else if (meta.ip_protocol == kProtocolUdp) {
      classify_udp(now, burst, i);
    } else if (meta.ip_protocol == kProtocolTcp) {
      classify_tcp(now, burst, i);
    } else if (services(meta.port).speaks(meta.ip_protocol, meta.destination)) {
      give_to_linux(meta, ExceptionKind::Service);
    } else {
      const bool is_icmp = meta.ip_protocol == kProtocolIcmp || meta.ip_protocol == kProtocolIcmpv6;
      burst.drop(i, is_icmp ? DropReason::IcmpNotEcho : DropReason::UnusedProtocol);
    }
  }
}

}  // namespace sallyport::dataplane
