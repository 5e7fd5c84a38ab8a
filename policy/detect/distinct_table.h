// distinct_table.h — how many different things a source has asked for in a stretch of time, in memory taken
// once, shared by threads without a lock.
//
// An entry is a bitmap of 64 (linear counting, Whang and others 1990): each thing sets the bit that its keyed
// hash names, so what is repeated counts once, and so many bits are never set by fewer things. Four entries
// share a cache line; in a full line that of an earlier stretch goes, then the one with the fewest bits.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "policy/base/big_table.h"

namespace sallyport::policy {

class DistinctTable {
 public:
  explicit DistinctTable(std::size_t capacity);

  // `stretch`: the number of the minute, or hour. Says how many bits are set now.
  [[nodiscard]] unsigned add(std::uint64_t key, std::uint64_t stretch, std::uint64_t thing) noexcept;
  // Of how many different things so many bits tell, about.
  [[nodiscard]] static std::uint32_t things_of(unsigned bits) noexcept;

  [[nodiscard]] static std::size_t memory_for(std::size_t capacity) noexcept;

 private:
  static constexpr std::size_t kWays = 4;
  // Of `name` from the top: 36 bits of the hash, 28 bits of the stretch. 0: free. A thread that takes an
  // entry may lose bits that another sets just then: it errs on the side of letting pass.
  struct Entry {
    std::atomic<std::uint64_t> name{0}, bits{0};
  };
  struct alignas(64) Line {
    std::array<Entry, kWays> entries;
  };
  [[nodiscard]] static std::size_t lines_for(std::size_t capacity) noexcept;

  BigTable<Line> lines_;
  std::uint64_t mask_;
};

}  // namespace sallyport::policy
