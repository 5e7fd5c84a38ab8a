// stream_state.h — what the relay keeps of a stream: for each side two cache lines that every RTP packet
// needs, and apart from them what commands, learning, RTCP and reports need.
#pragma once

#include <array>
#include <cstdint>

#include "media-relay/control/media_command.h"
#include "media-relay/control/media_notice.h"
#include "media-relay/flow/former_sources.h"
#include "media-relay/flow/policer.h"
#include "media-relay/flow/source_latch.h"
#include "media-relay/quality/round_trip.h"
#include "media-relay/quality/sequence_tracker.h"
#include "media-relay/relay/media_drop_reason.h"
#include "media-relay/wire/rtp_header.h"

namespace sallyport::media {

// Bits of HotFlow::gate. None: what the learned source sends is relayed.
inline constexpr std::uint8_t kGateClosed = 1;
inline constexpr std::uint8_t kGateUdptl = 2;
inline constexpr std::uint8_t kGateHold = 4;           // it may not send
inline constexpr std::uint8_t kGateNoDestination = 8;  // the other side has none
inline constexpr std::uint8_t kGateDigits = 16;        // the other side is, or was, sent digits in its place
inline constexpr std::uint8_t kGateSecuredIn = 32;     // it sends SRTP
inline constexpr std::uint8_t kGateSecuredOut = 64;    // the other side is sent SRTP

// What one side sends, as far as each packet needs it.
struct alignas(64) HotFlow {
  // First line: whose packet, which payload, where to.
  IpAddress source;               // the learned one
  std::uint16_t source_port = 0;  // 0: not learned
  std::uint8_t gate = kGateClosed;
  std::uint8_t is_v6 = 0;  // bit 0: it comes in IPv6; bit 1: it leaves in IPv6
  std::uint32_t out_version = 0;
  std::array<std::uint64_t, 2> payloads{};  // a bit for each payload type that it may send
  Timestamp heard_at{};                     // last well-formed packet, RTCP too
  std::uint64_t bytes = 0;                  // relayed
  std::uint32_t packets = 0;                // relayed
  RealmIndex realm = RealmIndex::kNone, realm_out = RealmIndex::kNone;
  // Second line: how much, how well.
  Policer policer;
  SequenceTracker sequence;

  // Octets of IP and UDP header.
  [[nodiscard]] std::size_t header_bytes_in() const noexcept { return (is_v6 & 1) != 0 ? 48 : 28; }
  [[nodiscard]] std::size_t header_bytes_out() const noexcept { return (is_v6 & 2) != 0 ? 48 : 28; }
  [[nodiscard]] bool is_source(const Endpoint& other) const noexcept {
    return source_port == other.port && source == other.address && source_port != 0;
  }
};
static_assert(sizeof(HotFlow) == 128);

struct SideState {
  MediaSideSettings settings;
  SourceLatch rtp_latch, rtcp_latch;
  SequenceTotals totals;
  RoundTrip round_trip;                  // between us and this side
  FormerSource former;                   // of the call that had the port before, if it goes on
  std::array<std::uint32_t, 8> ssrcs{};  // heard in RTP, the newest first; how many: ssrc_count
  std::uint64_t dropped = 0, after_close = 0, rtcp_packets = 0;
  Timestamp expected_since{};                       // silence counts from here at the earliest
  Timestamp silence_told{};                         // since when it was silent, when that was told
  std::uint32_t rtp_version = 0, rtcp_version = 0;  // of the flows that leave towards this side
  // Reports of our own to this side, RtcpMode::Terminate: when the next is due, and what RFC 3550 §6.4.1 has
  // to know of the last one and of this side's own sender report.
  Timestamp own_at{}, sender_report_at{};
  std::uint32_t sender_report = 0, told_expected = 0, told_received = 0;
  std::uint8_t ssrc_count = 0;
  bool is_own_due = false;
  bool is_learned_untold = false;

  [[nodiscard]] bool has_sent(std::uint32_t ssrc) const noexcept {
    for (std::size_t i = 0; i < ssrc_count; ++i)
      if (ssrcs[i] == ssrc) return true;
    return false;
  }
  void note_ssrc(std::uint32_t ssrc) noexcept {
    if (has_sent(ssrc)) return;
    for (std::size_t i = ssrcs.size() - 1; i > 0; --i) ssrcs[i] = ssrcs[i - 1];
    ssrcs[0] = ssrc;
    if (ssrc_count < ssrcs.size()) ++ssrc_count;
  }
};

// By who the SDP and the signalling say that it is.
[[nodiscard]] SourceRank rtp_rank(const Endpoint& source, const SideState& side) noexcept;
// RTCP comes from the host that RTP was learned from, once there is one; the port may be any. A host that the
// SDP names for RTCP alone stands beside it. RFC 3605 §2.1
[[nodiscard]] SourceRank rtcp_rank(const Endpoint& source, const SideState& side) noexcept;

// Of what is no RTP.
[[nodiscard]] MediaDropReason reason_of_fault(RtpFault fault) noexcept;

inline constexpr Duration kQuarantineMax = 600s;
inline constexpr std::uint32_t kNoSlot = 0xffffffffu;

struct StreamState {
  enum class Phase : std::uint8_t { Free, Open, Closed, Told };  // Told: Final was taken
  std::array<SideState, 2> sides{};                              // by StreamSide
  StreamKey key;
  Timestamp closed_at{}, reported_at{};
  Duration quarantine{};
  std::uint64_t reported_figures = 0;
  std::uint32_t next_free = kNoSlot, next_untold = kNoSlot, next_own = kNoSlot;
  std::array<std::uint16_t, 2> own_addresses{};
  std::uint8_t shard = 0;
  MediaKind media = MediaKind::Rtp;
  Phase phase = Phase::Free;
  bool is_in_untold = false, is_in_own = false;
  bool is_asked = false;    // a report is told at the next tick
  bool has_digits = false;  // its StreamDigits are there
  bool has_keys = false;    // its StreamSecurity is there

  // Reports of one side mean nothing to the other when its own end here.
  [[nodiscard]] bool ends_rtcp() const noexcept {
    return sides[0].settings.rtcp == RtcpMode::Terminate || sides[1].settings.rtcp == RtcpMode::Terminate;
  }
};

}  // namespace sallyport::media
