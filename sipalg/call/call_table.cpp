// call_table.cpp — slots, numbers and timers of calls.
#include "sipalg/call/call_table.h"

#include <utility>

#include "policy/base/check.h"

namespace sallyport::sip {
namespace {

// Empty, with the room that nearly every call has again.
template <class T>
std::vector<T> emptied(std::vector<T>& values) noexcept {
  constexpr std::size_t kKeptMax = 2;
  values.clear();
  return values.capacity() <= kKeptMax ? std::move(values) : std::vector<T>();
}

// As if it had just been made.
void begin_anew(Call& call) noexcept {
  auto attempts = emptied(call.attempts);
  auto forks = emptied(call.forks);
  std::destroy_at(&call);
  std::construct_at(&call);
  call.attempts = std::move(attempts);
  call.forks = std::move(forks);
}

}  // namespace

CallTable::CallTable(std::uint32_t capacity) : calls_(capacity), slots_(capacity), wheel_(capacity) {
  free_.reserve(capacity);
  for (std::uint32_t slot = capacity; slot-- > 0;) free_.push_back(slot);
  spares_.reserve(kSparesMax);
}

Call* CallTable::make(std::uint64_t number) {
  if (free_.empty() || slots_.find(number)) return nullptr;
  const std::uint32_t slot = free_.back();
  free_.pop_back();
  const bool inserted = slots_.insert(number, slot);
  SALLYPORT_CHECK(inserted);
  if (spares_.empty()) {
    calls_[slot] = std::make_unique<Call>();
  } else {
    calls_[slot] = std::move(spares_.back());
    spares_.pop_back();
  }
  calls_[slot]->number = number;
  ++size_;
  return calls_[slot].get();
}

std::vector<std::uint64_t> CallTable::give_names(Call& from) {
  std::vector<std::uint64_t> names = std::exchange(from.former_numbers, {});
  for (const std::uint64_t number : names) heirs_.erase(number);
  names.push_back(from.number);
  return names;
}

void CallTable::take_names(const Call& heir) {
  for (const std::uint64_t number : heir.former_numbers) heirs_[number] = heir.number;
}

Call* CallTable::heir_of(std::uint64_t number) noexcept {
  const auto heir = heirs_.find(number);
  return heir != heirs_.end() ? find(heir->second) : nullptr;
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
  for (const std::uint64_t former : calls_[*slot]->former_numbers) heirs_.erase(former);
  slots_.erase(number);
  if (spares_.size() < kSparesMax) {
    begin_anew(*calls_[*slot]);
    spares_.push_back(std::move(calls_[*slot]));
  } else {
    calls_[*slot].reset();
  }
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
