// timer_wheel.cpp — the hierarchical timer wheel.
#include "policy/base/timer_wheel.h"

#include <bit>

#include "policy/base/check.h"

namespace sallyport {
namespace {

std::uint64_t tick_at_or_after(Timestamp time) noexcept {
  const std::int64_t ns = time.time_since_epoch().count();
  if (ns <= 0) return 0;
  const auto tick = static_cast<std::uint64_t>(TimerWheel::kTick.count());
  return (static_cast<std::uint64_t>(ns) + tick - 1) / tick;
}

std::uint64_t tick_at_or_before(Timestamp time) noexcept {
  const std::int64_t ns = time.time_since_epoch().count();
  return ns <= 0 ? 0 : static_cast<std::uint64_t>(ns / TimerWheel::kTick.count());
}

}  // namespace

TimerWheel::TimerWheel(std::uint32_t capacity) : nodes_(capacity) { heads_.fill(kNone); }

void TimerWheel::link(TimerId timer) noexcept {
  Node& node = nodes_[timer];
  if (node.tick <= now_tick_) {
    node.list = kDueList;
  } else {
    const unsigned highest = 63u - static_cast<unsigned>(std::countl_zero(node.tick ^ now_tick_));
    const unsigned level = highest / kDigitBits;
    const unsigned slot = static_cast<unsigned>(node.tick >> (level * kDigitBits)) % kSlots;
    node.list = static_cast<std::uint16_t>(level * kSlots + slot);
    used_[level] |= std::uint64_t{1} << slot;
  }
  node.previous = kNone;
  node.next = heads_[node.list];
  if (node.next != kNone) nodes_[node.next].previous = timer;
  heads_[node.list] = timer;
}

void TimerWheel::unlink(TimerId timer) noexcept {
  Node& node = nodes_[timer];
  if (node.next != kNone) nodes_[node.next].previous = node.previous;
  if (node.previous != kNone) {
    nodes_[node.previous].next = node.next;
  } else {
    heads_[node.list] = node.next;
    if (node.next == kNone && node.list != kDueList)
      used_[node.list / kSlots] &= ~(std::uint64_t{1} << (node.list % kSlots));
  }
  node.list = kNoList;
}

void TimerWheel::arm(TimerId timer, Timestamp deadline) noexcept {
  SALLYPORT_CHECK(timer < nodes_.size());
  disarm(timer);
  nodes_[timer].tick = tick_at_or_after(deadline);
  link(timer);
  ++armed_;
}

void TimerWheel::disarm(TimerId timer) noexcept {
  SALLYPORT_CHECK(timer < nodes_.size());
  if (nodes_[timer].list == kNoList) return;
  unlink(timer);
  --armed_;
}

std::optional<TimerWheel::NextSlot> TimerWheel::next_slot() const noexcept {
  for (unsigned level = 0; level < kLevels; ++level) {
    if (used_[level] == 0) continue;
    const auto slot = static_cast<unsigned>(std::countr_zero(used_[level]));
    const unsigned shift = level * kDigitBits;
    // Digits above this level are those of the present tick, digits below are zero.
    const unsigned above = shift + kDigitBits;
    const std::uint64_t base = above >= 64 ? 0 : (now_tick_ >> above) << above;
    return NextSlot{base | (std::uint64_t{slot} << shift), static_cast<std::uint16_t>(level * kSlots + slot)};
  }
  return std::nullopt;
}

std::optional<TimerWheel::TimerId> TimerWheel::pop_due(Timestamp now) noexcept {
  const std::uint64_t target = tick_at_or_before(now);
  while (heads_[kDueList] == kNone) {
    const auto next = next_slot();
    if (!next || next->tick > target) {
      // No timer lies between, so every timer keeps its level.
      if (target > now_tick_) now_tick_ = target;
      return std::nullopt;
    }
    now_tick_ = next->tick;
    while (heads_[next->list] != kNone) {
      const TimerId timer = heads_[next->list];
      unlink(timer);
      link(timer);
    }
  }
  const TimerId timer = heads_[kDueList];
  unlink(timer);
  --armed_;
  return timer;
}

std::optional<Timestamp> TimerWheel::next_deadline() const noexcept {
  const auto to_time = [](std::uint64_t tick) {
    return Timestamp(Duration(static_cast<std::int64_t>(tick) * kTick.count()));
  };
  if (heads_[kDueList] != kNone) return to_time(now_tick_);
  const auto next = next_slot();
  return next ? std::optional(to_time(next->tick)) : std::nullopt;
}

}  // namespace sallyport
