// own_reports.cpp — reports that we send ourselves where RTCP ends here: RFC 3550 §6.2, §6.3, §6.4.
//
// Simplified from RFC 3550 §6.3, as each side is a session of two: a fixed interval of 5 s, made random by
// half as much to either side (§6.3.1), the first after half of it; no reconsideration, no BYE. Towards a
// side we are the sender of what the other one sends, under the same SSRC, and receiver of what it sends. NTP
// timestamps are of a clock that has no date (§6.4.1).
#include <algorithm>

#include "media-relay/relay/relay.h"

namespace sallyport::media {
namespace {

constexpr Duration kInterval = 5s;
constexpr Duration kStillSends = 2 * kInterval;  // a sender is one that sent so lately: RFC 3550 §6.3.8

struct NtpTime {
  std::uint32_t seconds, fraction;
  [[nodiscard]] std::uint32_t middle() const noexcept { return seconds << 16 | fraction >> 16; }
};

NtpTime ntp_of(Timestamp now) noexcept {
  const auto ns = static_cast<std::uint64_t>(now.time_since_epoch().count());
  return {static_cast<std::uint32_t>(ns / 1'000'000'000),
          static_cast<std::uint32_t>((ns % 1'000'000'000 << 32) / 1'000'000'000)};
}

}  // namespace

// When the next report to this side is due; one that is due now is queued.
Timestamp Relay::queue_own(Timestamp now, std::uint32_t slot, StreamSide which) noexcept {
  StreamState& stream = streams_[slot];
  SideState& side = stream.sides[index_of(which)];
  const bool is_first = side.own_at == Timestamp{};
  if (!is_first && side.own_at > now) return side.own_at;
  const Duration wait =
      kInterval / 2 +
      Duration{static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(kInterval.count()))};
  side.own_at = now + (is_first ? wait / 2 : wait);  // RFC 3550 §6.3.1
  if (is_first) return side.own_at;
  side.is_own_due = true;
  if (stream.is_in_own) return side.own_at;
  stream.is_in_own = true;
  stream.next_own = kNoSlot;
  (first_own_ == kNoSlot ? first_own_ : streams_[last_own_].next_own) = slot;
  last_own_ = slot;
  return side.own_at;
}

std::optional<RelayResult> Relay::next_own_packet(Timestamp now, std::span<std::uint8_t> buffer) noexcept {
  if (buffer.size() < kOwnPacketBytesMax) return std::nullopt;
  for (;;) {
    std::optional<RelayResult> result = next_plain_packet(now, buffer);
    if (!result || protect_own(*result, buffer)) return result;
  }
}

std::optional<RelayResult> Relay::next_plain_packet(Timestamp now, std::span<std::uint8_t> buffer) noexcept {
  if (auto event = next_event_packet(now, buffer.data())) return event;
  while (first_own_ != kNoSlot) {
    const std::uint32_t slot = first_own_;
    StreamState& stream = streams_[slot];
    for (const StreamSide which : {StreamSide::Caller, StreamSide::Callee}) {
      SideState& side = stream.sides[index_of(which)];
      if (!side.is_own_due) continue;
      side.is_own_due = false;
      if (stream.phase != StreamState::Phase::Open || !stream.ends_rtcp() ||
          destination(side, !side.settings.rtcp_mux).port == 0 ||
          realm(side.settings.realm).out.is_spent(now))
        continue;
      return to_rtcp_flow(now, slot, which, write_own(now, slot, which, buffer.data()));
    }
    stream.is_in_own = false;
    first_own_ = stream.next_own;
  }
  return std::nullopt;
}

// SR or RR, one report block when this side has sent something, SDES.
std::size_t Relay::write_own(Timestamp now, std::uint32_t slot, StreamSide which, std::uint8_t* to) noexcept {
  const HotFlow& far = flow_of(slot, other(which));
  std::uint32_t timestamp = 0;
  const bool is_sender =
      far.packets != 0 && now - far.heard_at <= kStillSends && far.sequence.timestamp_at(now, timestamp);
  const bool has_block = flow_of(slot, which).sequence.received() != 0;
  const RtcpType type = is_sender ? RtcpType::Sr : RtcpType::Rr;
  const std::size_t fixed = is_sender ? 28 : 8;
  const std::size_t bytes = fixed + (has_block ? kReportBlockBytes : 0);
  const std::uint32_t ssrc = far.sequence.has_source() ? far.sequence.ssrc() : own_ssrc(slot, which);
  write_part_header(to, type, has_block ? 1 : 0, bytes);
  write_u32(to + 4, ssrc);
  if (is_sender) {
    const NtpTime ntp = ntp_of(now);
    write_u32(to + 8, ntp.seconds);
    write_u32(to + 12, ntp.fraction);
    write_u32(to + 16, timestamp);
    write_u32(to + 20, far.packets);
    write_u32(to + 24, static_cast<std::uint32_t>(far.bytes - std::uint64_t{far.packets} * kRtpHeaderBytes));
    streams_[slot].sides[index_of(which)].round_trip.on_sent(now, ntp.middle());
  }
  if (has_block) write_block(now, slot, which, to + fixed);
  write_sdes(to + bytes, ssrc, cname_of(slot, other(which)));
  return bytes + kSdesBytes;
}

// What we have received of this side. RFC 3550 §6.4.1, §A.3
void Relay::write_block(Timestamp now, std::uint32_t slot, StreamSide which, std::uint8_t* to) noexcept {
  SideState& side = streams_[slot].sides[index_of(which)];
  const SequenceTracker& sequence = flow_of(slot, which).sequence;
  // After a change of source the figures begin anew.
  const bool is_same = sequence.expected() >= side.told_expected && sequence.received() >= side.told_received;
  const std::uint32_t expected = sequence.expected() - (is_same ? side.told_expected : 0);
  const std::uint32_t received = sequence.received() - (is_same ? side.told_received : 0);
  const std::uint32_t lost = expected > received ? expected - received : 0;
  const std::uint32_t share =
      expected == 0
          ? 0
          : static_cast<std::uint32_t>(std::min<std::uint64_t>(255, std::uint64_t{lost} * 256 / expected));
  side.told_expected = sequence.expected();
  side.told_received = sequence.received();
  std::uint32_t delay = 0;
  if (side.sender_report != 0) {
    const auto ns = static_cast<std::uint64_t>((now - side.sender_report_at).count());
    delay = static_cast<std::uint32_t>(std::min<std::uint64_t>((ns << 16) / 1'000'000'000, 0xffffffffu));
  }
  write_u32(to, sequence.ssrc());
  write_u32(to + 4, share << 24 | std::min<std::uint32_t>(sequence.lost(), 0x7fffff));
  write_u32(to + 8, sequence.highest());
  write_u32(to + 12, sequence.jitter());
  write_u32(to + 16, side.sender_report);
  write_u32(to + 20, delay);
}

// For reports about a side that are sent before the other one has sent anything.
std::uint32_t Relay::own_ssrc(std::uint32_t slot, StreamSide side) const noexcept {
  const std::array<std::uint64_t, 3> input{streams_[slot].key.call, streams_[slot].key.stream,
                                           index_of(side)};
  return static_cast<std::uint32_t>(keyed_hash(setup_.key, std::as_bytes(std::span(input))));
}

std::uint64_t Relay::random() noexcept {
  ++drawn_;
  return keyed_hash(setup_.key, std::as_bytes(std::span(&drawn_, 1)));
}

}  // namespace sallyport::media
