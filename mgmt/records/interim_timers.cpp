// interim_timers.cpp — a heap of moments.
#include "mgmt/records/interim_timers.h"

namespace sallyport::mgmt {

// What was missed meanwhile (the program was down, the disk hung) is made good by the next.
void InterimTimers::arm(std::uint64_t call, Timestamp answer, Timestamp now) {
  answer = std::min(answer, now);
  entries_.push_back({answer + ((now - answer) / kEvery + 1) * kEvery, answer, call});
  std::push_heap(entries_.begin(), entries_.end(), Later{});
}

std::optional<Timestamp> InterimTimers::next_deadline() const {
  return entries_.empty() ? std::nullopt : std::optional(entries_.front().at);
}

InterimTimers::Entry InterimTimers::pop() {
  std::pop_heap(entries_.begin(), entries_.end(), Later{});
  const Entry out = entries_.back();
  entries_.pop_back();
  return out;
}

}  // namespace sallyport::mgmt
