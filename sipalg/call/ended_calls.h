// ended_calls.h — the calls that ended lately, so that `show call` and `explain` still know them: a ring.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "policy/record/call_record.h"
#include "sipalg/call/call_note.h"

namespace sallyport::sip {

struct EndedCall {
  CallRecord record;
  std::vector<CallNote> notes;
};

class EndedCalls {
 public:
  explicit EndedCalls(std::size_t capacity) : ring_(capacity) {}
  void add(EndedCall&& call) {
    ring_[next_] = std::move(call);
    next_ = (next_ + 1) % ring_.size();
  }
  // The latest one that `is_it` accepts; null when there is none.
  template <class Predicate>
  [[nodiscard]] const EndedCall* find(Predicate&& is_it) const {
    for (std::size_t i = 1; i <= ring_.size(); ++i) {
      const EndedCall& call = ring_[(next_ + ring_.size() - i) % ring_.size()];
      if (call.record.call != 0 && is_it(call)) return &call;
    }
    return nullptr;
  }

 private:
  std::vector<EndedCall> ring_;
  std::size_t next_ = 0;
};

}  // namespace sallyport::sip
