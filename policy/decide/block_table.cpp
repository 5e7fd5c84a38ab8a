// block_table.cpp — the order of stores: a prefix is whole before it can be found, and can't be found any
// more before its place is another's.
#include "policy/decide/block_table.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "policy/base/check.h"
#include "policy/base/siphash.h"

namespace sallyport::policy {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr unsigned kMappedBits = 96;  // in front of an IPv4 address
constexpr std::uint64_t kMappedWord = 0xffff'0000'0000;

constexpr bool is_v4(std::uint64_t high, std::uint64_t low, unsigned length) noexcept {
  return length >= kMappedBits && high == 0 && low >> 32 == 0xffff;
}

// Bits of the lengths in a mask, the longest first.
unsigned take_longest(std::uint64_t& mask) noexcept {
  const auto bit = static_cast<unsigned>(63 - std::countl_zero(mask));
  mask ^= std::uint64_t{1} << bit;
  return bit + 1;
}

// Odd, so that the way from line to line leads through all of them.
constexpr std::size_t step_of(std::uint64_t hash) noexcept {
  return static_cast<std::size_t>(hash >> 40) | 1;
}

}  // namespace

BlockTable::BlockTable(std::uint32_t capacity, const HashKey& key)
    : key_(key),
      places_(std::min(capacity, kCapacityMax)),
      lines_(lines_for(std::min(capacity, kCapacityMax))),
      passed_(lines_.size()),
      lengths4_(kGroups),
      lengths6_(kGroups),
      counts_(kCounts) {
  for (std::size_t i = places_.size(); i-- > 0;) {
    for (auto& end : places_[i].ends) end.store(kNotAtAll.time_since_epoch().count(), kRelaxed);
    places_[i].next_free = first_free_;
    first_free_ = static_cast<Id>(i);
  }
}

std::size_t BlockTable::lines_for(std::uint32_t capacity) noexcept {
  return std::bit_ceil(std::max<std::size_t>(std::size_t{2} * capacity / kWays, 1));
}

std::size_t BlockTable::memory_for(std::uint32_t capacity) noexcept {
  return std::size_t{capacity} * sizeof(Place) +
         lines_for(capacity) * (sizeof(Line) + sizeof(std::uint32_t)) +
         kGroups * (sizeof(std::uint32_t) + sizeof(Lengths6)) + kCounts * sizeof(std::uint32_t) +
         sizeof(BlockTable);
}

BlockTable::Number BlockTable::number_of(const IpAddress& address) noexcept {
  Number number;
  std::memcpy(&number.high, address.bytes().data(), 8);
  std::memcpy(&number.low, address.bytes().data() + 8, 8);
  return {__builtin_bswap64(number.high), __builtin_bswap64(number.low)};
}

BlockTable::Number BlockTable::masked(Number number, unsigned length) noexcept {
  if (length >= 128) return number;
  if (length > 64) return {number.high, number.low & ~(~std::uint64_t{0} >> (length - 64))};
  if (length == 64) return {number.high, 0};
  return {number.high & ~(~std::uint64_t{0} >> length), 0};
}

// Not keyed: where groups meet, a look is in vain, and that is all.
std::size_t BlockTable::group6(Number number) noexcept {
  return static_cast<std::size_t>((number.high >> 32) * 0x9e3779b97f4a7c15u >> 48);
}

std::uint64_t BlockTable::hash_of(Number number, unsigned length) const noexcept {
  SipHash<1, 3> state(key_);
  state.absorb(number.high);
  state.absorb(number.low);
  state.absorb(std::uint64_t{17} << 56 | length);
  state.v2 ^= 0xff;
  return state.finish();
}

BlockTable::Id BlockTable::look_up(Number number, unsigned length) const noexcept {
  const std::uint64_t hash = hash_of(number, length);
  const std::size_t mask = lines_.size() - 1, step = step_of(hash);
  std::size_t at = hash & mask;
  for (std::size_t look = 0; look < kLooks; ++look, at = (at + step) & mask) {
    bool is_full = true;
    for (const auto& one : lines_[at].words) {
      const std::uint64_t word = one.load(std::memory_order_acquire);
      is_full = is_full && word != 0;
      if (((word ^ hash) & ~kIdMask) != 0 || (word & kIdMask) == 0) continue;
      const Id id = static_cast<Id>(word & kIdMask) - 1;
      const Place& place = places_[id];
      if (place.high.load(kRelaxed) == number.high && place.low.load(kRelaxed) == number.low &&
          place.length.load(kRelaxed) == length)
        return id;
    }
    if (!is_full) return kNone;
  }
  return kNone;
}

