// distinct_table.cpp — see distinct_table.h.
#include "policy/detect/distinct_table.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace sallyport::policy {
namespace {

constexpr unsigned kStretchBits = 28, kBits = 64;
constexpr std::uint64_t kStretchMask = (1ull << kStretchBits) - 1;

}  // namespace

std::size_t DistinctTable::lines_for(std::size_t capacity) noexcept {
  return std::bit_ceil((std::max(capacity, kWays) + kWays - 1) / kWays);
}

std::size_t DistinctTable::memory_for(std::size_t capacity) noexcept {
  return lines_for(capacity) * sizeof(Line);
}

DistinctTable::DistinctTable(std::size_t capacity) : lines_(lines_for(capacity)), mask_(lines_.size() - 1) {}

unsigned DistinctTable::add(std::uint64_t key, std::uint64_t stretch, std::uint64_t thing) noexcept {
  const std::uint64_t bit = std::uint64_t{1} << (thing % kBits);
  const std::uint64_t name = std::max<std::uint64_t>(
      (key >> kStretchBits) << kStretchBits | (stretch & kStretchMask), kStretchMask + 1);
  Entry* place = nullptr;
  std::uint64_t there = 0;
  int least = 0;
  for (Entry& entry : lines_[key & mask_].entries) {
    const std::uint64_t found = entry.name.load(std::memory_order_acquire);
    if (found == name) {
      const std::uint64_t before = entry.bits.fetch_or(bit, std::memory_order_relaxed);
      return static_cast<unsigned>(std::popcount(before | bit));
    }
    const bool is_now = ((found ^ name) & kStretchMask) == 0 && found != 0;
    const int known = is_now ? 1 + std::popcount(entry.bits.load(std::memory_order_relaxed)) : 0;
    if (place != nullptr && known >= least) continue;
    place = &entry;
    there = found;
    least = known;
  }
  if (!place->name.compare_exchange_strong(there, name, std::memory_order_acq_rel)) return 1;
  place->bits.store(bit, std::memory_order_relaxed);
  return 1;
}

std::uint32_t DistinctTable::things_of(unsigned bits) noexcept {
  const double free_bits = std::max(0.5, static_cast<double>(kBits) - static_cast<double>(bits));
  return static_cast<std::uint32_t>(std::lround(kBits * std::log(kBits / free_bits)));
}

}  // namespace sallyport::policy
