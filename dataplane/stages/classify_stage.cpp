// classify_stage.cpp — listeners by address and port; ARP, neighbour discovery and echo to Linux; the rest
// out.
#include "dataplane/stages/classify_stage.h"

#include "dataplane/packet/ip_header.h"

namespace sallyport::dataplane {
namespace {

DropReason why_unused(std::uint8_t protocol) noexcept {
  switch (protocol) {
    case kProtocolTcp:
      return DropReason::TcpNotAdmitted;
    case kProtocolIcmp:
    case kProtocolIcmpv6:
      return DropReason::IcmpNotEcho;
    default:
      return DropReason::UnusedProtocol;
  }
}

}  // namespace

// The quoted source is where the error was sent to; the flow is ours when we listen there.
void ClassifyStage::classify_error(Burst& burst, std::size_t i) noexcept {
  PacketMeta& meta = *burst.meta[i];
  const ListenerMatch match = listeners_.find(meta.local_address, meta.destination_port);
  if (match.listener == ListenerIndex::kNone) return burst.drop(i, DropReason::ErrorQuotesNoFlow);
  meta.listener = match.listener;
  meta.realm = match.realm;
}

void ClassifyStage::process(Timestamp, Burst& burst) noexcept {
  for (std::size_t i = 0; i < burst.count; ++i) {
    if (burst.verdicts[i] != Verdict::Continue) continue;
    PacketMeta& meta = *burst.meta[i];
    if (meta.exception != policy::ExceptionKind::None) {
      meta.packet_class = PacketClass::Exception;
      if (meta.exception == policy::ExceptionKind::Unreachable) classify_error(burst, i);
      continue;
    }
    if (meta.ip_protocol != kProtocolUdp) {
      burst.drop(i, why_unused(meta.ip_protocol));
      continue;
    }
    const ListenerMatch match = listeners_.find(meta.local_address, meta.destination_port);
    if (match.listener == ListenerIndex::kNone) {
      burst.drop(i, DropReason::NoListener);
      continue;
    }
    meta.listener = match.listener;
    meta.realm = match.realm;
    meta.packet_class = PacketClass::Signalling;
  }
}

}  // namespace sallyport::dataplane
