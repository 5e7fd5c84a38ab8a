// transaction_slots.h — the memory of a transaction table: slots of fixed number, and lists that run through
// them (threats R5, R6).
//
// A slot is touched only when it is first used, and given back to be the next one used: in the steady state
// nothing is allocated. Lists hang on a hash; a slot is at most once in each.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "policy/base/archive.h"
#include "policy/base/big_table.h"
#include "policy/base/check.h"
#include "policy/base/id_map.h"
#include "policy/base/timer_wheel.h"
#include "sipalg/engine/engine_output.h"
#include "sipalg/transaction/client_transactions.h"

namespace sallyport::sip {

inline constexpr std::uint32_t kNoSlot = 0xffffffffu;

template <class Entry>
class TransactionSlots {
 public:
  explicit TransactionSlots(std::uint32_t capacity) : capacity_(capacity) {
    entries_.reserve(capacity);
    free_.reserve(capacity);
  }
  // As it was left when it was given back.
  [[nodiscard]] std::optional<std::uint32_t> take() {
    if (full()) return std::nullopt;
    ++size_;
    if (!free_.empty()) {
      const std::uint32_t slot = free_.back();
      free_.pop_back();
      return slot;
    }
    entries_.emplace_back();
    return static_cast<std::uint32_t>(entries_.size() - 1);
  }
  void give_back(std::uint32_t slot) {
    SALLYPORT_CHECK(size_ > 0);
    --size_;
    free_.push_back(slot);
  }
  [[nodiscard]] Entry& operator[](std::uint32_t slot) noexcept { return entries_[slot]; }
  [[nodiscard]] const Entry& operator[](std::uint32_t slot) const noexcept { return entries_[slot]; }
  // Slots that were ever used are below it.
  [[nodiscard]] std::uint32_t touched() const noexcept { return static_cast<std::uint32_t>(entries_.size()); }
  [[nodiscard]] std::uint32_t size() const noexcept { return size_; }
  [[nodiscard]] std::uint32_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] bool full() const noexcept { return size_ == capacity_; }

 private:
  std::vector<Entry> entries_;
  std::vector<std::uint32_t> free_;
  std::uint32_t capacity_;
  std::uint32_t size_ = 0;
};

// For lists of any length: any slot of them leaves in one step.
struct SlotLink {
  std::uint32_t next = kNoSlot;
  std::uint32_t previous = kNoSlot;
  bool linked = false;
};

template <class Entry, SlotLink Entry::* kLink>
class SlotLists {
 public:
  explicit SlotLists(std::size_t lists) : heads_(std::bit_ceil(std::max<std::size_t>(1, lists)), kNoSlot) {}

  [[nodiscard]] std::uint32_t first(std::uint64_t hash) const noexcept {
    return heads_[hash & (heads_.size() - 1)];
  }
  [[nodiscard]] static std::uint32_t next(const TransactionSlots<Entry>& slots, std::uint32_t slot) noexcept {
    return (slots[slot].*kLink).next;
  }
  void link(TransactionSlots<Entry>& slots, std::uint64_t hash, std::uint32_t slot) noexcept {
    SlotLink& link = slots[slot].*kLink;
    SALLYPORT_CHECK(!link.linked);
    std::uint32_t& head = heads_[hash & (heads_.size() - 1)];
    link = {head, kNoSlot, true};
    if (head != kNoSlot) (slots[head].*kLink).previous = slot;
    head = slot;
  }
  // `hash` as when it was linked. Without effect when it is in no list.
  void unlink(TransactionSlots<Entry>& slots, std::uint64_t hash, std::uint32_t slot) noexcept {
    SlotLink& link = slots[slot].*kLink;
    if (!link.linked) return;
    if (link.next != kNoSlot) (slots[link.next].*kLink).previous = link.previous;
    if (link.previous != kNoSlot)
      (slots[link.previous].*kLink).next = link.next;
    else
      heads_[hash & (heads_.size() - 1)] = link.next;
    link = {};
  }