BlockTable::Id BlockTable::find4(const IpAddress& source, std::size_t wanted,
                                 std::int64_t now) const noexcept {
  const std::uint32_t address = source.v4_host_order();
  std::uint64_t mask = lengths4_[address >> kGroupBits4].load(kRelaxed);
  while (mask != 0) {
    const unsigned length = take_longest(mask);
    const std::uint64_t kept = address & ~(length == 32 ? 0 : ~std::uint32_t{0} >> length);
    const Id id = look_up({0, kMappedWord | kept}, length + kMappedBits);
    if (id != kNone && now < places_[id].ends[wanted].load(kRelaxed)) return id;
  }
  return kNone;
}

BlockTable::Id BlockTable::find6(const IpAddress& source, std::size_t wanted,
                                 std::int64_t now) const noexcept {
  const Number number = number_of(source);
  const Lengths6& lengths = lengths6_[group6(number)];
  const std::array<std::uint64_t, 2> masks{lengths.second.load(kRelaxed),
                                           lengths.first.load(kRelaxed) | wide6_.load(kRelaxed)};
  for (std::size_t half = 0; half < masks.size(); ++half)
    for (std::uint64_t mask = masks[half]; mask != 0;) {
      const unsigned length = take_longest(mask) + (half == 0 ? 64 : 0);
      const Id id = look_up(masked(number, length), length);
      if (id != kNone && now < places_[id].ends[wanted].load(kRelaxed)) return id;
    }
  return kNone;
}

BlockTable::Id BlockTable::find(const IpAddress& source, TrustClass trust, Timestamp now) const noexcept {
  const std::int64_t at = now.time_since_epoch().count();
  return source.is_v4() ? find4(source, class_of(trust), at) : find6(source, class_of(trust), at);
}

BlockTable::Id BlockTable::id_of(const Prefix& prefix) const noexcept {
  const unsigned length = prefix.mapped_length();
  return look_up(masked(number_of(prefix.address), length), length);
}

BlockTable::Seen BlockTable::look_at(Id id) const noexcept {
  const Place& place = places_[id];
  const std::uint64_t high = __builtin_bswap64(place.high.load(kRelaxed)),
                      low = __builtin_bswap64(place.low.load(kRelaxed));
  std::array<std::uint8_t, 16> octets;
  std::memcpy(octets.data(), &high, 8);
  std::memcpy(octets.data() + 8, &low, 8);
  const IpAddress address = IpAddress::v6(octets);
  const std::uint32_t length = place.length.load(kRelaxed);
  return {{address, static_cast<std::uint8_t>(address.is_v4() ? length - kMappedBits : length)},
          place.hits.load(kRelaxed),
          Timestamp(Duration(place.last_hit.load(kRelaxed)))};
}

template <class IsWanted>
std::atomic<std::uint64_t>* BlockTable::walk(std::uint64_t hash, IsWanted is_wanted) noexcept {
  const std::size_t mask = lines_.size() - 1, step = step_of(hash);
  std::size_t at = hash & mask;
  for (std::size_t look = 0; look < kLooks; ++look, at = (at + step) & mask)
    for (auto& word : lines_[at].words)
      if (is_wanted(word.load(kRelaxed))) return &word;
  return nullptr;
}

void BlockTable::pass_lines(std::uint64_t hash, const std::atomic<std::uint64_t>* until,
                            std::uint32_t by) noexcept {
  const std::size_t mask = lines_.size() - 1, step = step_of(hash), last = line_of(until);
  for (std::size_t at = hash & mask; at != last; at = (at + step) & mask) {
    passed_[at] += by;
    if (passed_[at] != 0) continue;
    for (auto& word : lines_[at].words)
      if (word.load(kRelaxed) == kWasUsed) word.store(0, kRelaxed);
  }
}

std::uint32_t& BlockTable::count_of(std::size_t group, unsigned length, bool is_v4) noexcept {
  const std::uint64_t key = group << 9 | length << 1 | (is_v4 ? 1 : 0);
  return counts_[static_cast<std::size_t>(key * 0x9e3779b97f4a7c15u >> 46)];
}

