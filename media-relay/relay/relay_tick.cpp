// relay_tick.cpp — what time brings: notices, the end of quarantine (threats M9, D9). A bounded piece of work
// at each call: whom we learned at once, everything else by a scan that comes round about ten times a second.
#include <algorithm>

#include "media-relay/quality/e_model.h"
#include "media-relay/relay/relay.h"

namespace sallyport::media {
namespace {

constexpr std::array kBothSides{StreamSide::Caller, StreamSide::Callee};
constexpr Duration kScanEvery = 1ms;
constexpr Duration kRound = 100ms;
constexpr std::uint32_t kScanMin = 16, kScanMax = 4096;  // streams looked at in one call
constexpr std::uint32_t kServedMax = 64;                 // of which so many are due at most

// Any change of what a report says changes it.
std::uint64_t figures_of(const std::array<SideReport, 2>& sides) noexcept {
  std::uint64_t sum = 0;
  for (const SideReport& side : sides) sum += side.packets + side.rtcp_packets + side.dropped + side.lost;
  return sum;
}

}  // namespace

void Relay::on_tick(Timestamp now, NoticeSink& sink) noexcept {
  if (!tell_learned(sink)) return;
  if (first_digits_ != kNoSlot) serve_digits(now, sink);
  const Duration since = now - scanned_at_;
  if (since < kScanEvery) return;
  const auto share = static_cast<std::uint64_t>(std::min<Duration>(since, kRound).count()) * slots_used_ /
                     static_cast<std::uint64_t>(kRound.count());
  const auto count = std::min({slots_used_, static_cast<std::uint32_t>(share) + kScanMin, kScanMax});
  std::uint32_t served = 0;
  for (std::uint32_t i = 0; i < count && served < kServedMax; ++i) {
    if (scan_at_ >= slots_used_) scan_at_ = 0;
    if (deadlines_[scan_at_] <= now) {
      if (!serve(now, scan_at_, sink)) return;
      ++served;
    }
    ++scan_at_;
  }
  scanned_at_ = now;
}

// False: the sink is full; the stream stays due.
bool Relay::serve(Timestamp now, std::uint32_t slot, NoticeSink& sink) noexcept {
  StreamState& stream = streams_[slot];
  switch (stream.phase) {
    case StreamState::Phase::Free:
      deadlines_[slot] = Timestamp::max();
      return true;
    case StreamState::Phase::Open:
      return serve_open(now, slot, sink);
    case StreamState::Phase::Closed:
      if (stream.is_in_untold) return true;  // Final is the last notice
      if (!tell(slot, MediaNotice::Kind::Final, StreamSide::Caller, sink)) return false;
      stream.phase = StreamState::Phase::Told;
      deadlines_[slot] = stream.closed_at + stream.quarantine;
      if (deadlines_[slot] > now) return true;
      [[fallthrough]];
    case StreamState::Phase::Told:
      free_stream(now, slot);
      return true;
  }
  return true;
}

bool Relay::serve_open(Timestamp now, std::uint32_t slot, NoticeSink& sink) noexcept {
  StreamState& stream = streams_[slot];
  Timestamp next = stream.reported_at + kReportEvery;
  for (const StreamSide which : kBothSides) {
    SideState& side = stream.sides[index_of(which)];
    if (stream.ends_rtcp() && stream.media == MediaKind::Rtp)
      next = std::min(next, queue_own(now, slot, which));
    if (side.settings.inactivity <= 0s || !side.settings.expects_packets) continue;
    const Timestamp alive_at = std::max(side.expected_since, flow_of(slot, which).heard_at);
    const Timestamp silent_at = alive_at + side.settings.inactivity;
    if (silent_at > now) {
      next = std::min(next, silent_at);
    } else if (side.silence_told != alive_at) {
      if (!tell(slot, MediaNotice::Kind::Silent, which, sink)) return false;
      side.silence_told = alive_at;
    }
  }
  if (stream.has_keys) next = std::min(next, secured_.on_time(now, slot));
  if (now - stream.reported_at >= kReportEvery) {
    if (!tell(slot, MediaNotice::Kind::Report, StreamSide::Caller, sink)) return false;
    stream.reported_at = now;
    next = std::min(next, now + kReportEvery);
  }
  deadlines_[slot] = std::max(next, now + kScanEvery);
  return true;
}

// A report whose figures were told already counts as taken, unless it was asked for.
bool Relay::tell(std::uint32_t slot, MediaNotice::Kind kind, StreamSide side, NoticeSink& sink) noexcept {
  StreamState& stream = streams_[slot];
  MediaNotice notice{.kind = kind, .side = side, .shard = stream.shard, .key = stream.key, .sides = {}};
  for (const StreamSide which : kBothSides) notice.sides[index_of(which)] = report_of(slot, which);
  const std::uint64_t figures = figures_of(notice.sides);
  if (kind == MediaNotice::Kind::Report && figures == stream.reported_figures && !stream.is_asked)
    return true;
  if (stream.has_keys)
    for (const StreamSide which : kBothSides)
      secured_.tell(slot, which, (flow_of(slot, other(which)).gate & kGateDigits) != 0,
                    notice.srtp_theirs[index_of(which)], notice.srtp_ours[index_of(which)]);
  if (!sink.take(notice)) return false;
  if (kind == MediaNotice::Kind::Report) stream.reported_figures = figures;
  return true;
}

void Relay::queue_untold(std::uint32_t slot, StreamSide side) noexcept {
  StreamState& stream = streams_[slot];
  stream.sides[index_of(side)].is_learned_untold = true;
  queue_untold(slot);
}

void Relay::queue_untold(std::uint32_t slot) noexcept {
  StreamState& stream = streams_[slot];
  if (stream.is_in_untold) return;
  stream.is_in_untold = true;
  stream.next_untold = kNoSlot;
  (first_untold_ == kNoSlot ? first_untold_ : streams_[last_untold_].next_untold) = slot;
  last_untold_ = slot;
}

// Of a source of a secured stream that is new a restart must know at once: from then on its numbers can be
// guessed for half of their range, which is minutes. The first ones alone, so that nobody makes a notice of
// each packet.
void Relay::on_ssrc(std::uint32_t slot, SideState& side, std::uint32_t ssrc) noexcept {
  StreamState& stream = streams_[slot];
  if (stream.has_keys && !side.has_sent(ssrc) && side.ssrc_count < side.ssrcs.size()) {
    stream.is_asked = true;
    queue_untold(slot);
  }
  side.note_ssrc(ssrc);
}

bool Relay::tell_learned(NoticeSink& sink) noexcept {
  for (std::uint32_t count = 0; first_untold_ != kNoSlot && count < kServedMax; ++count) {
    StreamState& stream = streams_[first_untold_];
    for (const StreamSide which : kBothSides) {
      SideState& side = stream.sides[index_of(which)];
      if (!side.is_learned_untold) continue;
      if (stream.phase == StreamState::Phase::Open &&
          !tell(first_untold_, MediaNotice::Kind::Learned, which, sink))
        return false;
      side.is_learned_untold = false;
    }
    if (stream.is_asked && stream.phase == StreamState::Phase::Open &&
        !tell(first_untold_, MediaNotice::Kind::Report, StreamSide::Caller, sink))
      return false;
    stream.is_asked = false;
    stream.is_in_untold = false;
    first_untold_ = stream.next_untold;
  }
  return true;
}

SideReport Relay::report_of(std::uint32_t slot, StreamSide which) const noexcept {
  const SideState& side = streams_[slot].sides[index_of(which)];
  const HotFlow& flow = flows_[std::size_t{slot} * 2 + index_of(which)];
  const SequenceTracker& sequence = flow.sequence;
  SideReport report;
  report.packets = flow.packets;
  report.bytes = flow.bytes;
  report.rtcp_packets = side.rtcp_packets;
  report.lost = side.totals.lost + sequence.lost();
  report.dropped = side.dropped;
  report.after_close_packets = side.after_close;
  report.jitter_us = sequence.jitter_us();
  report.jitter_max_us = sequence.jitter_max_us();
  report.round_trip_us = side.round_trip.us();
  report.payload_type = sequence.payload_type();
  if (side.rtp_latch.is_locked()) report.remote = side.rtp_latch.source();
  if (side.rtcp_latch.is_locked()) report.remote_rtcp = side.rtcp_latch.source();
  if (side.settings.rtcp_mux) report.remote_rtcp = report.remote;
  for (std::size_t i = 0; i < side.settings.payload_count; ++i) {
    const PayloadFormat& format = side.settings.payloads[i];
    if (format.number != report.payload_type) continue;
    report.mos_times_100 = mos_times_100({.received = side.totals.received + sequence.received(),
                                          .lost = report.lost,
                                          .jitter_us = report.jitter_us,
                                          .round_trip_us = report.round_trip_us,
                                          .ie = format.ie,
                                          .bpl = format.bpl});
  }
  return report;
}

}  // namespace sallyport::media