 private:
  BigTable<std::uint32_t> heads_;
};

// Tells a wheel that may be new what time it is, so that deadlines are exact from the start.
inline void wind(TimerWheel& wheel, Timestamp now) noexcept {
  if (const auto due = wheel.pop_due(now)) wheel.arm(*due, Timestamp{});
}

// Reads what save_slots() wrote, all of it or nothing. `is_sane`: may the entry that was read be there?
// `enter` links it, or says that it can't; `erase` takes out what was linked.
template <class Entry, class IsSane, class Enter, class Erase>
[[nodiscard]] bool restore_slots(TransactionSlots<Entry>& slots, ArchiveReader& reader, IsSane is_sane,
                                 Enter enter, Erase erase) {
  std::uint32_t count = 0;
  reader(count);
  std::vector<std::uint32_t> entered;
  bool all = true;
  for (std::uint32_t i = 0; i < count && reader.good(); ++i) {
    Entry read;
    reader(read);
    if (!reader.good()) break;
    if (!is_sane(read)) {
      reader.fail();
      break;
    }
    const auto slot = all ? slots.take() : std::nullopt;
    all = slot.has_value();
    if (!all) continue;  // the rest is read over, for what stands behind it
    slots[*slot] = std::move(read);
    all = enter(*slot);
    if (all) {
      entered.push_back(*slot);
      continue;
    }
    slots[*slot] = Entry{};
    slots.give_back(*slot);
  }
  if (all && reader.good()) return true;
  for (const std::uint32_t slot : entered) erase(slot);
  return false;
}

// All slots of one call, which is not 0.
template <class Entry, SlotLink Entry::* kLink>
[[nodiscard]] std::vector<std::uint32_t> slots_of_call(const TransactionSlots<Entry>& slots,
                                                       const SlotLists<Entry, kLink>& calls,
                                                       std::uint64_t call) {
  std::vector<std::uint32_t> chosen;
  for (std::uint32_t slot = calls.first(mixed(call)); slot != kNoSlot; slot = calls.next(slots, slot))
    if (slots[slot].user.call == call) chosen.push_back(slot);
  return chosen;
}

// Writes the entries of one call, or all that are of none.
template <class Entry, SlotLink Entry::* kLink>
void save_slots(const TransactionSlots<Entry>& slots, const SlotLists<Entry, kLink>& calls,
                std::uint64_t call, ArchiveWriter& writer) {
  std::vector<std::uint32_t> chosen;
  if (call != 0) chosen = slots_of_call(slots, calls, call);
  for (std::uint32_t slot = 0; call == 0 && slot < slots.touched(); ++slot)
    if (slots[slot].is_in_use() && slots[slot].user.call == 0) chosen.push_back(slot);
  writer(static_cast<std::uint32_t>(chosen.size()));
  for (const std::uint32_t slot : chosen) writer(slots[slot]);
}

// Of entries that outlive their call, or had none.
struct RestOfSlots {
  std::function<bool(std::uint64_t call)> is_saved;  // its entries were written with the call
  std::function<ArchiveWriter&(const TransactionUser& user)> writer_for;  // where the entry is written
};

// Whom an ICMP error about a path means. Paths are ours or of dialogs; a long list costs one ICMP, not more.
[[nodiscard]] inline std::uint64_t path_hash(const Path& path) noexcept {
  std::uint64_t words[2];
  std::memcpy(words, path.remote.address.bytes().data(), sizeof words);
  return mixed(mixed(words[0] + path.remote.port) ^ words[1]);
}

// False: of a realm that the configuration no longer has.
[[nodiscard]] inline bool is_of_realm(const Path& path) noexcept {
  return to_position(path.realm) != NamedNumbers::kGone;
}

// What a slot may take for the message that it keeps, idle slots with the others.
inline constexpr std::size_t kKeptBytesMax = 2048;

inline constexpr unsigned kTimersPerCall = 64;  // work of one call of next_event()

}  // namespace sallyport::sip
