// event_sender.cpp — see event_sender.h.
#include "media-relay/digits/event_sender.h"

#include <algorithm>

#include "media-relay/wire/rtp_header.h"
#include "media-relay/wire/telephone_event.h"

namespace sallyport::media {
namespace {

constexpr std::uint8_t kEndsMax = 3;  // RFC 4733 §2.5.1.4
constexpr Duration kClosingMax = 40ms;
constexpr Duration kPause = 40ms;     // between keys: those who hear tones want as much
constexpr Duration kLateMax = 100ms;  // what was not sent for so long is not made up for
constexpr int kMisorderMax = 100;     // RFC 3550 §A.1

std::int16_t step_from(std::uint16_t from, std::uint16_t to) noexcept {
  return static_cast<std::int16_t>(static_cast<std::uint16_t>(to - from));
}

std::uint16_t sum(std::uint16_t a, int b) noexcept { return static_cast<std::uint16_t>(a + b); }

}  // namespace

bool EventSender::add(const Digit& digit) noexcept {
  if (count_ == kDigitsQueuedMax) return false;
  queue_[(first_ + count_) % kDigitsQueuedMax] = {
      digit.event, std::clamp(digit.duration_ms, kDigitShortestMs, kDigitLongestMs)};
  ++count_;
  return true;
}

bool EventSender::is_due(Timestamp now) noexcept {
  if (state_ == State::Idle) return count_ != 0;
  if (now < next_at_) return false;
  if (state_ == State::Sending) return true;
  if (state_ == State::Closing)
    resume(now);
  else
    state_ = State::Idle;
  return state_ == State::Idle && count_ != 0;
}

void EventSender::begin(Timestamp now, const Voice& voice, const EventFormat& format) noexcept {
  if (!has_numbers_ || (voice.is_heard && voice.ssrc != ssrc_)) {
    has_numbers_ = true;
    has_first_after_ = false;
    ssrc_ = voice.ssrc;
    newest_ = voice.sequence;
    offset_ = 0;
  } else if (has_first_after_ && step_from(first_after_, newest_) > kMisorderMax) {
    has_first_after_ = false;
  }
  digit_ = queue_[first_];
  first_ = static_cast<std::uint8_t>((first_ + 1u) % kDigitsQueuedMax);
  --count_;
  state_ = State::Sending;
  payload_type_ = format.number & 0x7f;
  clock_rate_ = format.clock_rate;
  timestamp_ = voice.timestamp;
  // One segment: no key is pressed for longer. RFC 4733 §2.5.1.3
  units_max_ = std::min<std::uint32_t>(
      static_cast<std::uint32_t>(std::uint64_t{digit_.duration_ms} * clock_rate_ / 1000), 0xffff);
  units_ = 0;
  last_ = sum(newest_, offset_);
  held_ = sent_ = 0;
  ends_ = 0;
  next_at_ = now;
}

void EventSender::write(Timestamp now, std::uint8_t* to) noexcept {
  const bool is_first = sent_ == 0;
  const std::uint32_t step = std::max<std::uint32_t>(
      static_cast<std::uint32_t>(std::uint64_t{clock_rate_} *
                                 static_cast<std::uint64_t>(kEventPeriod.count()) / 1'000'000'000),
      1);
  units_ = std::min(units_ + step, units_max_);
  const bool is_end = units_ == units_max_;
  to[0] = 0x80;
  to[1] = static_cast<std::uint8_t>((is_first ? 0x80 : 0) | payload_type_);  // RFC 4733 §2.5.1.1
  write_u16(to + 2, ++last_);
  write_u32(to + 4, timestamp_);
  write_u32(to + 8, ssrc_);
  write_event(to + kRtpHeaderBytes,
              {.code = digit_.event, .is_end = is_end, .duration = static_cast<std::uint16_t>(units_)});
  ++sent_;
  next_at_ = now - next_at_ > kLateMax ? now + kEventPeriod : next_at_ + kEventPeriod;
  if (!is_end || ++ends_ < kEndsMax) return;
  state_ = State::Closing;
  next_at_ = now + kClosingMax;
  if (held_ >= sent_) resume(now);
}

// What of the voice comes next follows the event's last packet.
void EventSender::resume(Timestamp now) noexcept {
  offset_ = sum(last_, -newest_);
  first_after_ = sum(newest_, 1);
  has_first_after_ = true;
  state_ = State::Pause;
  next_at_ = now + kPause;
}

// A source that begins anew far below goes on where it was.
void EventSender::follow(std::uint16_t sequence) noexcept {
  const int step = step_from(newest_, sequence);
  if (step > 0) {
    if (state_ == State::Sending || state_ == State::Closing) held_ = sum(held_, step);
    newest_ = sequence;
  } else if (step < -kMisorderMax) {
    offset_ = sum(sum(newest_, offset_), 1 - sequence);
    newest_ = sequence;
    has_first_after_ = false;
  }
}

bool EventSender::pass(Timestamp now, std::uint32_t ssrc, std::uint16_t& sequence) noexcept {
  const bool is_holding = state_ == State::Sending || state_ == State::Closing;
  if (!has_numbers_ || ssrc != ssrc_) return !is_holding;
  follow(sequence);
  if (is_holding) {
    if (state_ == State::Closing && held_ >= sent_) resume(now);
    return false;
  }
  if (has_first_after_) {
    const int step = step_from(first_after_, sequence);
    if (step < 0) return false;  // too late: its place has gone to the event
    if (step > kMisorderMax) has_first_after_ = false;
  }
  sequence = sum(sequence, offset_);
  return true;
}

}  // namespace sallyport::media
