// emergency_callbacks.cpp — see emergency_callbacks.h.
#include "policy/detect/emergency_callbacks.h"

#include <algorithm>
#include <optional>

#include "policy/detect/actor_keys.h"
#include "policy/detect/dialled_readings.h"
#include "policy/detect/second_of.h"

namespace sallyport::policy {

// A key that may lie on a disk: nothing else is hashed with it, and it tells nothing of the one it is from.
EmergencyCallbacks::EmergencyCallbacks(const HashKey& key) : words_(kCapacity) {
  const Hash128 own = keyed_hash128(key, "emergency callbacks");
  key_ = {own.low, own.high};
}

// 0: no number.
std::uint64_t EmergencyCallbacks::key_of(std::string_view number) const noexcept {
  const DialledReadings readings(number);
  std::string_view text = readings.plain();
  if (text.starts_with('+')) text.remove_prefix(1);
  if (text.size() > kDigitsCompared && text.find_first_not_of("0123456789") == std::string_view::npos)
    text = text.substr(text.size() - kDigitsCompared);
  return text.empty() ? 0 : std::max<std::uint64_t>(text_key(key_, text), 1);
}

void EmergencyCallbacks::note(std::string_view caller, Timestamp now, Timestamp until) noexcept {
  const std::uint64_t key = key_of(caller);
  if (key != 0 && until > now) extend(key, now, until);
}

void EmergencyCallbacks::extend(std::uint64_t key, Timestamp now, Timestamp until) noexcept {
  const auto worth = [at = second_of(now)](std::uint64_t state) { return state <= at ? 0 : state; };
  words_.change(key, worth, [&](std::optional<std::uint64_t> state) -> std::optional<std::uint64_t> {
    return std::max(second_of(until), state.value_or(0));
  });
  is_used_.store(true, std::memory_order_relaxed);
}

bool EmergencyCallbacks::holds(std::string_view called, Timestamp now) const noexcept {
  if (!is_used_.load(std::memory_order_relaxed)) return false;
  const std::uint64_t key = key_of(called);
  if (key == 0) return false;
  const std::optional<std::uint64_t> state = words_.find(key);
  return state && *state > second_of(now);
}

SavedCallbacks EmergencyCallbacks::saved(Timestamp now) const {
  SavedCallbacks out{key_, {}};
  words_.for_each([&](std::uint64_t key, std::uint64_t state) {
    if (state > second_of(now))
      out.entries.push_back({key, Timestamp(std::chrono::seconds(static_cast<std::int64_t>(state)))});
  });
  return out;
}

bool EmergencyCallbacks::restore(const SavedCallbacks& saved, Timestamp now, Duration age, Duration longest) {
  const bool is_same_key = saved.key.k0 == key_.k0 && saved.key.k1 == key_.k1;
  if ((is_used_.load(std::memory_order_relaxed) && !is_same_key) || saved.entries.size() > kCapacity ||
      age < Duration::zero())
    return false;
  key_ = saved.key;
  for (const SavedCallbacks::Entry& entry : saved.entries) {
    if (entry.until <= now) continue;
    const Timestamp until = std::min(entry.until - age, now + longest);
    if (until > now) extend(entry.number, now, until);
  }
  return true;
}

}  // namespace sallyport::policy
