// punished_flows.h — flows (address and port) that are dropped for a while, where others behind the address
// have earned trust: bounded, asked for each message without a lock. In a full line the one goes whose
// punishment ends first.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "policy/base/time.h"
#include "policy/decide/keyed_words.h"

namespace sallyport::policy {

class PunishedFlows {
 public:
  explicit PunishedFlows(std::size_t capacity) : words_(capacity) {}

  // `is_proved`: what it is punished for can't have been forged. Until then at least.
  void enter(std::uint64_t flow, Timestamp now, Timestamp until, bool is_proved) noexcept;
  enum class Standing : std::uint8_t { Free, PunishedUnproved, Punished };
  [[nodiscard]] Standing standing(std::uint64_t flow, Timestamp now) const noexcept;
  // None ever was: there is nothing to look up.
  [[nodiscard]] bool is_empty() const noexcept { return !is_used_.load(std::memory_order_relaxed); }

  [[nodiscard]] static std::size_t memory_for(std::size_t capacity) noexcept {
    return Words::memory_for(capacity);
  }

 private:
  // From the top: 35 bits of the hash, 28 bits of the second in which it ends, whether it is proved.
  using Words = KeyedWords<29>;
  Words words_;
  std::atomic<bool> is_used_{false};
};

}  // namespace sallyport::policy
