// registration_machine.cpp — RFC 3261 §10.2.1, §10.2.4, §10.2.7, §10.2.8; RFC 5626 §4.5 for the back-off.
#include "sipalg/trunk/registration_machine.h"

#include <algorithm>

namespace sallyport::sip {
namespace {

constexpr unsigned kLongerMax = 2;  // 423 that are believed one after the other
constexpr Duration kRefreshMargin = std::chrono::seconds(30);
constexpr std::uint32_t kRetryAfterMax = 3600;

// `base` times 90 to 109 percent.
Duration spread(Duration base, std::uint64_t chance) noexcept {
  return base / 100 * static_cast<std::int64_t>(90 + chance % 20);
}

}  // namespace

bool RegistrationMachine::is_due(Timestamp now) const noexcept { return next_at_ && *next_at_ <= now; }

Duration RegistrationMachine::lifetime_to_ask() const noexcept {
  return state_ == RegistrationState::Leaving ? Duration::zero() : expires_;  // RFC 3261 §10.2.2
}

void RegistrationMachine::on_sent() noexcept {
  if (state_ != RegistrationState::Leaving) state_ = RegistrationState::Asking;
  next_at_.reset();
}

RegistrationMachine::Next RegistrationMachine::on_result(const RegisterResult& result, std::uint64_t chance,
                                                         Timestamp now) noexcept {
  last_code_ = result.code;
  if (state_ == RegistrationState::Leaving) {
    state_ = RegistrationState::Gone;
    expires_at_.reset();
    next_at_.reset();
    return Next::Nothing;
  }
  if (state_ != RegistrationState::Asking) return Next::Nothing;
  if (result.code / 100 == 2 && result.expires_seconds != 0) {
    take_lifetime(result.expires_seconds, chance, now);
    return Next::Nothing;
  }
  const auto longer = std::chrono::seconds(result.min_expires);
  if (result.code == 423 && longer > expires_ && longer <= kLongestRegistration &&
      longer_asked_ < kLongerMax) {
    ++longer_asked_;
    expires_ = longer;  // RFC 3261 §10.2.8
    return Next::Again;
  }
  // Somebody else may do better: RFC 3263 §4.3. A refusal is a refusal everywhere.
  if (result.code == 408 || result.code / 100 == 5) return Next::NextTarget;
  back_off(result.retry_after, chance, now);
  return Next::Nothing;
}

void RegistrationMachine::on_none_left(std::uint64_t chance, Timestamp now) noexcept {
  if (state_ == RegistrationState::Leaving) {
    state_ = RegistrationState::Gone;
    next_at_.reset();
    return;
  }
  back_off(0, chance, now);
}

void RegistrationMachine::take_lifetime(std::uint32_t seconds, std::uint64_t chance, Timestamp now) noexcept {
  const Duration lifetime = std::min<Duration>(std::chrono::seconds(seconds), kLongestRegistration);
  // Four fifths, some percent earlier or later, and where there is room half a minute before the end.
  Duration until_refresh = spread(lifetime * 8 / 10, chance);
  if (lifetime > 2 * kRefreshMargin) until_refresh = std::min(until_refresh, lifetime - kRefreshMargin);
  state_ = RegistrationState::Registered;
  expires_at_ = now + lifetime;
  next_at_ = now + std::max<Duration>(until_refresh, std::chrono::seconds(1));
  back_off_ = Duration::zero();
  longer_asked_ = 0;
  has_failed_ = false;
}

void RegistrationMachine::back_off(std::uint32_t retry_after, std::uint64_t chance, Timestamp now) noexcept {
  back_off_ = std::clamp(2 * back_off_, kFirstBackOff, kLongestBackOff);
  const Duration asked = std::chrono::seconds(std::min(retry_after, kRetryAfterMax));
  state_ = RegistrationState::Waiting;
  next_at_ = now + std::max(spread(back_off_, chance), asked);  // RFC 3261 §20.33
  longer_asked_ = 0;
  has_failed_ = true;
}

void RegistrationMachine::hurry(Timestamp now) noexcept {
  if (state_ == RegistrationState::Waiting || state_ == RegistrationState::Registered) next_at_ = now;
}

void RegistrationMachine::postpone(Timestamp until) noexcept {
  if (state_ == RegistrationState::Asking) state_ = RegistrationState::Waiting;
  next_at_ = state_ == RegistrationState::Gone ? std::nullopt : std::optional(until);
}

void RegistrationMachine::leave(Timestamp now) noexcept {
  if (state_ == RegistrationState::Leaving || state_ == RegistrationState::Gone) return;
  const bool has_binding = is_registered(now) || state_ == RegistrationState::Asking;
  state_ = has_binding ? RegistrationState::Leaving : RegistrationState::Gone;
  next_at_ = has_binding ? std::optional(now) : std::nullopt;
}

}  // namespace sallyport::sip
