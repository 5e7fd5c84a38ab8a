// source_table.h — a token bucket for each Source (an address, or a prefix), in a table of fixed size.
//
// Memory is taken once: 32 octets for each source of the capacity. Four entries share a cache line and a
// source can only be in the one line its keyed hash names, so a look-up is one line and one comparison of
// tags, whatever is in the table. When the line is full the entry whose bucket has been full longest (or will
// be full soonest) goes: it is the one that knows least. A known source is never put out by a stranger.
//
// An entry keeps 48 bits of the hash in place of the address: two sources share a bucket with a chance of
// 2^-46, and nobody who lacks the key can bring that about (threats R2, R6).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "policy/base/counters.h"
#include "policy/base/ip_address.h"
#include "policy/base/keyed_hash.h"
#include "policy/base/time.h"
#include "policy/decide/rate_limiter.h"

namespace sallyport::policy {

class SourceTable {
 public:
  // Names a source in this table; good for ever.
  struct Key {
    std::uint64_t hash = 0;
  };

  // Sees a big table's memory before it is first written: the rim asks for huge pages, without which sources
  // in random order miss the TLB with nearly every packet.
  using PrepareMemory = void (*)(void* memory, std::size_t bytes) noexcept;

  SourceTable(std::uint32_t capacity, const HashKey& key, PrepareMemory prepare = nullptr);

  // `space` keeps equal addresses of different networks apart (a port's index).
  [[nodiscard]] Key key_of(const IpAddress& address, std::uint16_t space) const noexcept;
  // Asks the processor for the source's cache line; call it for a whole burst before the first take().
  void prefetch(Key key) const noexcept { __builtin_prefetch(&line_of(key), 1); }
  // Takes a token of the source's bucket, giving it a full one first when it has none. False: rate exceeded.
  [[nodiscard]] bool take(Key key, const BucketShape& shape, Timestamp now) noexcept;

  // Makes the source known (or, with false, a stranger again). False when its line is full of known ones.
  bool set_known(Key key, bool known, Timestamp now) noexcept;
  [[nodiscard]] bool is_known(Key key) const noexcept;

  // Forgets strangers whose buckets are full, in the next `lines` lines; goes round the table bit by bit.
  void forget_idle(Timestamp now, std::size_t lines) noexcept;

  // Any thread may ask.
  [[nodiscard]] std::uint64_t tracked() const noexcept { return tracked_.value(); }
  // Entries that were put out while they still held something against their source.
  [[nodiscard]] std::uint64_t evicted() const noexcept { return evicted_.value(); }
  // Entries there are room for; at least twice what was asked for, so that few lines overflow.
  [[nodiscard]] std::uint64_t capacity() const noexcept { return (line_mask_ + 1) * kWays; }
  [[nodiscard]] std::size_t memory_bytes() const noexcept { return (line_mask_ + 1) * sizeof(Line); }

 private:
  static constexpr std::size_t kWays = 4;
  static constexpr std::uint64_t kUsed = 1, kKnown = 2, kFlags = 3;
  // tag: upper 48 bits of the hash, and flags. An entry without kUsed is free.
  struct Entry {
    std::uint64_t tag = 0;
    TokenBucket bucket;
  };
  struct alignas(64) Line {
    std::array<Entry, kWays> entries{};
  };
  static_assert(sizeof(Line) == 64);
  struct FreeLines {
    void operator()(Line* lines) const noexcept;
  };
  using Lines = std::unique_ptr<Line[], FreeLines>;
  [[nodiscard]] static Lines make_lines(std::size_t count, PrepareMemory prepare);

  static std::uint64_t tag_of(Key key) noexcept { return (key.hash & ~0xffffull) | kUsed; }
  [[nodiscard]] Line& line_of(Key key) const noexcept {
    // The lowest 16 bits are not in the tag; rotating makes them the lowest bits of the line's number too.
    return lines_[(key.hash ^ (key.hash >> 40)) & line_mask_];
  }
  [[nodiscard]] Entry* find(Key key) const noexcept;
  // An entry for a new source, or null when all in its line are known.
  [[nodiscard]] Entry* make_room(Key key, Timestamp now) noexcept;

  HashKey key_;
  std::uint64_t line_mask_;
  Lines lines_;
  Counter tracked_, evicted_;
  std::uint64_t next_idle_line_ = 0;
};

}  // namespace sallyport::policy
