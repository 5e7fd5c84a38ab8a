// binding_seats.cpp — seats and their timers: RFC 3261 §10.3, RFC 5626 §4.4.
#include "sipalg/registrar/binding_seats.h"

#include <algorithm>
#include <utility>

namespace sallyport::sip {
namespace {

constexpr std::uint32_t kFirstSeats = 64;
constexpr unsigned kLooksPerCall = 1024;
constexpr Duration kEndAgain = std::chrono::seconds(2);
// Of the time between two keep-alives: one that was due when the program ended is not to come so much later
// that a router has forgotten the flow. RFC 4787 §4.3
constexpr int kSoonShare = 10;
constexpr Duration kSoon = std::chrono::seconds(5);

Timestamp deadline_of(const BindingSeat& seat) noexcept {
  const Timestamp end = seat.binding->expires;
  return seat.keepalive > Duration::zero() ? std::min(end, seat.heard + seat.keepalive) : end;
}

}  // namespace

BindingSeats::BindingSeats() : wheel_(kFirstSeats) {}

void BindingSeats::enter(SharedValue<Binding> binding, Timestamp now, Duration keepalive,
                         std::uint64_t chance) {
  const auto [found, is_new] = places_.try_emplace(binding->number, 0);
  if (is_new) {
    if (free_.empty()) {
      found->second = static_cast<std::uint32_t>(seats_.size());
      seats_.emplace_back();
      if (seats_.size() > kFirstSeats) wheel_.grow(static_cast<std::uint32_t>(seats_.capacity()));
    } else {
      found->second = free_.back();
      free_.pop_back();
    }
  }
  BindingSeat& seat = seats_[found->second];
  const bool is_later = !is_new && binding->expires >= seat.binding->expires && seat.keepalive == keepalive;
  seat.binding = std::move(binding);
  seat.unsettled = 0;
  seat.keepalive = keepalive;
  // The first one comes after half of the time at least.
  seat.heard = is_new ? now - keepalive / 200 * static_cast<std::int64_t>(chance % 100) : now;
  if (!is_later || !wheel_.is_armed(found->second)) wheel_.arm(found->second, deadline_of(seat));
}

void BindingSeats::hasten(std::uint64_t number, Timestamp now, std::uint64_t chance) {
  const auto found = places_.find(number);
  if (found == places_.end() || seats_[found->second].keepalive == Duration::zero()) return;
  BindingSeat& seat = seats_[found->second];
  const Duration soon = std::min<Duration>(seat.keepalive / kSoonShare, kSoon);
  seat.heard = now - seat.keepalive + soon / 100 * static_cast<std::int64_t>(chance % 100);
  wheel_.arm(found->second, deadline_of(seat));
}

void BindingSeats::leave(std::uint64_t number) {
  const auto found = places_.find(number);
  if (found == places_.end()) return;
  wheel_.disarm(found->second);
  seats_[found->second] = {};
  free_.push_back(found->second);
  places_.erase(found);
}

BindingSeat* BindingSeats::find(std::uint64_t number) noexcept {
  const auto found = places_.find(number);
  return found != places_.end() ? &seats_[found->second] : nullptr;
}

std::optional<BindingSeats::Due> BindingSeats::next_due(Timestamp now) {
  for (unsigned i = 0; i < kLooksPerCall; ++i) {
    const auto due = wheel_.pop_due(now);
    if (!due) return std::nullopt;
    BindingSeat& seat = seats_[*due];
    if (!seat.binding) continue;
    if (seat.binding->expires <= now) {
      wheel_.arm(*due, now + kEndAgain);
      return Due{&seat, Need::End};
    }
    const bool is_silent = seat.keepalive > Duration::zero() && seat.heard + seat.keepalive <= now;
    if (is_silent) seat.heard = now;
    wheel_.arm(*due, deadline_of(seat));
    if (is_silent) return Due{&seat, Need::KeepAlive};
  }
  return std::nullopt;
}

}  // namespace sallyport::sip
