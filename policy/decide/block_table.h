// block_table.h — which prefixes are blocked: asked for each packet by every lcore, without a lock, while one
// other thread changes it in place. Nobody copies it and no change needs a pause.
//
// A blocked prefix is one cache line; an index of one word each finds it by a keyed hash. Which lengths of
// prefixes there are around an address is known beforehand (for IPv4 by its first 16 bits), so that a source
// of which nothing is known costs one or two looks. What is found is compared whole: no source is ever taken
// for another.
//
// While a change is made a packet may be judged by what was before or by what comes; from the next one on all
// lcores see it. A place that becomes another prefix's in between is told by its address.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "policy/base/big_table.h"
#include "policy/base/ip_address.h"
#include "policy/base/keyed_hash.h"
#include "policy/base/time.h"
#include "policy/decide/trust_class.h"

namespace sallyport::policy {

class BlockTable {
 public:
  // Names a blocked prefix until it is removed.
  using Id = std::uint32_t;
  static constexpr Id kNone = 0xffffffff;
  static constexpr Timestamp kNotAtAll = Timestamp::min();
  // Until when it touches the sources of each class. A class that is trusted more is touched no longer.
  struct Ends {
    Timestamp untrusted = kNotAtAll, trusted = kNotAtAll, known = kNotAtAll;
  };

  // Memory for all is taken here.
  BlockTable(std::uint32_t capacity, const HashKey& key);

  // Any thread: a prefix around `source` that is blocked for sources of that class; kNone: there is none.
  [[nodiscard]] Id find(const IpAddress& source, TrustClass trust, Timestamp now) const noexcept;
  [[nodiscard]] bool touches(Id id, TrustClass trust, Timestamp now) const noexcept {
    return now.time_since_epoch().count() < places_[id].ends[class_of(trust)].load(std::memory_order_relaxed);
  }
  // Any thread: so many packets were dropped for it.
  void count(Id id, std::uint64_t packets, Timestamp now) noexcept {
    places_[id].hits.fetch_add(packets, std::memory_order_relaxed);
    places_[id].last_hit.store(now.time_since_epoch().count(), std::memory_order_relaxed);
  }
  // Any thread: another number after something was blocked, for those who keep something of a source.
  [[nodiscard]] std::uint64_t edition() const noexcept { return edition_.load(std::memory_order_acquire); }
  [[nodiscard]] std::uint32_t size() const noexcept { return size_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint32_t capacity() const noexcept { return static_cast<std::uint32_t>(places_.size()); }

  // The one thread that changes it. A prefix that is inserted touches nobody yet; kNone: there is no room, or
  // its length is 0. It must not be there.
  [[nodiscard]] Id insert(const Prefix& prefix) noexcept;
  void set_ends(Id id, const Ends& ends) noexcept;
  void remove(Id id) noexcept;
  [[nodiscard]] Id id_of(const Prefix& prefix) const noexcept;
  struct Seen {
    Prefix prefix;
    std::uint64_t hits = 0;  // packets that were dropped for it
    Timestamp last_hit{};    // Timestamp{}: none
  };
  [[nodiscard]] Seen look_at(Id id) const noexcept;
  [[nodiscard]] static std::size_t memory_for(std::uint32_t capacity) noexcept;

 private:
  static constexpr std::uint32_t kCapacityMax = 0xfffffe;
  static constexpr std::size_t kWays = 8;        // words of a line of the index
  static constexpr std::size_t kLooks = 8;       // lines that may hold a prefix; those before are full
  static constexpr std::size_t kGroups = 65536;  // of addresses, by their first bits
  static constexpr std::size_t kCounts = 1 << 18;
  static constexpr unsigned kGroupBits4 = 16, kGroupBits6 = 32;
  static constexpr std::uint64_t kIdMask = 0xffffff;   // the lowest bits of a word: its Id + 1
  static constexpr std::uint64_t kWasUsed = ~kIdMask;  // free, in a line that a prefix was put beyond

  // An address as two numbers, its first bits as the highest.
  struct Number {
    std::uint64_t high = 0, low = 0;
  };
  // As long as a cache line, and on one where the table is large (big_table.h).
  struct Place {
    std::atomic<std::uint64_t> high{0}, low{0};
    std::array<std::atomic<std::int64_t>, 3> ends{};  // by class
    std::atomic<std::uint64_t> hits{0};
    std::atomic<std::int64_t> last_hit{0};
    std::atomic<std::uint32_t> length{0};  // of 128 bits; 0: free
    Id next_free = kNone;
  };
  static_assert(sizeof(Place) == 64);
  struct Line {
    std::array<std::atomic<std::uint64_t>, kWays> words{};
  };
  static_assert(sizeof(Line) == 64);
  // Of the prefixes that begin within one group of addresses: bit N-1 for length N.
  struct Lengths6 {
    std::atomic<std::uint64_t> first{0}, second{0};
  };

  [[nodiscard]] static std::size_t class_of(TrustClass trust) noexcept {
    return trust == TrustClass::Known ? 2 : trust == TrustClass::Trusted ? 1 : 0;
  }
  [[nodiscard]] static std::size_t lines_for(std::uint32_t capacity) noexcept;
  [[nodiscard]] static Number number_of(const IpAddress& address) noexcept;
  [[nodiscard]] static Number masked(Number number, unsigned length) noexcept;
  [[nodiscard]] static std::size_t group6(Number number) noexcept;
  [[nodiscard]] std::uint64_t hash_of(Number number, unsigned length) const noexcept;
  [[nodiscard]] Id look_up(Number number, unsigned length) const noexcept;
  [[nodiscard]] Id find4(const IpAddress& source, std::size_t wanted, std::int64_t now) const noexcept;
  [[nodiscard]] Id find6(const IpAddress& source, std::size_t wanted, std::int64_t now) const noexcept;
  // Goes along the lines that a prefix may be in, to the word that `is_wanted`; null: it is in none.
  template <class IsWanted>
  [[nodiscard]] std::atomic<std::uint64_t>* walk(std::uint64_t hash, IsWanted is_wanted) noexcept;
  // Counts it in the lines before its own, or (-1) no more.
  void pass_lines(std::uint64_t hash, const std::atomic<std::uint64_t>* until, std::uint32_t by) noexcept;
  [[nodiscard]] std::size_t line_of(const std::atomic<std::uint64_t>* word) const noexcept {
    return static_cast<std::size_t>(word - lines_.front().words.data()) / kWays;
  }
  [[nodiscard]] std::uint32_t& count_of(std::size_t group, unsigned length, bool is_v4) noexcept;
  void show_length(Number number, unsigned length) noexcept;
  void hide_length(Number number, unsigned length) noexcept;

  HashKey key_;
  BigTable<Place> places_;
  BigTable<Line> lines_;
  std::vector<std::uint32_t> passed_;  // by line: prefixes that found it full and lie further on
  BigTable<std::atomic<std::uint32_t>>
      lengths4_;                         // by group: bit N-1 for length N, shorter ones around it too
  BigTable<Lengths6> lengths6_;          // by group; only those not shorter than it
  std::atomic<std::uint32_t> wide6_{0};  // IPv6: lengths shorter than a group, anywhere
  std::array<std::uint32_t, kGroupBits6> wide_counts6_{};
  BigTable<std::uint32_t> counts_;  // of group and length, hashed: where two meet a bit may stay for nothing
  Id first_free_ = kNone;
  std::atomic<std::uint32_t> size_{0};
  std::atomic<std::uint64_t> edition_{0};
};

}  // namespace sallyport::policy
