// sequence_tracker.cpp — the rarer cases of RFC 3550 §A.1: new source, restart, jump, late packet.
#include "media-relay/quality/sequence_tracker.h"

namespace sallyport::media {

bool SequenceTracker::on_unusual(const RtpNumbers& rtp, SequenceTotals& totals) noexcept {
  if (!has_source() || rtp.ssrc != ssrc_) {
    fold(totals);
    ssrc_ = rtp.ssrc;
    has_transit_ = false;
    begin(static_cast<std::uint16_t>(rtp.sequence - 1u));
    received_ = 0;
    probation_ = kSequentialMin;
  }
  const auto step = static_cast<std::uint16_t>(rtp.sequence - static_cast<std::uint16_t>(highest_));
  if (probation_ != 0) {  // RFC 3550 §A.1
    probation_ = step == 1 ? static_cast<std::uint8_t>(probation_ - 1) : kSequentialMin - 1;
    if (probation_ == 0) begin(rtp.sequence);
    highest_ = rtp.sequence;
    return probation_ == 0;
  }
  // Deviates: the newest packet once more does not make up for a lost one.
  if (step == 0) return false;
  if (step < kDropoutMax) {
    highest_ += step;
  } else if (step <= 0x10000 - kMisorderMax) {  // a jump: believed when the next number follows
    if (rtp.sequence != bad_sequence_) {
      bad_sequence_ = (rtp.sequence + 1u) & 0xffff;
      return false;
    }
    fold(totals);
    has_transit_ = false;
    begin(rtp.sequence);
    return true;
  }
  ++received_;
  return true;
}

void SequenceTracker::begin(std::uint16_t sequence) noexcept {
  base_ = highest_ = sequence;
  received_ = 1;
  bad_sequence_ = kNoSequence;
}

void SequenceTracker::fold(SequenceTotals& totals) noexcept {
  totals.received += received_;
  totals.lost += lost();
  received_ = 0;
}

}  // namespace sallyport::media
