// ended_calls.h — the calls that ended lately, so that `show call` and `explain` still know them: a ring that
// grows up to its capacity as calls end.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "policy/base/id_map.h"
#include "policy/record/call_record.h"
#include "sipalg/call/call_note.h"
#include "sipalg/engine/rulebook.h"

namespace sallyport::sip {

struct EndedCall {
  SharedValue<Rulebook> book;
  CallRecord record;
  std::vector<CallNote> notes;
};

class EndedCalls {
 public:
  explicit EndedCalls(std::uint32_t capacity) : capacity_(capacity), places_(capacity) {}
  // What another one had for its notes: it is no longer known.
  std::vector<CallNote> add(EndedCall&& call) {
    std::vector<CallNote> free;
    if (ring_.size() < capacity_) {
      ring_.push_back(std::move(call));
    } else {
      places_.erase(ring_[next_].record.call);
      free.swap(ring_[next_].notes);
      ring_[next_] = std::move(call);
    }
    (void)places_.insert(ring_[next_].record.call, static_cast<std::uint32_t>(next_));
    next_ = (next_ + 1) % capacity_;
    return free;
  }
  // By the call's number: something more has become known of it. Null when it is not there.
  [[nodiscard]] EndedCall* find(std::uint64_t number) noexcept {
    const auto place = places_.find(number);
    return place ? &ring_[*place] : nullptr;
  }
  // In no order.
  template <class Visit>
  void for_each(Visit&& visit) {
    for (EndedCall& call : ring_) visit(call);
  }
  // The latest one that `is_it` accepts; null when there is none.
  template <class Predicate>
  [[nodiscard]] const EndedCall* find_if(Predicate&& is_it) const {
    for (std::size_t i = 1; i <= ring_.size(); ++i) {
      const EndedCall& call = ring_[(next_ + capacity_ - i) % capacity_];
      if (is_it(call)) return &call;
    }
    return nullptr;
  }

 private:
  std::size_t capacity_;
  std::vector<EndedCall> ring_;
  IdMap places_;  // by number
  std::size_t next_ = 0;
};

}  // namespace sallyport::sip
