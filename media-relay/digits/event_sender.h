// event_sender.h — sends digits as events in the place of somebody's voice: RFC 4733 §2.5.1.
//
// Same SSRC, one row of sequence numbers: while an event is sent the voice is held back, as receivers expect
// that would play both, and what comes after is numbered on. Voice that comes as fast as events leave needs
// no new numbers: it is held back for as many packets as were sent. The timestamp of an event is that of the
// voice at its beginning.
//
//   state    time or voice                                             next
//   Idle     a digit waits                                             Sending   marked first packet
//   Sending  20 ms                                                     Sending   duration grows; end three
//   times Sending  the end was sent three times                              Closing Closing  as many packets
//   of voice were held back, or 40 ms passed  Pause Pause    40 ms Idle
#pragma once

#include <array>
#include <cstdint>
#include <type_traits>

#include "media-relay/control/media_command.h"
#include "policy/base/time.h"

namespace sallyport::media {

inline constexpr Duration kEventPeriod = 20ms;
inline constexpr std::uint16_t kDigitShortestMs = 40, kDigitLongestMs = 5000;
inline constexpr std::size_t kDigitsQueuedMax = 32;
inline constexpr std::size_t kEventPacketBytes = 16;

class EventSender {
 public:
  // The voice in whose place events are sent; without any the numbers are our own.
  struct Voice {
    std::uint32_t ssrc = 0;
    std::uint16_t sequence = 0;   // of its newest packet, as it came
    std::uint32_t timestamp = 0;  // now
    bool is_heard = true;         // it has sent something; else the sequence number is any
  };

  // False: too many wait.
  bool add(const Digit& digit) noexcept;
  // A packet may be due, or time may change something else.
  [[nodiscard]] bool is_busy() const noexcept { return state_ != State::Idle || count_ != 0; }
  // A packet is due: begin() where is_to_begin(), then write().
  [[nodiscard]] bool is_due(Timestamp now) noexcept;
  [[nodiscard]] bool is_to_begin() const noexcept { return state_ == State::Idle; }
  void begin(Timestamp now, const Voice& voice, const EventFormat& format) noexcept;
  // What waits is given up: there is nowhere to send it to.
  void clear() noexcept { count_ = 0; }
  // kEventPacketBytes of RTP.
  void write(Timestamp now, std::uint8_t* to) noexcept;

  // The voice is in a row with what was sent: it passes by here from now on.
  [[nodiscard]] bool has_numbers() const noexcept { return has_numbers_; }
  // A packet of voice on its way to the same side. False: it is held back. Else `sequence` is its number now.
  [[nodiscard]] bool pass(Timestamp now, std::uint32_t ssrc, std::uint16_t& sequence) noexcept;

 private:
  enum class State : std::uint8_t { Idle, Sending, Closing, Pause };
  void resume(Timestamp now) noexcept;
  void follow(std::uint16_t sequence) noexcept;

  Timestamp next_at_{};
  std::uint32_t ssrc_ = 0;
  std::uint32_t timestamp_ = 0;  // of the event
  std::uint32_t clock_rate_ = 8000;
  std::uint32_t units_ = 0;        // of the event so far
  std::uint32_t units_max_ = 0;    // when it ends
  std::uint16_t newest_ = 0;       // of the voice, as it came
  std::uint16_t offset_ = 0;       // from what came to what leaves
  std::uint16_t last_ = 0;         // sent of an event
  std::uint16_t held_ = 0;         // of voice
  std::uint16_t sent_ = 0;         // packets of this event
  std::uint16_t first_after_ = 0;  // of the voice behind the last event
  Digit digit_;
  State state_ = State::Idle;
  std::uint8_t ends_ = 0;  // how often the end was sent
  std::uint8_t payload_type_ = 0;
  bool has_numbers_ = false;  // ssrc_ and all that belongs to it
  bool has_first_after_ = false;
  std::uint8_t first_ = 0, count_ = 0;
  std::array<Digit, kDigitsQueuedMax> queue_{};
};
static_assert(std::is_trivially_copyable_v<EventSender>);

}  // namespace sallyport::media
