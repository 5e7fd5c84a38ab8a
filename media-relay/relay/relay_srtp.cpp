// relay_srtp.cpp — bursts with packets of secured sides: unprotected before anything of them is believed,
// decided as any other, protected where they go to a secured side. RFC 3711, RFC 5761 §4; threats M2, M3.
//
// What a tag costs is spent on the learned source, on who may be learned, and on no more than a bounded
// number of packets a second of either: a stranger's flood is dropped by its address.
#include <algorithm>

#include "media-relay/relay/relay.h"
#include "media-relay/wire/rtp_header.h"

namespace sallyport::media {
namespace {

using enum MediaDropReason;

constexpr std::uint8_t kGateSecured = kGateSecuredIn | kGateSecuredOut;

MediaDropReason reason_of(SrtpResult result) noexcept {
  switch (result) {
    case SrtpResult::Malformed:
      return SrtpMalformed;
    case SrtpResult::NoRoom:
      return SrtpNoRoom;
    case SrtpResult::Replayed:
    case SrtpResult::TooOld:
      return SrtpReplayed;
    case SrtpResult::TooManySources:
      return SrtpSources;
    case SrtpResult::KeyExpired:
      return SrtpKeyExpired;
    case SrtpResult::NoContext:
      return SrtpNoKey;
    default:
      return SrtpBadTag;
  }
}

}  // namespace

RelayResult Relay::on_packet(Timestamp now, FlowRef ref, const Endpoint& source,
                             std::span<std::uint8_t> payload, std::size_t capacity) noexcept {
  RelayPacket packet{.flow = ref, .source = source, .payload = payload, .capacity = capacity, .result = {}};
  on_burst(now, {&packet, 1});
  return packet.result;
}

void Relay::on_burst(Timestamp now, std::span<RelayPacket> packets) noexcept {
  if (secured_.count() == 0) {
    for (RelayPacket& packet : packets) packet.result = decide(packet_of(now, packet), packet.flow);
    return;
  }
  while (!packets.empty()) {
    const std::span<RelayPacket> some = packets.first(std::min(packets.size(), kRelayBurst));
    packets = packets.subspan(some.size());
    read_secured(now, some);
    decide_read(now, some);
    send_secured(now, some);
  }
}

void Relay::read_secured(Timestamp now, std::span<RelayPacket> packets) noexcept {
  batch_.count = 0;
  for (std::size_t i = 0; i < packets.size(); ++i) {
    refused_[i].reset();
    const Packet packet = packet_of(now, packets[i]);
    const std::uint8_t gate = flow_of(packet.slot, packet.side).gate;
    if ((gate & (kGateSecuredIn | kGateClosed)) != kGateSecuredIn) continue;
    bool is_rtcp = false;
    refused_[i] = check_unread(packet, packets[i].flow, is_rtcp);
    if (refused_[i]) continue;
    SecuredStreams::add(batch_, {packet.slot, packet.side, static_cast<std::uint8_t>(i)},
                        {.context = {},
                         .packet = packet.payload.data(),
                         .length = static_cast<std::uint32_t>(packet.payload.size()),
                         .capacity = static_cast<std::uint32_t>(packet.capacity),
                         .is_rtcp = is_rtcp});
  }
  secured_.unprotect(now, batch_);
  for (std::size_t i = 0; i < batch_.count; ++i) {
    const std::size_t place = batch_.whose[i].packet;
    const SrtpJob& job = batch_.jobs[i];
    if (job.result != SrtpResult::Ok)
      refused_[place] = reason_of(job.result);
    else
      packets[place].payload = {job.packet, job.length};
  }
}

// By header and source alone: both stay readable in SRTP. What is said here of a good packet, decide() would
// say too.
std::optional<MediaDropReason> Relay::check_unread(const Packet& packet, FlowRef ref,
                                                   bool& is_rtcp) noexcept {
  const bool is_rtcp_port = (ref.value & 1) != 0;
  const SideState& side = streams_[packet.slot].sides[index_of(packet.side)];
  const bool is_mux = side.settings.rtcp_mux;
  const std::span<const std::uint8_t> payload = packet.payload;
  if (is_rtcp_port && is_mux) return RtcpNotUsed;
  if (payload.size() < kRtpHeaderBytes || payload[0] >> 6 != 2) {
    if (payload.empty() || payload[0] >> 6 == 2) return SrtpMalformed;
    return reason_of_fault(check_rtp(payload));
  }
  is_rtcp = is_rtcp_port || (is_mux && is_rtcp_type(payload[1]));  // RFC 5761 §4
  StreamSecurity::Side& security = secured_.side(packet.slot, packet.side);
  if (!flow_of(packet.slot, packet.side).is_source(packet.source) || is_rtcp_port) {
    const SourceLatch& latch = is_rtcp_port ? side.rtcp_latch : side.rtp_latch;
    const SourceRank rank = is_rtcp_port ? rtcp_rank(packet.source, side) : rtp_rank(packet.source, side);
    if (!latch.may_hear(packet.source, rank)) return ForeignSource;
    if (!latch.knows(packet.source) && rank != SourceRank::Exact &&
        !security.strangers.allow(packet.now, payload.size()))
      return Learning;
  }
  if (!security.work.allow(packet.now, payload.size())) return PolicedFlow;
  return std::nullopt;
}

void Relay::decide_read(Timestamp now, std::span<RelayPacket> packets) noexcept {
  batch_.count = 0;
  for (std::size_t i = 0; i < packets.size(); ++i) {
    const Packet packet = packet_of(now, packets[i]);
    const std::uint8_t gate = flow_of(packet.slot, packet.side).gate;
    RelayResult& result = packets[i].result;
    result = refused_[i] ? drop(packet, *refused_[i]) : decide(packet, packets[i].flow);
    if (result.kind != RelayResult::Kind::Forward || (gate & kGateSecured) == 0) continue;
    result.payload_changed = true;
    if ((gate & kGateSecuredOut) == 0) continue;
    SecuredStreams::add(batch_, {packet.slot, other(packet.side), static_cast<std::uint8_t>(i)},
                        {.context = {},
                         .packet = packet.payload.data(),
                         .length = result.length,
                         .capacity = static_cast<std::uint32_t>(packet.capacity),
                         .is_rtcp = result.is_rtcp});
  }
}

void Relay::send_secured(Timestamp now, std::span<RelayPacket> packets) noexcept {
  secured_.protect(batch_);
  for (std::size_t i = 0; i < batch_.count; ++i) {
    const SrtpJob& job = batch_.jobs[i];
    RelayPacket& one = packets[batch_.whose[i].packet];
    const Packet packet = packet_of(now, one);
    if (job.result != SrtpResult::Ok) {
      one.result = drop(packet, reason_of(job.result));
      continue;
    }
    if (!job.is_rtcp) count_relayed(flow_of(packet.slot, packet.side), one.result.length, job.length);
    one.result.length = job.length;
  }
}

// False: it can't be sent, and is not.
bool Relay::protect_own(RelayResult& result, std::span<std::uint8_t> buffer) noexcept {
  const std::uint32_t slot = result.out / 4;
  const StreamSide towards = StreamSide(result.out >> 1 & 1);
  if (!streams_[slot].has_keys || !secured_.is_secured(slot, towards)) return true;
  batch_.count = 0;
  SecuredStreams::add(batch_, {slot, towards, 0},
                      {.context = {},
                       .packet = buffer.data(),
                       .length = result.length,
                       .capacity = static_cast<std::uint32_t>(buffer.size()),
                       .is_rtcp = result.is_rtcp});
  secured_.protect(batch_);
  result.length = batch_.jobs[0].length;
  return batch_.jobs[0].result == SrtpResult::Ok;
}

}  // namespace sallyport::media
