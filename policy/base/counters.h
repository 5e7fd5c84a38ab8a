// counters.h — counters that one thread writes and any thread may read.
//
// A Counter has one writer, so an increment is a plain load and store (no locked instruction); a reader on
// another thread sees an old or a new value, never a torn one.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace sallyport {

class Counter {
 public:
  void add(std::uint64_t n = 1) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void set(std::uint64_t n) noexcept { value_.store(n, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// One counter for each enumerator of E, which ends with kCount.
template <class E>
class EnumCounters {
 public:
  static constexpr std::size_t kSize = static_cast<std::size_t>(E::kCount);
  void add(E which, std::uint64_t n = 1) noexcept { counters_[static_cast<std::size_t>(which)].add(n); }
  // By the thread that writes.
  void reset() noexcept {
    for (Counter& counter : counters_) counter.set(0);
  }
  [[nodiscard]] std::uint64_t value(E which) const noexcept {
    return counters_[static_cast<std::size_t>(which)].value();
  }

 private:
  std::array<Counter, kSize> counters_{};
};

}  // namespace sallyport
