// source_table.cpp — look-up, eviction and forgetting of sources.
#include "policy/decide/source_table.h"

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <new>
#include <type_traits>

#include "policy/base/address_hash.h"
#include "policy/base/check.h"

namespace sallyport::policy {

SourceTable::SourceTable(std::uint32_t capacity, const HashKey& key, PrepareMemory prepare)
    : key_(key),
      // Twice the room, so that few lines overflow while the table holds no more than its capacity.
      line_mask_(std::bit_ceil((std::max<std::uint64_t>(capacity, kWays) * 2 + kWays - 1) / kWays) - 1),
      lines_(make_lines(line_mask_ + 1, prepare)) {}

void SourceTable::FreeLines::operator()(Line* lines) const noexcept { std::free(lines); }

SourceTable::Lines SourceTable::make_lines(std::size_t count, PrepareMemory prepare) {
  static_assert(std::is_trivially_destructible_v<Line>);
  constexpr std::size_t kHugePage = std::size_t{2} << 20;
  const std::size_t bytes = count * sizeof(Line);  // a power of two
  void* const memory = std::aligned_alloc(bytes >= kHugePage ? kHugePage : sizeof(Line), bytes);
  SALLYPORT_CHECK(memory != nullptr);
  if (prepare != nullptr && bytes >= kHugePage) prepare(memory, bytes);
  return Lines(new (memory) Line[count]);
}

SourceTable::Key SourceTable::key_of(const IpAddress& address, std::uint16_t space) const noexcept {
  return {address_hash16(key_, address, space)};
}

SourceTable::Entry* SourceTable::find(Key key) const noexcept {
  const std::uint64_t tag = tag_of(key);
  for (Entry& entry : line_of(key).entries)
    if ((entry.tag & ~kKnown) == tag) return &entry;
  return nullptr;
}

SourceTable::Entry* SourceTable::make_room(Key key, Timestamp now) noexcept {
  Entry* oldest = nullptr;
  for (Entry& entry : line_of(key).entries) {
    if ((entry.tag & kUsed) == 0) {
      entry = {tag_of(key), {}};
      tracked_.add();
      return &entry;
    }
    if ((entry.tag & kKnown) != 0) continue;
    if (oldest == nullptr || entry.bucket.full_at() < oldest->bucket.full_at()) oldest = &entry;
  }
  if (oldest == nullptr) return nullptr;
  if (!oldest->bucket.is_full(now)) evicted_.add();  // what was full had nothing to lose
  *oldest = {tag_of(key), {}};
  return oldest;
}

bool SourceTable::take(Key key, const BucketShape& shape, Timestamp now) noexcept {
  Entry* entry = find(key);
  if (entry == nullptr) entry = make_room(key, now);
  // No room among known sources: the prefix and the budget of all unknown sources still hold it.
  if (entry == nullptr) return true;
  return entry->bucket.take(shape, now);
}

bool SourceTable::set_known(Key key, bool known, Timestamp now) noexcept {
  Entry* entry = find(key);
  if (entry == nullptr && known) entry = make_room(key, now);
  if (entry == nullptr) return !known;
  entry->tag = known ? entry->tag | kKnown : entry->tag & ~kKnown;
  return true;
}

bool SourceTable::is_known(Key key) const noexcept {
  const Entry* entry = find(key);
  return entry != nullptr && (entry->tag & kKnown) != 0;
}

void SourceTable::forget_idle(Timestamp now, std::size_t lines) noexcept {
  for (; lines > 0; --lines) {
    for (Entry& entry : lines_[next_idle_line_].entries) {
      if ((entry.tag & kFlags) != kUsed || !entry.bucket.is_full(now)) continue;
      entry = {};
      tracked_.set(tracked_.value() - 1);
    }
    next_idle_line_ = (next_idle_line_ + 1) & line_mask_;
  }
  __builtin_prefetch(&lines_[next_idle_line_], 1);  // for the next call
}

}  // namespace sallyport::policy
