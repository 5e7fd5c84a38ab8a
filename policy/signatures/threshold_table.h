// threshold_table.h — how often a rule has matched for a source, a callee, ... within its time, in memory
// taken once. Threads share it without a lock: an entry is one atomic word.
//
// Eight entries share a cache line, and a key can only be in the line that its keyed hash names. When the
// line is full the entry with the lowest count goes, so a flood from many sources puts out those that were
// seen once and not one that is near its limit. A count may then begin anew: it errs on the side of letting
// pass (threats R2, R6).
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "policy/base/time.h"

namespace sallyport::policy {

class ThresholdTable {
 public:
  // `capacity` is rounded up to a power of two. A count older than `longest` counts nothing.
  ThresholdTable(std::size_t capacity, Duration longest);

  // Counts one more for the key (a keyed hash) and says how many they are within `window`, which began with
  // the first of them.
  [[nodiscard]] std::uint32_t count(std::uint64_t key, Timestamp now, Duration window) noexcept;
  [[nodiscard]] std::size_t memory_bytes() const noexcept { return (mask_ + 1) * sizeof(Line); }

  static constexpr std::uint32_t kCountMax = (1u << 20) - 1;  // counts no further

 private:
  static constexpr std::size_t kWays = 8;
  // From the top: 24 bits of the hash, 20 bits of time in ticks, 20 bits of count. 0: free.
  using Word = std::atomic<std::uint64_t>;
  struct alignas(64) Line {
    std::array<Word, kWays> words{};
  };
  [[nodiscard]] std::uint64_t ticks(Duration time) const noexcept;
  [[nodiscard]] Word& place_for(Line& line, std::uint64_t tag, std::uint64_t tick) const noexcept;

  std::size_t mask_;
  std::uint64_t longest_ticks_ = 0;
  std::unique_ptr<Line[]> lines_;
};

}  // namespace sallyport::policy
