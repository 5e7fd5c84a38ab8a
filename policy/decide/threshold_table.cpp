// threshold_table.cpp — see threshold_table.h.
#include "policy/decide/threshold_table.h"

#include <algorithm>
#include <optional>

namespace sallyport::policy {
namespace {

constexpr unsigned kTickShift = 20;
constexpr std::uint64_t kTickMask = (1ull << 20) - 1;

[[nodiscard]] std::uint32_t count_in(std::uint64_t state) noexcept {
  return static_cast<std::uint32_t>(state & ThresholdTable::kCountMax);
}
[[nodiscard]] std::uint64_t age_of(std::uint64_t state, std::uint64_t tick) noexcept {
  return (tick - (state >> kTickShift)) & kTickMask;
}

}  // namespace

ThresholdTable::ThresholdTable(std::size_t capacity, Duration longest, Duration tick)
    : tick_(tick), longest_ticks_(ticks(longest)), words_(capacity) {}

std::uint64_t ThresholdTable::ticks(Duration time) const noexcept {
  return static_cast<std::uint64_t>(time / tick_);
}

bool ThresholdTable::is_within(std::uint64_t state, Timestamp now, Duration window) const noexcept {
  return age_of(state, ticks(now.time_since_epoch()) & kTickMask) < std::max<std::uint64_t>(ticks(window), 1);
}

std::uint32_t ThresholdTable::count(std::uint64_t key, Timestamp now, Duration window,
                                    std::uint32_t weight) noexcept {
  const std::uint64_t tick = ticks(now.time_since_epoch()) & kTickMask;
  const std::uint64_t longest = longest_ticks_.load(std::memory_order_relaxed);
  const auto worth = [&](std::uint64_t state) -> std::uint64_t {
    return age_of(state, tick) >= longest ? 1 : std::uint64_t{count_in(state)} + 1;
  };
  std::uint32_t counted = 0;
  words_.change(key, worth, [&](std::optional<std::uint64_t> state) -> std::optional<std::uint64_t> {
    const bool goes_on = state && is_within(*state, now, window);
    counted = std::min((goes_on ? count_in(*state) : 0) + std::min(weight, kCountMax), kCountMax);
    return (goes_on ? *state & ~std::uint64_t{kCountMax} : tick << kTickShift) | counted;
  });
  return counted;
}

std::uint32_t ThresholdTable::count_of(std::uint64_t key, Timestamp now, Duration window) const noexcept {
  const std::optional<std::uint64_t> state = words_.find(key);
  return state && is_within(*state, now, window) ? count_in(*state) : 0;
}

void ThresholdTable::take_back(std::uint64_t key, std::uint32_t weight) noexcept {
  const auto worth = [](std::uint64_t) { return std::uint64_t{1}; };
  words_.change(key, worth, [&](std::optional<std::uint64_t> state) -> std::optional<std::uint64_t> {
    if (!state || count_in(*state) <= weight) return std::nullopt;
    return *state - weight;
  });
}

}  // namespace sallyport::policy
