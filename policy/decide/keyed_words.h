// keyed_words.h — a word of state for each of many keys, in memory taken once, shared by threads without a
// lock: an entry is one atomic word.
//
// Eight entries share a cache line, and a key can only be in the line that its keyed hash names. Beside those
// bits an entry keeps others of the hash, above the state, so that who lacks the hash's key can't be taken
// for another. When a line is full the entry goes whose state is worth least (threats R2, R6).
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "policy/base/big_table.h"

namespace sallyport::policy {

template <unsigned kStateBits>
class KeyedWords {
 public:
  using State = std::uint64_t;  // of kStateBits
  static constexpr State kStateMask = (State{1} << kStateBits) - 1;

  // Room for at least `capacity` entries, in a power of two of lines.
  explicit KeyedWords(std::size_t capacity) : lines_(lines_for(capacity)), mask_(lines_.size() - 1) {}

  [[nodiscard]] std::optional<State> find(std::uint64_t key) const noexcept {
    const std::uint64_t tag = tag_of(key);
    for (const Word& word : lines_[key & mask_].words) {
      const std::uint64_t value = word.load(std::memory_order_relaxed);
      if (value >> kStateBits == tag) return value & kStateMask;
    }
    return std::nullopt;
  }

  // Puts what `next` makes of the key's state, or of nothing when it has none: a state, or nothing to take
  // the entry out. `worth` of a state orders those of a full line; what is worth 0 is as good as free. Both
  // may be asked again when another thread was faster. Comes back with what was put.
  template <class Worth, class Next>
  std::optional<State> change(std::uint64_t key, Worth worth, Next next) noexcept {
    return change_if(key, [&](State state) { return worth(state); }, ~std::uint64_t{0}, next);
  }
  // The same, but nothing that is worth more than `most` is put out: the key then has no entry after it.
  template <class Worth, class Next>
  std::optional<State> change_if(std::uint64_t key, Worth worth, std::uint64_t most, Next next) noexcept {
    const std::uint64_t tag = tag_of(key);
    while (true) {
      const Place place = place_for(lines_[key & mask_], tag, worth);
      std::uint64_t seen = place.value;
      const bool is_there = seen >> kStateBits == tag;
      const std::optional<State> put =
          next(is_there ? std::optional<State>(seen & kStateMask) : std::nullopt);
      if (!is_there && (!put || place.worth > most)) return std::nullopt;
      const std::uint64_t wanted = put ? tag << kStateBits | (*put & kStateMask) : 0;
      if (place.word->compare_exchange_strong(seen, wanted, std::memory_order_relaxed)) return put;
    }
  }

  // visit(key, state) for each entry. A key is one under which the entry is found, here and in any table of
  // as many lines; of the bits of the first one those are lost that nothing asks for.
  template <class Visit>
  void for_each(Visit visit) const {
    for (std::size_t line = 0; line < lines_.size(); ++line)
      for (const Word& word : lines_[line].words)
        if (const std::uint64_t value = word.load(std::memory_order_relaxed); value != 0)
          visit(value >> kStateBits << kStateBits | line, value & kStateMask);
  }

  [[nodiscard]] static std::size_t memory_for(std::size_t capacity) noexcept {
    return lines_for(capacity) * sizeof(Line);
  }
  [[nodiscard]] std::size_t memory_bytes() const noexcept { return lines_.size() * sizeof(Line); }

 private:
  static constexpr std::size_t kWays = 8;
  using Word = std::atomic<std::uint64_t>;  // 0: free
  struct alignas(64) Line {
    std::array<Word, kWays> words{};
  };
  struct Place {
    Word* word = nullptr;
    std::uint64_t value = 0, worth = 0;
  };

  [[nodiscard]] static std::size_t lines_for(std::size_t capacity) noexcept {
    return std::bit_ceil((std::max(capacity, kWays) + kWays - 1) / kWays);
  }
  // Never 0, so that no entry looks free.
  [[nodiscard]] static std::uint64_t tag_of(std::uint64_t key) noexcept {
    return std::max<std::uint64_t>(key >> kStateBits, 1);
  }
  // The one with the tag, else a free one, else the one that is worth least.
  template <class Worth>
  [[nodiscard]] static Place place_for(Line& line, std::uint64_t tag, const Worth& worth) noexcept {
    Place least;
    for (Word& word : line.words) {
      const std::uint64_t value = word.load(std::memory_order_relaxed);
      if (value >> kStateBits == tag) return {&word, value, 0};
      const std::uint64_t known = value == 0 ? 0 : worth(value & kStateMask);
      if (least.word == nullptr || known < least.worth) least = {&word, value, known};
    }
    return least;
  }

  BigTable<Line> lines_;
  std::uint64_t mask_;
};

}  // namespace sallyport::policy