void BlockTable::show_length(Number number, unsigned mapped) noexcept {
  if (policy::is_v4(number.high, number.low, mapped)) {
    const unsigned length = mapped - kMappedBits;
    const std::uint32_t bit = std::uint32_t{1} << (length - 1);
    const auto group = static_cast<std::size_t>(static_cast<std::uint32_t>(number.low) >> kGroupBits4);
    if (length >= kGroupBits4) ++count_of(group, length, true);
    const std::size_t groups = length >= kGroupBits4 ? 1 : std::size_t{1} << (kGroupBits4 - length);
    for (std::size_t i = 0; i < groups; ++i) lengths4_[group + i].fetch_or(bit, std::memory_order_release);
    return;
  }
  if (mapped < kGroupBits6) {
    ++wide_counts6_[mapped];
    wide6_.fetch_or(std::uint32_t{1} << (mapped - 1), std::memory_order_release);
    return;
  }
  const std::size_t group = group6(number);
  ++count_of(group, mapped, false);
  Lengths6& lengths = lengths6_[group];
  (mapped > 64 ? lengths.second : lengths.first)
      .fetch_or(std::uint64_t{1} << ((mapped - 1) % 64), std::memory_order_release);
}

void BlockTable::hide_length(Number number, unsigned mapped) noexcept {
  if (policy::is_v4(number.high, number.low, mapped)) {
    const unsigned length = mapped - kMappedBits;
    const std::uint32_t bit = std::uint32_t{1} << (length - 1);
    const auto group = static_cast<std::size_t>(static_cast<std::uint32_t>(number.low) >> kGroupBits4);
    if (length >= kGroupBits4 && --count_of(group, length, true) != 0) return;
    const std::size_t groups = length >= kGroupBits4 ? 1 : std::size_t{1} << (kGroupBits4 - length);
    for (std::size_t i = 0; i < groups; ++i) lengths4_[group + i].fetch_and(~bit, kRelaxed);
    return;
  }
  if (mapped < kGroupBits6) {
    if (--wide_counts6_[mapped] == 0) wide6_.fetch_and(~(std::uint32_t{1} << (mapped - 1)), kRelaxed);
    return;
  }
  const std::size_t group = group6(number);
  if (--count_of(group, mapped, false) != 0) return;
  Lengths6& lengths = lengths6_[group];
  (mapped > 64 ? lengths.second : lengths.first)
      .fetch_and(~(std::uint64_t{1} << ((mapped - 1) % 64)), kRelaxed);
}

BlockTable::Id BlockTable::insert(const Prefix& prefix) noexcept {
  if (prefix.length == 0 || first_free_ == kNone) return kNone;
  const unsigned length = prefix.mapped_length();
  const Number number = masked(number_of(prefix.address), length);
  const std::uint64_t hash = hash_of(number, length);
  std::atomic<std::uint64_t>* const word = walk(hash, [](std::uint64_t one) { return (one & kIdMask) == 0; });
  if (word == nullptr) return kNone;
  pass_lines(hash, word, 1);
  const Id id = first_free_;
  Place& place = places_[id];
  first_free_ = place.next_free;
  place.high.store(number.high, kRelaxed);
  place.low.store(number.low, kRelaxed);
  for (auto& end : place.ends) end.store(kNotAtAll.time_since_epoch().count(), kRelaxed);
  place.hits.store(0, kRelaxed);
  place.last_hit.store(0, kRelaxed);
  place.length.store(length, kRelaxed);
  word->store((hash & ~kIdMask) | (id + 1), std::memory_order_release);
  show_length(number, length);
  size_.fetch_add(1, kRelaxed);
  return id;
}

void BlockTable::set_ends(Id id, const Ends& ends) noexcept {
  const Timestamp by_class[] = {ends.untrusted, ends.trusted, ends.known};
  for (std::size_t i = 0; i < 3; ++i)
    places_[id].ends[i].store(by_class[i].time_since_epoch().count(), std::memory_order_release);
  edition_.fetch_add(1, std::memory_order_release);
}

void BlockTable::remove(Id id) noexcept {
  Place& place = places_[id];
  const Number number{place.high.load(kRelaxed), place.low.load(kRelaxed)};
  const std::uint32_t length = place.length.load(kRelaxed);
  const std::uint64_t hash = hash_of(number, length), own = (hash & ~kIdMask) | (id + 1);
  std::atomic<std::uint64_t>* const word = walk(hash, [own](std::uint64_t one) { return one == own; });
  SALLYPORT_CHECK(word != nullptr);
  for (auto& end : place.ends) end.store(kNotAtAll.time_since_epoch().count(), kRelaxed);
  hide_length(number, length);
  // What was put further on because this line was full must still be found.
  word->store(passed_[line_of(word)] != 0 ? kWasUsed : 0, std::memory_order_release);
  pass_lines(hash, word, ~std::uint32_t{0});
  place.length.store(0, kRelaxed);
  place.next_free = first_free_;
  first_free_ = id;
  size_.fetch_sub(1, kRelaxed);
}

}  // namespace sallyport::policy
