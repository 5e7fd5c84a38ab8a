// subscription_table.cpp — slots, numbers and timers of subscriptions.
#include "sipalg/exchange/subscription_table.h"

#include <algorithm>

#include "policy/base/check.h"

namespace sallyport::sip {

SubscriptionTable::SubscriptionTable(std::uint32_t capacity)
    : slots_(std::max<std::uint32_t>(capacity, 1)), wheel_(std::max<std::uint32_t>(capacity, 1)) {}

Subscription* SubscriptionTable::make(std::uint64_t number, Timestamp now) {
  if (full() || slots_.find(number)) return nullptr;
  if (size() == 0) (void)wheel_.pop_due(now);  // it may be new: time starts here
  std::uint32_t slot = static_cast<std::uint32_t>(entries_.size());
  if (free_.empty()) {
    entries_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  const bool inserted = slots_.insert(number, slot);
  SALLYPORT_CHECK(inserted);
  entries_[slot] = std::make_unique<Subscription>();
  entries_[slot]->number = number;
  return entries_[slot].get();
}

Subscription* SubscriptionTable::find(std::uint64_t number) noexcept {
  const auto slot = slots_.find(number);
  return slot ? entries_[*slot].get() : nullptr;
}

void SubscriptionTable::rename(Subscription& subscription, std::uint64_t number) noexcept {
  const auto slot = slots_.find(subscription.number);
  SALLYPORT_CHECK(slot.has_value());
  slots_.erase(subscription.number);
  const bool inserted = slots_.insert(number, *slot);
  SALLYPORT_CHECK(inserted);
  subscription.number = number;
}

void SubscriptionTable::erase(std::uint64_t number) noexcept {
  const auto slot = slots_.find(number);
  if (!slot) return;
  wheel_.disarm(*slot);
  slots_.erase(number);
  entries_[*slot].reset();
  free_.push_back(*slot);
}

void SubscriptionTable::arm(const Subscription& subscription) noexcept {
  if (const auto slot = slots_.find(subscription.number)) wheel_.arm(*slot, subscription.deadline());
}

Subscription* SubscriptionTable::pop_due(Timestamp now) noexcept {
  const auto slot = wheel_.pop_due(now);
  return slot ? entries_[*slot].get() : nullptr;
}

}  // namespace sallyport::sip
