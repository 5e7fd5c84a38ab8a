// subscription_table.h — all subscriptions of one engine, by number, with one timer each. The capacity is
// fixed; memory grows with what is there.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "policy/base/id_map.h"
#include "policy/base/timer_wheel.h"
#include "sipalg/exchange/subscription.h"

namespace sallyport::sip {

class SubscriptionTable {
 public:
  explicit SubscriptionTable(std::uint32_t capacity);

  // Null: the table is full, or the number is taken. The pointer is good until it is erased.
  [[nodiscard]] Subscription* make(std::uint64_t number, Timestamp now);
  [[nodiscard]] Subscription* find(std::uint64_t number) noexcept;
  // Under another number from now on: what knows the old one means nothing any more.
  void rename(Subscription& subscription, std::uint64_t number) noexcept;
  void erase(std::uint64_t number) noexcept;
  // After each change of its deadline.
  void arm(const Subscription& subscription) noexcept;
  [[nodiscard]] Subscription* pop_due(Timestamp now) noexcept;
  [[nodiscard]] std::optional<Timestamp> next_deadline() const noexcept { return wheel_.next_deadline(); }

  [[nodiscard]] std::uint32_t size() const noexcept { return slots_.size(); }
  [[nodiscard]] bool full() const noexcept { return slots_.full(); }
  // In no order.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (const std::unique_ptr<Subscription>& one : entries_)
      if (one) visit(*one);
  }

 private:
  std::vector<std::unique_ptr<Subscription>> entries_;  // by slot; null: free
  std::vector<std::uint32_t> free_;                     // slots that were used before
  IdMap slots_;
  TimerWheel wheel_;
};

}  // namespace sallyport::sip
