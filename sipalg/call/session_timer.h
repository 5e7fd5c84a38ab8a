// session_timer.h — how long a session lasts on one leg without being refreshed, and by whom it is: RFC 4028
// §4, §7, §9, §10. Each leg has a timer of its own.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "policy/base/time.h"
#include "sipalg/message/sip_message.h"

namespace sallyport::sip {

inline constexpr std::uint32_t kMinSessionSeconds = 90;           // Min-SE of ours, RFC 4028 §5
inline constexpr std::uint32_t kMaxSessionSeconds = 30 * 86'400;  // no call lasts longer
inline constexpr std::uint32_t kMaxAskedMinSeconds =
    86'400;                                            // a Min-SE beyond a day is no wish but a refusal
inline constexpr std::uint8_t kSmallIntervalsMax = 2;  // 422s that are followed

enum class Refresher : std::uint8_t { None, Uac, Uas };

// What one message says of session timers.
struct SessionWish {
  std::optional<std::uint32_t>
      seconds;                    // Session-Expires; nothing too when it can't be read, or stands twice
  std::uint32_t min_seconds = 0;  // Min-SE; 0: none
  Refresher refresher = Refresher::None;
  bool supports = false;  // Supported: timer
  template <class Archive>
  void archive(Archive& a) {
    a(seconds, min_seconds, refresher, supports);
  }
};
[[nodiscard]] SessionWish session_wish(const SipMessage& message) noexcept;
// The request must have 422. RFC 4028 §9
[[nodiscard]] bool is_interval_too_small(const SessionWish& wish) noexcept;

struct SessionTimer {
  std::uint32_t seconds = 0;                       // Session-Expires
  std::uint32_t min_seconds = kMinSessionSeconds;  // the largest Min-SE heard on this leg, or our own
  std::uint8_t small_intervals = 0;                // 422s since the last success
  bool is_ours = false;                            // we refresh it
  Timestamp begun{};
  Timestamp due{};  // we refresh then, or the session is over
  template <class Archive>
  void archive(Archive& a) {
    a(seconds, min_seconds, small_intervals, is_ours, begun, due);
  }
};

// As if it had just been refreshed. RFC 4028 §10
void begin(SessionTimer& timer, Timestamp now) noexcept;
// From then on whoever does not refresh has failed to: at the interval's end minus the lesser of 32 s and a
// third of it. RFC 4028 §10
[[nodiscard]] Timestamp end_of(const SessionTimer& timer) noexcept;
// We can't refresh just now: again after `wait`, but not behind the end.
void postpone(SessionTimer& timer, Timestamp now, Duration wait) noexcept;

// What our 2xx to a request with that wish says, where our own wish is `seconds`; nothing: no timer.
// `before`: of that leg until now, or null. RFC 4028 §9
[[nodiscard]] std::optional<SessionTimer> agreed_as_uas(const SessionWish& theirs, std::uint32_t seconds,
                                                        const SessionTimer* before) noexcept;
// What a 2xx to our request says. RFC 4028 §7.2
[[nodiscard]] std::optional<SessionTimer> agreed_as_uac(const SessionWish& answer,
                                                        const SessionTimer* before) noexcept;
// After a 422: false when there is no larger Min-SE in it, or none that makes sense, or it was the last that
// is followed. `seconds` and `min_seconds` are raised. RFC 4028 §7.3
[[nodiscard]] bool raise(std::uint32_t& seconds, std::uint32_t& min_seconds, std::uint8_t& times,
                         const SessionWish& refusal) noexcept;

// Whole header lines.
[[nodiscard]] std::string lines_for_answer(const SessionTimer& timer, const SessionWish& theirs);
[[nodiscard]] std::string lines_for_request(const SessionTimer& timer);
// Of an INVITE that begins a dialog: who refreshes is left to the other side. RFC 4028 §7.1
[[nodiscard]] std::string lines_for_invite(std::uint32_t seconds, std::uint32_t min_seconds);

}  // namespace sallyport::sip
