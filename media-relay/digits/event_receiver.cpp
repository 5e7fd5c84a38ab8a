// event_receiver.cpp — see event_receiver.h.
#include "media-relay/digits/event_receiver.h"

#include <algorithm>

namespace sallyport::media {
namespace {

// A timestamp that is older by more is of a source that began anew.
constexpr Duration kOldFor = 2s;

bool is_newer(std::uint32_t timestamp, std::uint32_t than) noexcept {
  return static_cast<std::int32_t>(timestamp - than) > 0;
}

}  // namespace

// A long event goes on in segments: the next one begins where the one before was full. RFC 4733 §2.5.1.3
bool EventReceiver::is_continued_by(const Packet& packet) const noexcept {
  constexpr std::uint16_t kNearlyFull = 0x8000;  // its last packets may be lost
  return !packet.is_marked && packet.event.code == code_ && duration_ >= kNearlyFull &&
         packet.rtp.timestamp - timestamp_ <= 0xffff;
}

void EventReceiver::on_packet(const Packet& packet) noexcept {
  if (packet.event.code > kFlashEvent) return;  // tones: no keys
  const bool is_same_source = state_ != State::None && packet.rtp.ssrc == ssrc_;
  const bool is_same = is_same_source && packet.rtp.timestamp == timestamp_;
  if (is_same && state_ == State::Ended) return;
  if (is_same_source && !is_same && !is_newer(packet.rtp.timestamp, timestamp_) &&
      packet.now - last_at_ < kOldFor)
    return;  // of an event that is over
  if (state_ == State::Running && !is_same) {
    if (is_same_source && is_continued_by(packet)) {
      units_before_ += packet.rtp.timestamp - timestamp_;
      timestamp_ = packet.rtp.timestamp;
      duration_ = 0;
    } else {
      end();
    }
  }
  if (state_ != State::Running) {
    state_ = State::Running;
    units_before_ = 0;
    ssrc_ = packet.rtp.ssrc;
    timestamp_ = packet.rtp.timestamp;
    clock_rate_ = packet.clock_rate;
    duration_ = 0;
    code_ = packet.event.code;
  }
  last_at_ = packet.now;
  duration_ = std::max(duration_, packet.event.duration);
  if (packet.event.is_end) end();
}

void EventReceiver::on_time(Timestamp now) noexcept {
  if (state_ == State::Running && now - last_at_ >= kEventSilence) end();
}

void EventReceiver::end() noexcept {
  state_ = State::Ended;
  if (count_ == kHeardMax) return;
  const std::uint64_t ms = clock_rate_ == 0 ? 0 : (units_before_ + duration_) * 1000 / clock_rate_;
  heard_[(first_ + count_) % kHeardMax] = {code_,
                                           static_cast<std::uint16_t>(std::min<std::uint64_t>(ms, 0xffff))};
  ++count_;
}

void EventReceiver::take_digit() noexcept {
  first_ = static_cast<std::uint8_t>((first_ + 1u) % kHeardMax);
  --count_;
}

}  // namespace sallyport::media
