// threshold_table.cpp — see threshold_table.h.
#include "policy/signatures/threshold_table.h"

#include <algorithm>
#include <bit>

namespace sallyport::policy {
namespace {

constexpr unsigned kTickShift = 20, kTagShift = 40;
constexpr std::uint64_t kTickMask = (1ull << 20) - 1;
constexpr Duration kTick = std::chrono::milliseconds(125);
constexpr unsigned kTriesMax = 8;  // another thread was faster each time: its count stands

[[nodiscard]] std::uint64_t tick_of(std::uint64_t word) noexcept { return word >> kTickShift & kTickMask; }
[[nodiscard]] std::uint32_t count_of(std::uint64_t word) noexcept {
  return static_cast<std::uint32_t>(word & ThresholdTable::kCountMax);
}
[[nodiscard]] std::uint64_t age_of(std::uint64_t word, std::uint64_t tick) noexcept {
  return (tick - tick_of(word)) & kTickMask;
}

}  // namespace

ThresholdTable::ThresholdTable(std::size_t capacity, Duration longest)
    : mask_(std::bit_ceil(std::max(capacity, kWays) / kWays) - 1),
      longest_ticks_(ticks(longest)),
      lines_(std::make_unique<Line[]>(mask_ + 1)) {}

std::uint64_t ThresholdTable::ticks(Duration time) const noexcept {
  return static_cast<std::uint64_t>(time / kTick);
}

// The one with the tag, else a free one, else the one that knows least.
ThresholdTable::Word& ThresholdTable::place_for(Line& line, std::uint64_t tag,
                                                std::uint64_t tick) const noexcept {
  Word* least = &line.words[0];
  std::uint64_t least_known = ~0ull;
  for (Word& word : line.words) {
    const std::uint64_t value = word.load(std::memory_order_relaxed);
    if (value != 0 && value >> kTagShift == tag) return word;
    const std::uint64_t known = value == 0                              ? 0
                                : age_of(value, tick) >= longest_ticks_ ? 1
                                                                        : std::uint64_t{count_of(value)} + 1;
    if (known >= least_known) continue;
    least = &word;
    least_known = known;
  }
  return *least;
}

std::uint32_t ThresholdTable::count(std::uint64_t key, Timestamp now, Duration window) noexcept {
  const std::uint64_t tag = key >> kTagShift | 1;
  const std::uint64_t tick = ticks(now.time_since_epoch()) & kTickMask;
  const std::uint64_t window_ticks = std::max<std::uint64_t>(ticks(window), 1);
  Line& line = lines_[key & mask_];
  const std::uint64_t first = tag << kTagShift | tick << kTickShift | 1;
  std::uint64_t next = first;
  for (unsigned i = 0; i < kTriesMax; ++i) {
    Word& word = place_for(line, tag, tick);
    std::uint64_t value = word.load(std::memory_order_relaxed);
    const bool goes_on = value >> kTagShift == tag && age_of(value, tick) < window_ticks;
    next = goes_on ? value + (count_of(value) < kCountMax ? 1 : 0) : first;
    if (word.compare_exchange_strong(value, next, std::memory_order_relaxed)) break;
  }
  return count_of(next);
}

}  // namespace sallyport::policy
