// shared_table.h — shared values by key, for many threads: many stripes, each with a lock that is held for as
// long as it takes to find a key and to copy a pointer. What the values are is as in shared_value.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "policy/base/keyed_hash.h"
#include "policy/base/shared_value.h"

namespace sallyport {

// A key is a keyed PRF of what a stranger chose (it stands for that, threats R6), or a number that we gave
// out.
struct SharedKeyHash {
  std::size_t operator()(const Hash128& key) const noexcept { return key.low; }
  std::size_t operator()(std::uint64_t number) const noexcept { return number * 0x9e3779b97f4a7c15u; }
};

// Grows with what is in it: whoever puts keeps count.
template <class Key, class Value>
class SharedTable {
 public:
  // Null when it is not there.
  [[nodiscard]] SharedValue<Value> find(const Key& key) const {
    const Stripe& stripe = stripes_[stripe_of(key)];
    const std::lock_guard lock(stripe.mutex);
    const auto found = stripe.values.find(key);
    return found != stripe.values.end() ? found->second : nullptr;
  }
  [[nodiscard]] bool has(const Key& key) const {
    const Stripe& stripe = stripes_[stripe_of(key)];
    const std::lock_guard lock(stripe.mutex);
    return stripe.values.contains(key);
  }
  // Null takes it out. What was there before.
  SharedValue<Value> put(const Key& key, SharedValue<Value> next) {
    SharedValue<Value> old;  // goes after the lock
    change(key, [&](const SharedValue<Value>& there) {
      old = there;
      return std::move(next);
    });
    return old;
  }
  // Puts what `make` makes of what is there, null for nothing. It is short, and touches no table.
  template <class Make>
  void change(const Key& key, Make make) {
    SharedValue<Value> old;  // goes after the lock
    Stripe& stripe = stripes_[stripe_of(key)];
    const std::lock_guard lock(stripe.mutex);
    const auto found = stripe.values.find(key);
    const bool is_there = found != stripe.values.end();
    if (is_there) old = found->second;
    SharedValue<Value> next = make(old);
    if (is_there && next)
      found->second = std::move(next);
    else if (is_there)
      stripe.values.erase(found);
    else if (next)
      stripe.values.emplace(key, std::move(next));
  }

 private:
  static constexpr std::size_t kStripes = 64;
  struct alignas(64) Stripe {
    mutable std::mutex mutex;
    std::unordered_map<Key, SharedValue<Value>, SharedKeyHash> values;
  };
  static std::size_t stripe_of(const Hash128& key) noexcept { return key.high % kStripes; }
  static std::size_t stripe_of(std::uint64_t number) noexcept {
    return (SharedKeyHash()(number) >> 32) % kStripes;
  }

  std::array<Stripe, kStripes> stripes_;
};

}  // namespace sallyport
