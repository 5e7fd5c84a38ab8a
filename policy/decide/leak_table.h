// leak_table.h — leaky buckets by key, in memory taken once, shared by threads without a lock: how much more
// has come than leaks away. rate_limiter.h in one atomic word, as a level that can also be taken back.
//
// A bucket is the moment at which it is empty again; what is added moves that moment on. In a full line the
// bucket that will be empty first goes, so that of a source seen once and not of one that is near its limit:
// it errs on the side of letting pass.
#pragma once

#include <cstddef>
#include <cstdint>

#include "policy/base/time.h"
#include "policy/decide/keyed_words.h"
#include "policy/model/units.h"

namespace sallyport::policy {

// What is the same for all buckets of one kind.
struct LeakShape {
  std::int64_t drop = 0;   // how long one takes to leak away, in ticks; 0: at once, it is never full
  std::uint32_t room = 0;  // so many are let pass at once

  static constexpr unsigned kTickShift = 18;  // a tick is 2^18 ns, about 0.26 ms
  // A rate beyond a drop a tick (3,814/s) leaks at once; one of nothing, one in 52 days.
  [[nodiscard]] static constexpr LeakShape of(const Rate& rate, std::uint32_t room) noexcept {
    if (rate.events == 0) return {std::int64_t{1} << 34, room};
    return {(rate.per.count() / static_cast<std::int64_t>(rate.events)) >> kTickShift, room};
  }
};

class LeakTable {
 public:
  explicit LeakTable(std::size_t capacity) : words_(capacity) {}

  // Adds one and says how many there are, this one among them; never more than `most`, so that what was far
  // over its limit is forgiven in due time.
  [[nodiscard]] std::uint32_t add(std::uint64_t key, Timestamp now, const LeakShape& shape,
                                  std::uint32_t most) noexcept;
  // Adds one unless the bucket is full. False: it is, and nothing was added.
  [[nodiscard]] bool take(std::uint64_t key, Timestamp now, const LeakShape& shape) noexcept;
  // How many there are, at most shape.room.
  [[nodiscard]] std::uint32_t level(std::uint64_t key, Timestamp now, const LeakShape& shape) const noexcept;
  // Takes back so many, down to none.
  void take_back(std::uint64_t key, Timestamp now, const LeakShape& shape, std::uint32_t count) noexcept;

  [[nodiscard]] static std::size_t memory_for(std::size_t capacity) noexcept {
    return Words::memory_for(capacity);
  }

 private:
  // From the top: 24 bits of the hash, 40 bits of the tick at which it is empty: nine years.
  using Words = KeyedWords<40>;
  Words words_;
};

}  // namespace sallyport::policy
