// event_receiver.h — makes one digit of the packets of one event: RFC 4733 §2.5.1.3, §2.5.1.4, §2.5.2.
//
//   state     packet or time                                   next      digit
//   -         a new timestamp                                  Running
//   Running   the same timestamp                               Running   longer
//   Running   a new timestamp that continues a long event      Running   longer (RFC 4733 §2.5.1.3)
//   Running   the end, or nothing for kEventSilence            Ended     told
//   Running   another event, or another source                 Running   the one before is told: its end was
//   lost Ended     the same timestamp again, or an older one        Ended     it was told
// A packet with the end that is the first one heard of its event makes a digit at once.
#pragma once

#include <array>
#include <cstdint>
#include <type_traits>

#include "media-relay/control/media_command.h"
#include "media-relay/quality/sequence_tracker.h"
#include "media-relay/wire/telephone_event.h"
#include "policy/base/time.h"

namespace sallyport::media {

// Longer than updates are apart, even when two of them are lost in a row. RFC 4733 §2.5.1.2: 50 ms
inline constexpr Duration kEventSilence = 250ms;

class EventReceiver {
 public:
  struct Packet {
    Timestamp now;
    RtpNumbers rtp;
    bool is_marked = false;
    TelephoneEvent event;
    std::uint32_t clock_rate = 8000;
  };
  void on_packet(const Packet& packet) noexcept;
  void on_time(Timestamp now) noexcept;

  // Digits that were heard, in order, until they are taken. Those that find no room are lost.
  [[nodiscard]] bool has_digit() const noexcept { return count_ != 0; }
  [[nodiscard]] const Digit& digit() const noexcept { return heard_[first_]; }
  void take_digit() noexcept;
  // Time may still end an event, or a digit is to be taken.
  [[nodiscard]] bool is_busy() const noexcept { return state_ == State::Running || has_digit(); }

 private:
  static constexpr std::size_t kHeardMax = 8;
  enum class State : std::uint8_t { None, Running, Ended };
  void end() noexcept;
  [[nodiscard]] bool is_continued_by(const Packet& packet) const noexcept;

  Timestamp last_at_{};
  std::uint64_t units_before_ = 0;  // of the segments before this one
  std::uint32_t ssrc_ = 0, timestamp_ = 0, clock_rate_ = 8000;
  std::uint16_t duration_ = 0;
  std::uint8_t code_ = 0;
  State state_ = State::None;
  std::uint8_t first_ = 0, count_ = 0;
  std::array<Digit, kHeardMax> heard_{};
};
static_assert(std::is_trivially_copyable_v<EventReceiver>);

}  // namespace sallyport::media
