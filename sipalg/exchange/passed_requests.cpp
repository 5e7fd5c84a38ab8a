// passed_requests.cpp — slots and timers of requests on their way.
#include "sipalg/exchange/passed_requests.h"

namespace sallyport::sip {

PassedRequests::PassedRequests(std::uint32_t capacity) : wheel_(capacity), capacity_(capacity) {}

PassedRequest* PassedRequests::make(Timestamp now) {
  if (full()) return nullptr;
  if (size_ == 0) (void)wheel_.pop_due(now);  // it may be new: time starts here
  std::uint32_t slot = static_cast<std::uint32_t>(entries_.size());
  if (free_.empty()) {
    entries_.emplace_back();
  } else {
    slot = free_.back();
    free_.pop_back();
  }
  entries_[slot] = std::make_unique<PassedRequest>();
  entries_[slot]->slot = slot;
  ++size_;
  return entries_[slot].get();
}

PassedRequest* PassedRequests::find(std::uint32_t slot, std::uint64_t number) noexcept {
  if (slot >= entries_.size() || number == 0) return nullptr;
  PassedRequest* const found = entries_[slot].get();
  return found != nullptr && found->client == number ? found : nullptr;
}

void PassedRequests::erase(std::uint32_t slot) noexcept {
  if (slot >= entries_.size() || !entries_[slot]) return;
  wheel_.disarm(slot);
  entries_[slot].reset();
  free_.push_back(slot);
  --size_;
}

void PassedRequests::arm(std::uint32_t slot, std::optional<Timestamp> deadline) noexcept {
  deadline ? wheel_.arm(slot, *deadline) : wheel_.disarm(slot);
}

PassedRequest* PassedRequests::pop_due(Timestamp now) noexcept {
  const auto slot = wheel_.pop_due(now);
  return slot ? entries_[*slot].get() : nullptr;
}

}  // namespace sallyport::sip
