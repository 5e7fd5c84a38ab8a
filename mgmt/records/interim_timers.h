// interim_timers.h — when each answered call is due for its next `interim` record: 15, 30, 45, ... minutes
// after its answer (contract: CDR).
//
// A heap of moments; a call that ends leaves its entry behind, which is passed over when it comes up. When
// such entries are more than those of calls that are up, the heap is made anew: so it is bounded by them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "policy/base/time.h"

namespace sallyport::mgmt {

class InterimTimers {
 public:
  static constexpr Duration kEvery = 15min;

  struct Due {
    std::uint64_t call = 0;
    Timestamp answer{};
  };

  // The next moment of this call's that is after `now`.
  void arm(std::uint64_t call, Timestamp answer, Timestamp now);
  // Forgets the calls that are not up, when there may be many of them. `up`: how many are.
  template <class IsUp>
  void compact(std::size_t up, IsUp is_up) {
    if (entries_.size() <= 2 * up + kSlack) return;
    std::erase_if(entries_, [&](const Entry& entry) { return !is_up(entry.call); });
    std::make_heap(entries_.begin(), entries_.end(), Later{});
  }
  // Takes one call that is up and due, and arms it again.
  template <class IsUp>
  [[nodiscard]] std::optional<Due> pop_due(Timestamp now, IsUp is_up) {
    while (!entries_.empty() && entries_.front().at <= now) {
      const Entry entry = pop();
      if (!is_up(entry.call)) continue;
      arm(entry.call, entry.answer, now);
      return Due{entry.call, entry.answer};
    }
    return std::nullopt;
  }
  // Of all that are armed, those of ended calls too.
  [[nodiscard]] std::optional<Timestamp> next_deadline() const;
  [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
  void clear() noexcept { entries_.clear(); }

 private:
  static constexpr std::size_t kSlack = 1024;
  struct Entry {
    Timestamp at, answer;
    std::uint64_t call = 0;
  };
  struct Later {
    bool operator()(const Entry& a, const Entry& b) const noexcept { return a.at > b.at; }
  };
  Entry pop();

  std::vector<Entry> entries_;  // a heap, the earliest in front
};

}  // namespace sallyport::mgmt
