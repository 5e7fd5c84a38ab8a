// earned_trust.h — which flows (remote address and port) have proved themselves: a registration, an answered
// call, a challenge that came back. `security.promotion` says for how long.
//
// Asked by every lcore for each datagram of a stranger and changed by every engine, without a lock: an entry
// is one atomic word, and a flow can only be in the one cache line that its keyed hash names. When a line is
// full the flow whose trust ends first goes; it is a stranger then, which costs it speed and nothing else.
// An entry keeps 36 bits of the hash beside those that name its line: who lacks the key can't be taken for
// another.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "policy/base/big_table.h"
#include "policy/base/ip_address.h"
#include "policy/base/keyed_hash.h"
#include "policy/base/subscriber.h"
#include "policy/base/time.h"
#include "policy/model/index.h"

namespace sallyport::policy {

class EarnedTrust {
 public:
  // Room for at least so many flows and their addresses, of calls alone when `capacity` is small.
  EarnedTrust(std::uint32_t capacity, const HashKey& key);
  [[nodiscard]] static std::size_t memory_for(std::uint32_t capacity) noexcept {
    return lines_for(capacity) * sizeof(Line);
  }

  struct Name {
    std::uint64_t hash = 0;
  };
  [[nodiscard]] Name name_of(RealmIndex realm, const Endpoint& flow) const noexcept;
  // Asks the processor for the line; call it for a whole burst before the first holds().
  void prefetch(Name name) const noexcept { __builtin_prefetch(&line_of(name)); }
  [[nodiscard]] bool holds(Name name, Timestamp now) const noexcept;
  // Nobody has earned any yet.
  [[nodiscard]] bool is_empty() const noexcept { return !is_used_.load(std::memory_order_relaxed); }
  // Whether any flow of that address, or of its /64 (base/subscriber.h), has earned trust in that realm.
  [[nodiscard]] bool holds_address(RealmIndex realm, const IpAddress& address, Timestamp now) const noexcept {
    return holds(name_of(realm, {subscriber_of(address).address, 0}), now);
  }

  // Until then at least: what it has for longer stays.
  void promote(RealmIndex realm, const Endpoint& flow, Timestamp now, Timestamp until) noexcept;
  // The flow only: others may be behind its address.
  void demote(RealmIndex realm, const Endpoint& flow) noexcept;

  [[nodiscard]] std::size_t memory_bytes() const noexcept { return lines_.size() * sizeof(Line); }

 private:
  static constexpr std::size_t kWays = 8;
  static constexpr std::uint64_t kSecondsMask = (1u << 28) - 1;
  // From the top: 36 bits of the hash, 28 bits of the second in which its trust ends. 0: free.
  using Word = std::atomic<std::uint64_t>;
  struct alignas(64) Line {
    std::array<Word, kWays> words{};
  };
  static_assert(sizeof(Line) == 64);

  [[nodiscard]] static std::size_t lines_for(std::uint32_t capacity) noexcept;
  [[nodiscard]] const Line& line_of(Name name) const noexcept { return lines_[name.hash & mask_]; }
  void extend(Name name, Timestamp now, std::uint64_t second) noexcept;

  HashKey key_;
  BigTable<Line> lines_;
  std::uint64_t mask_;
  std::atomic<bool> is_used_{false};
};

}  // namespace sallyport::policy
