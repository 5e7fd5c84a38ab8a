// threshold_table.h — how often something was seen of a source, a callee, ... within its time, in memory
// taken once, shared by threads without a lock.
//
// When a line of the table is full the entry with the lowest count goes, so a flood from many sources puts
// out those that were seen once and not one that is near its limit. A count may then begin anew: it errs on
// the side of letting pass (threats R2, R6).
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "policy/base/time.h"
#include "policy/decide/keyed_words.h"

namespace sallyport::policy {

class ThresholdTable {
 public:
  // `capacity` is rounded up to a power of two. A count older than `longest` counts nothing. A window is
  // exact to a tick; ticks begin anew after 2^20 (36 hours), and a count that nobody has touched for just
  // that long is taken for one of just now: a longer tick makes that rarer.
  ThresholdTable(std::size_t capacity, Duration longest, Duration tick = std::chrono::milliseconds(125));

  // Counts `weight` more for the key (a keyed hash) and says how many they are within `window`, which began
  // with the first of them.
  [[nodiscard]] std::uint32_t count(std::uint64_t key, Timestamp now, Duration window,
                                    std::uint32_t weight = 1) noexcept;
  // What is counted just now.
  [[nodiscard]] std::uint32_t count_of(std::uint64_t key, Timestamp now, Duration window) const noexcept;
  // Windows have become longer, or shorter. Any thread.
  void set_longest(Duration longest) noexcept {
    longest_ticks_.store(ticks(longest), std::memory_order_relaxed);
  }
  // Takes back so many, down to none.
  void take_back(std::uint64_t key, std::uint32_t weight) noexcept;

  [[nodiscard]] std::size_t memory_bytes() const noexcept { return words_.memory_bytes(); }
  [[nodiscard]] static std::size_t memory_for(std::size_t capacity) noexcept {
    return Words::memory_for(capacity);
  }

  static constexpr std::uint32_t kCountMax = (1u << 20) - 1;  // counts no further

 private:
  // From the top: 24 bits of the hash, 20 bits of time in ticks, 20 bits of count.
  using Words = KeyedWords<40>;
  [[nodiscard]] std::uint64_t ticks(Duration time) const noexcept;
  [[nodiscard]] bool is_within(std::uint64_t state, Timestamp now, Duration window) const noexcept;

  Duration tick_;
  std::atomic<std::uint64_t> longest_ticks_;
  Words words_;
};

}  // namespace sallyport::policy
