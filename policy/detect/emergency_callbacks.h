// emergency_callbacks.h — who has called for help a while ago, so that a call back is let pass: threats I8,
// RFC 7090 §1. Bounded, asked for each call without a lock; in a full line the one goes whose time ends
// first. A restart does not forget them: saved() and restore().
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "policy/base/keyed_hash.h"
#include "policy/base/time.h"
#include "policy/decide/keyed_words.h"

namespace sallyport::policy {

// What a restart keeps of them: no number, but its hash, and the key that the hash was made with.
struct SavedCallbacks {
  struct Entry {
    std::uint64_t number = 0;
    Timestamp until{};
    template <class Archive>
    void archive(Archive& a) {
      a(number, until);
    }
    friend bool operator==(const Entry&, const Entry&) = default;
  };
  HashKey key;
  std::vector<Entry> entries;
  template <class Archive>
  void archive(Archive& a) {
    a(key.k0, key.k1, entries);
  }
};

class EmergencyCallbacks {
 public:
  explicit EmergencyCallbacks(const HashKey& key);

  // Until then at least. Without a number there is nobody to be called back.
  void note(std::string_view caller, Timestamp now, Timestamp until) noexcept;
  // Numbers are compared by their last eight digits: whoever calls back has the national or the international
  // form, and it does no harm when a stranger with such a number is called meanwhile.
  [[nodiscard]] bool holds(std::string_view called, Timestamp now) const noexcept;

  // Those who may be called back just now.
  [[nodiscard]] SavedCallbacks saved(Timestamp now) const;
  // Before anybody asks or notes, of several that one node has saved. `age`: how long nobody ran meanwhile;
  // nobody is called back for longer than `longest`. False, and nothing has changed: they can't be ours.
  [[nodiscard]] bool restore(const SavedCallbacks& saved, Timestamp now, Duration age, Duration longest);

  [[nodiscard]] static std::size_t memory_bytes() noexcept { return Words::memory_for(kCapacity); }

 private:
  static constexpr std::size_t kCapacity = 8192, kDigitsCompared = 8;
  // From the top: 36 bits of the hash, 28 bits of the second in which it ends.
  using Words = KeyedWords<28>;
  [[nodiscard]] std::uint64_t key_of(std::string_view number) const noexcept;
  void extend(std::uint64_t key, Timestamp now, Timestamp until) noexcept;

  HashKey key_;
  Words words_;
  std::atomic<bool> is_used_{false};
};

}  // namespace sallyport::policy
