// call_table.cpp — slots, numbers and timers of calls.
#include "sipalg/call/call_table.h"

#include "policy/base/check.h"

namespace sallyport::sip {

CallTable::CallTable(std::uint32_t capacity) : calls_(capacity), slots_(capacity), wheel_(capacity) {
  free_.reserve(capacity);
  for (std::uint32_t slot = capacity; slot-- > 0;) free_.push_back(slot);
}

Call* CallTable::make(std::uint64_t number) {
  if (free_.empty() || slots_.find(number)) return nullptr;
  const std::uint32_t slot = free_.back();
  free_.pop_back();
  const bool inserted = slots_.insert(number, slot);
  SALLYPORT_CHECK(inserted);
  calls_[slot] = std::make_unique<Call>();
  calls_[slot]->number = number;
  ++size_;
  return calls_[slot].get();
}

Call* CallTable::find(std::uint64_t number) noexcept {
  const auto slot = slots_.find(number);
  return slot ? calls_[*slot].get() : nullptr;
}

const Call* CallTable::find(std::uint64_t number) const noexcept {
  const auto slot = slots_.find(number);
  return slot ? calls_[*slot].get() : nullptr;
}

void CallTable::erase(std::uint64_t number) noexcept {
  const auto slot = slots_.find(number);
  if (!slot) return;
  wheel_.disarm(*slot);
  slots_.erase(number);
  calls_[*slot].reset();
  free_.push_back(*slot);
  --size_;
}

void CallTable::arm(std::uint64_t number, std::optional<Timestamp> deadline) noexcept {
  const auto slot = slots_.find(number);
  if (!slot) return;
  if (deadline)
    wheel_.arm(*slot, *deadline);
  else
    wheel_.disarm(*slot);
}

Call* CallTable::pop_due(Timestamp now) noexcept {
  const auto slot = wheel_.pop_due(now);
  return slot ? calls_[*slot].get() : nullptr;
}

}  // namespace sallyport::sip
