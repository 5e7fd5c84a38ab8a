// sequence_tracker.h — what came of one RTP source and how evenly: RFC 3550 §A.1 (sequence numbers), §A.3
// (loss), §A.8 (jitter). State of the last SSRC only, so nobody can make it grow.
//
// Part of a flow's hot state: the usual packet (the next number of the same source) is decided inline.
#pragma once

#include <cstdint>

#include "policy/base/time.h"

namespace sallyport::media {

// Sums over the sources that a flow had before the present one.
struct SequenceTotals {
  std::uint64_t received = 0;
  std::uint64_t lost = 0;
};

struct RtpNumbers {
  std::uint32_t ssrc = 0;
  std::uint16_t sequence = 0;
  std::uint32_t timestamp = 0;
};

class SequenceTracker {
 public:
  // A packet of the present payload type. `totals` takes what ends with a change of source or a restart.
  void on_packet(Timestamp now, const RtpNumbers& rtp, SequenceTotals& totals) noexcept {
    if (on_sequence(rtp, totals)) on_arrival(now, rtp.timestamp);
  }
  // The number alone: a packet whose timestamp says nothing of when it was sent (RFC 4733 §2.5.1.2). False:
  // it does not count.
  bool on_sequence(const RtpNumbers& rtp, SequenceTotals& totals) noexcept {
    const auto step = static_cast<std::uint16_t>(rtp.sequence - static_cast<std::uint16_t>(highest_));
    if (rtp.ssrc != ssrc_ || probation_ != 0 || static_cast<std::uint16_t>(step - 1u) >= kDropoutMax - 1)
        [[unlikely]]
      return on_unusual(rtp, totals);
    highest_ += step;
    ++received_;
    return true;
  }
  // Another payload type, whose clock may be another: jitter begins anew at its next packet. 0: not known.
  void set_payload(std::uint8_t payload_type, std::uint32_t clock_rate) noexcept {
    payload_type_ = payload_type;
    if (clock_rate != clock_rate_) jitter_ = jitter_max_ = 0;
    clock_rate_ = clock_rate;
    has_transit_ = false;
  }
  [[nodiscard]] std::uint8_t payload_type() const noexcept { return payload_type_; }  // 0xff: none yet

  [[nodiscard]] bool has_source() const noexcept { return probation_ != kNothingHeard; }
  [[nodiscard]] std::uint32_t ssrc() const noexcept { return ssrc_; }
  [[nodiscard]] std::uint32_t highest() const noexcept { return highest_; }  // with cycles, RFC 3550 §6.4.1
  [[nodiscard]] std::uint32_t jitter() const noexcept { return jitter_ >> 4; }  // in units of the clock
  [[nodiscard]] std::uint32_t jitter_us() const noexcept { return to_us(jitter_); }
  [[nodiscard]] std::uint32_t jitter_max_us() const noexcept { return to_us(jitter_max_); }
  [[nodiscard]] std::uint32_t clock_rate() const noexcept { return clock_rate_; }
  // Of the present source, RFC 3550 §A.3.
  [[nodiscard]] std::uint32_t received() const noexcept { return received_; }
  [[nodiscard]] std::uint32_t expected() const noexcept { return received_ == 0 ? 0 : highest_ - base_ + 1; }
  [[nodiscard]] std::uint32_t lost() const noexcept {
    return expected() > received_ ? expected() - received_ : 0;
  }
  // The source's RTP timestamp at `now`, by its last packet. False: not known.
  [[nodiscard]] bool timestamp_at(Timestamp now, std::uint32_t& timestamp) const noexcept {
    timestamp = units(now) - transit_;
    return has_transit_;
  }

 private:
  static constexpr std::uint16_t kDropoutMax = 3000;  // RFC 3550 §A.1, as the two below
  static constexpr std::uint16_t kMisorderMax = 100;
  static constexpr std::uint8_t kSequentialMin = 2;
  static constexpr std::uint8_t kNothingHeard = 0xff;
  static constexpr std::uint32_t kNoSequence = 0x10000;

  // False: it does not count (RFC 3550 §A.1).
  bool on_unusual(const RtpNumbers& rtp, SequenceTotals& totals) noexcept;
  void begin(std::uint16_t sequence) noexcept;
  void fold(SequenceTotals& totals) noexcept;
  // RFC 3550 §A.8, with four bits of fraction.
  void on_arrival(Timestamp now, std::uint32_t timestamp) noexcept {
    if (clock_rate_ == 0) return;
    const std::uint32_t transit = units(now) - timestamp;
    const auto change = static_cast<std::int32_t>(transit - transit_);
    const std::uint32_t distance =
        change < 0 ? 0u - static_cast<std::uint32_t>(change) : static_cast<std::uint32_t>(change);
    const bool is_measure = has_transit_ && distance < clock_rate_ * kJumpSeconds;
    transit_ = transit;
    has_transit_ = true;
    // Deviates: a jump of the timestamps by seconds (a new device behind the same SSRC) is no jitter.
    if (!is_measure) return;
    jitter_ += distance - ((jitter_ + 8) >> 4);
    if (jitter_ > jitter_max_) jitter_max_ = jitter_;
  }
  // Nanoseconds to units of the clock: the factor is 2^64 / 10^9.
  [[nodiscard]] std::uint32_t units(Timestamp now) const noexcept {
    __extension__ using Wide = unsigned __int128;
    const auto ns = static_cast<std::uint64_t>(now.time_since_epoch().count());
    return static_cast<std::uint32_t>(Wide{ns} * (clock_rate_ * std::uint64_t{18446744074}) >> 64);
  }
  [[nodiscard]] std::uint32_t to_us(std::uint32_t jitter_q4) const noexcept {
    return clock_rate_ == 0
               ? 0
               : static_cast<std::uint32_t>(std::uint64_t{jitter_q4} * 1'000'000 / 16 / clock_rate_);
  }
  static constexpr std::uint32_t kJumpSeconds = 4;

  std::uint32_t ssrc_ = 0;
  std::uint32_t highest_ = 0;  // cycles in the upper half
  std::uint32_t base_ = 0;
  std::uint32_t received_ = 0;
  std::uint32_t bad_sequence_ = kNoSequence;
  std::uint32_t jitter_ = 0, jitter_max_ = 0;  // in sixteenths of the clock's units
  std::uint32_t transit_ = 0;
  std::uint32_t clock_rate_ = 0;
  std::uint8_t probation_ = kNothingHeard;
  bool has_transit_ = false;
  std::uint8_t payload_type_ = 0xff;
};
static_assert(sizeof(SequenceTracker) == 40);

}  // namespace sallyport::media
