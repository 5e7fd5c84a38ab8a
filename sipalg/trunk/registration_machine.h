// registration_machine.h — our registration at one peer, as a state machine without messages: RFC 3261 §10.2,
// RFC 6140 §5.2.
//
//   state        input                               next         what happens
//   Waiting      its time has come                   Asking       REGISTER to the first target that is up
//   Asking       2xx with a lifetime                 Registered   refresh before it ends
//   Asking       423 with a longer Min-Expires       Asking       once more, with that lifetime
//   Asking       silence, 408, 5xx, no connection    Asking       the next target; none left: Waiting
//   Asking       any other failure                   Waiting      back-off from 30 s to 10 min
//   Registered   refresh is due                      Asking       the old binding lives until it ends
//   any          leave                               Leaving      REGISTER with a lifetime of 0
//   Leaving      any end                             Gone
// Targets are named by their place in the list that the owner has; it says which are up.
#pragma once

#include <cstdint>
#include <optional>

#include "policy/base/time.h"
#include "policy/model/peer.h"

namespace sallyport::sip {

inline constexpr Duration kFirstBackOff = std::chrono::seconds(30);
inline constexpr Duration kLongestBackOff = std::chrono::minutes(10);
inline constexpr Duration kLongestRegistration = std::chrono::hours(24 * 7);

enum class RegistrationState : std::uint8_t { Waiting, Asking, Registered, Leaving, Gone };

// What came of one REGISTER.
struct RegisterResult {
  std::uint16_t code = 0;             // 408, 503: ours, for silence and for a broken way
  std::uint32_t expires_seconds = 0;  // 2xx: granted
  std::uint32_t min_expires = 0;      // 423
  std::uint32_t retry_after = 0;      // seconds; 0: none
};

class RegistrationMachine {
 public:
  // What the owner does next.
  enum class Next : std::uint8_t {
    Nothing,
    Again,       // REGISTER once more, to the same target
    NextTarget,  // REGISTER to the next one that is up and was not asked; on_none_left() when there is none
  };

  RegistrationMachine(Duration expires, Timestamp first_at) noexcept
      : expires_(expires), next_at_(first_at) {}

  [[nodiscard]] bool is_due(Timestamp now) const noexcept;
  void on_sent() noexcept;
  // `chance`: anything random; it spreads refreshes and retries by some percent.
  [[nodiscard]] Next on_result(const RegisterResult& result, std::uint64_t chance, Timestamp now) noexcept;
  void on_none_left(std::uint64_t chance, Timestamp now) noexcept;
  // The way to the registrar is gone, or the targets are others now: ask at once.
  void hurry(Timestamp now) noexcept;
  // There is nobody to be asked yet, or no way to send it: it is due then.
  void postpone(Timestamp until) noexcept;
  // To be asked for from the next time on.
  void set_lifetime(Duration expires) noexcept { expires_ = expires; }
  void leave(Timestamp now) noexcept;

  [[nodiscard]] RegistrationState state() const noexcept { return state_; }
  // A binding is alive.
  [[nodiscard]] bool is_registered(Timestamp now) const noexcept { return expires_at_ && now < *expires_at_; }
  // The last try came to nothing.
  [[nodiscard]] bool has_failed() const noexcept { return has_failed_; }
  [[nodiscard]] Duration lifetime_to_ask() const noexcept;
  [[nodiscard]] std::optional<Timestamp> expires_at() const noexcept { return expires_at_; }
  [[nodiscard]] std::optional<Timestamp> next_at() const noexcept { return next_at_; }
  [[nodiscard]] std::uint16_t last_code() const noexcept { return last_code_; }

 private:
  void take_lifetime(std::uint32_t seconds, std::uint64_t chance, Timestamp now) noexcept;
  void back_off(std::uint32_t retry_after, std::uint64_t chance, Timestamp now) noexcept;

  Duration expires_;
  RegistrationState state_ = RegistrationState::Waiting;
  std::optional<Timestamp> next_at_, expires_at_;
  Duration back_off_{};
  std::uint16_t last_code_ = 0;
  std::uint8_t longer_asked_ = 0;  // 423 in a row
  bool has_failed_ = false;
};

}  // namespace sallyport::sip
