// relay_source.cpp — who may send into a stream and where to its media goes: RFC 7362; threats M1, D9.
#include "media-relay/relay/relay.h"
#include "media-relay/wire/rtp_header.h"

namespace sallyport::media {
using enum MediaDropReason;

SourceRank rtp_rank(const Endpoint& source, const SideState& side) noexcept {
  const MediaSideSettings& settings = side.settings;
  return rank_of(source,
                 {.mode = settings.latch, .expected = settings.remote, .signalled = settings.signalled});
}

SourceRank rtcp_rank(const Endpoint& source, const SideState& side) noexcept {
  const MediaSideSettings& settings = side.settings;
  const Endpoint& expected = settings.remote_rtcp;
  const bool is_expected = expected.port != 0 && source == expected;
  if (!side.rtp_latch.is_locked())
    return rank_of(source, {.mode = settings.latch, .expected = expected, .signalled = settings.signalled});
  if (source.address == side.rtp_latch.source().address)
    return is_expected ? SourceRank::Exact : SourceRank::Host;
  const bool is_host_of_its_own = expected.address != settings.remote.address;
  return is_expected && is_host_of_its_own ? SourceRank::Exact : SourceRank::Foreign;
}

std::optional<MediaDropReason> Relay::learn(const Packet& packet) noexcept {
  SideState& side = streams_[packet.slot].sides[index_of(packet.side)];
  SourceRank rank = rtp_rank(packet.source, side);
  if (rank != SourceRank::Exact && packet.payload.size() >= kRtpHeaderBytes &&
      side.former.is(packet.source, read_u32(packet.payload.data() + 8)))
    rank = SourceRank::Foreign;  // goes on with the call before this one (threats M9)
  switch (side.rtp_latch.on_packet(packet.now, packet.source, rank, {})) {
    case LatchAnswer::Relay:
      return std::nullopt;
    case LatchAnswer::Learned:
      on_learned(packet.slot, packet.side);
      return std::nullopt;
    case LatchAnswer::Wait:
      return Learning;
    default:
      return ForeignSource;
  }
}

std::optional<MediaDropReason> Relay::learn_rtcp(const Packet& packet) noexcept {
  SideState& side = streams_[packet.slot].sides[index_of(packet.side)];
  if (side.rtcp_latch.is_locked() && side.rtcp_latch.source() == packet.source) return std::nullopt;
  const SourceRank rank = rtcp_rank(packet.source, side);
  const LatchPatience patience{.packets = side.rtp_latch.is_locked() ? std::uint8_t{1} : kLearningPackets,
                               .forgotten = 30s};
  switch (side.rtcp_latch.on_packet(packet.now, packet.source, rank, patience)) {
    case LatchAnswer::Relay:
      return std::nullopt;
    case LatchAnswer::Learned:
      side.rtcp_version = new_version();
      counters_.latches.add();
      queue_untold(packet.slot, packet.side);
      return std::nullopt;
    case LatchAnswer::Wait:
      return Learning;
    default:
      return ForeignSource;
  }
}

void Relay::on_learned(std::uint32_t slot, StreamSide which) noexcept {
  SideState& side = streams_[slot].sides[index_of(which)];
  if (side.rtcp_latch.is_locked() && rtcp_rank(side.rtcp_latch.source(), side) == SourceRank::Foreign)
    side.rtcp_latch.learn_again(false);
  side.rtp_version = new_version();
  side.rtcp_version = new_version();
  refresh(slot);
  counters_.latches.add();
  queue_untold(slot, which);
}

// Only who was in the call goes on after its end; a stranger who tries the port is a stranger.
RelayResult Relay::on_closed(const Packet& packet, bool is_rtcp_port) noexcept {
  SideState& side = streams_[packet.slot].sides[index_of(packet.side)];
  const bool is_own_port = is_rtcp_port && !side.settings.rtcp_mux;
  if (packet.source != destination(side, is_own_port)) return drop(packet, ForeignSource);
  if (!is_rtcp_port) {
    ++side.after_close;
    flow_of(packet.slot, packet.side).heard_at = packet.now;
  }
  return drop(packet, Closed);
}

// Learned, or else what the SDP says; port 0: nowhere.
Endpoint Relay::destination(const SideState& side, bool is_rtcp) const noexcept {
  const SourceLatch& latch = is_rtcp ? side.rtcp_latch : side.rtp_latch;
  if (const Endpoint* const target = latch.target()) return *target;
  return is_rtcp ? side.settings.remote_rtcp : side.settings.remote;
}

// Brings both hot flows up to date with what commands and learning have changed.
void Relay::refresh(std::uint32_t slot) noexcept {
  StreamState& stream = streams_[slot];
  for (const StreamSide which : {StreamSide::Caller, StreamSide::Callee}) {
    const SideState& side = stream.sides[index_of(which)];
    const SideState& far = stream.sides[index_of(other(which))];
    HotFlow& flow = flow_of(slot, which);
    const bool is_locked = side.rtp_latch.is_locked();
    flow.source = is_locked ? side.rtp_latch.source().address : IpAddress{};
    flow.source_port = is_locked ? side.rtp_latch.source().port : std::uint16_t{0};
    flow.out_version = far.rtp_version;
    flow.gate = 0;
    if (stream.phase != StreamState::Phase::Open) flow.gate |= kGateClosed;
    if (stream.media == MediaKind::Udptl) flow.gate |= kGateUdptl;
    if (!side.settings.may_send) flow.gate |= kGateHold;
    if (destination(far, false).port == 0) flow.gate |= kGateNoDestination;
    if (stream.has_digits && stream.media == MediaKind::Rtp &&
        digits_[slot].sent[index_of(other(which))].has_numbers())
      flow.gate |= kGateDigits;
    if (!stream.has_keys) continue;
    if (secured_.is_secured(slot, which)) flow.gate |= kGateSecuredIn;
    if (secured_.is_secured(slot, other(which))) flow.gate |= kGateSecuredOut;
  }
}

std::uint32_t Relay::new_version() noexcept {
  if (++last_version_ == 0) ++last_version_;
  return last_version_;
}

}  // namespace sallyport::media
