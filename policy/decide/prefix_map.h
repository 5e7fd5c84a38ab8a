// prefix_map.h — what the prefixes around an address say about it, found by binary search.
//
// Nested prefixes are flattened once, at start, into disjoint ranges that lie sorted in memory. A look-up
// costs O(log n) steps whatever addresses a stranger picks: there is no chain to fill and no key to guess.
// IPv4 and IPv6 are kept apart, so ::/0 says nothing about IPv4.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "policy/base/ip_address.h"

namespace sallyport::policy {

// An IPv6 address as a number.
struct AddressNumber {
  std::uint64_t high = 0, low = 0;
  friend constexpr auto operator<=>(const AddressNumber&, const AddressNumber&) = default;
};

[[nodiscard]] inline AddressNumber address_number(const IpAddress& address) noexcept {
  AddressNumber number;
  std::memcpy(&number.high, address.bytes().data(), 8);
  std::memcpy(&number.low, address.bytes().data() + 8, 8);
  return {__builtin_bswap64(number.high), __builtin_bswap64(number.low)};
}

template <class Value>
class PrefixMap {
 public:
  using Entry = std::pair<Prefix, Value>;

  // `combine(outer, inner)` gives the value of addresses in `inner`, whose next wider prefix says `outer`.
  // Of equal prefixes an earlier entry is the inner one. Addresses in no prefix have the value `outside`.
  template <class Combine>
  PrefixMap(const std::vector<Entry>& entries, const Value& outside, Combine combine) {
    std::vector<Range> v4, v6;
    for (std::size_t i = 0; i < entries.size(); ++i)
      (entries[i].first.address.is_v4() ? v4 : v6).push_back(range(entries[i], i));
    flatten(v4, kAllV4, outside, combine, [this](AddressNumber start, const Value& value) {
      v4_starts_.push_back(static_cast<std::uint32_t>(start.low));
      v4_values_.push_back(value);
    });
    flatten(v6, kAllV6, outside, combine, [this](AddressNumber start, const Value& value) {
      v6_starts_.push_back(start);
      v6_values_.push_back(value);
    });
  }

  [[nodiscard]] const Value& find(const IpAddress& address) const noexcept {
    if (address.is_v4()) return v4_values_[position(v4_starts_, address.v4_host_order())];
    return v6_values_[position(v6_starts_, address_number(address))];
  }
  [[nodiscard]] std::size_t ranges() const noexcept { return v4_starts_.size() + v6_starts_.size(); }

 private:
  struct Span {
    AddressNumber first, last;
  };
  static constexpr Span kAllV4{{0, 0xffff'0000'0000}, {0, 0xffff'ffff'ffff}};
  static constexpr Span kAllV6{{0, 0}, {~0ull, ~0ull}};
  struct Range {
    AddressNumber first, last;
    unsigned length;
    std::size_t place;  // in the list of entries
    Value value;
  };

  static Range range(const Entry& entry, std::size_t place) {
    const Prefix& prefix = entry.first;
    const AddressNumber first = address_number(prefix.network());
    const unsigned free_bits = 128 - prefix.mapped_length();
    const std::uint64_t low = free_bits >= 64 ? ~0ull : (1ull << free_bits) - 1;
    const std::uint64_t high = free_bits <= 64    ? 0
                               : free_bits == 128 ? ~0ull
                                                  : (1ull << (free_bits - 64)) - 1;
    return {first, {first.high | high, first.low | low}, prefix.mapped_length(), place, entry.second};
  }

  static AddressNumber after(AddressNumber number) noexcept {
    return {number.high + (number.low == ~0ull ? 1 : 0), number.low + 1};
  }

  // Outer before inner; an earlier entry for the same prefix is the inner one.
  static void sort(std::vector<Range>& ranges) {
    std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) {
      if (a.first != b.first) return a.first < b.first;
      return a.length != b.length ? a.length < b.length : a.place > b.place;
    });
  }

  // Ranges are nested or disjoint, so a stack holds the open ones around the place where the sweep stands.
  template <class Combine, class Emit>
  static void flatten(std::vector<Range>& ranges, const Span& all, const Value& outside, Combine combine,
                      Emit emit_new) {
    sort(ranges);
    std::vector<std::pair<AddressNumber, Value>> starts{{all.first, outside}};
    const auto emit = [&starts](AddressNumber start, const Value& value) {
      if (starts.back().first == start) {
        starts.back().second = value;
      } else {
        starts.emplace_back(start, value);
      }
    };
    std::vector<std::pair<AddressNumber, Value>> open;  // last address, value
    const auto close_before = [&](const AddressNumber* next) {
      while (!open.empty() && (next == nullptr || open.back().first < *next)) {
        const AddressNumber last = open.back().first;
        open.pop_back();
        if (last != all.last) emit(after(last), open.empty() ? outside : open.back().second);
      }
    };
    for (const Range& one : ranges) {
      close_before(&one.first);
      const Value value = combine(open.empty() ? outside : open.back().second, one.value);
      emit(one.first, value);
      open.emplace_back(one.last, value);
    }
    close_before(nullptr);
    for (const auto& [start, value] : starts) emit_new(start, value);
  }

  // Last range that starts at or before `key`; without branches that depend on the key.
  template <class Key>
  static std::size_t position(const std::vector<Key>& starts, const Key& key) noexcept {
    const Key* base = starts.data();
    std::size_t size = starts.size();
    while (size > 1) {
      const std::size_t half = size / 2;
      base = base[half] <= key ? base + half : base;
      size -= half;
    }
    return static_cast<std::size_t>(base - starts.data());
  }

  std::vector<std::uint32_t> v4_starts_;
  std::vector<Value> v4_values_;
  std::vector<AddressNumber> v6_starts_;
  std::vector<Value> v6_values_;
};

}  // namespace sallyport::policy
