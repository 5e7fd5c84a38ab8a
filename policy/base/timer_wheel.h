// timer_wheel.h — many timers, each armed, disarmed and fired in O(1): a hierarchical wheel without a clock.
//
// Timers are named by small numbers below the capacity (the index of the object they belong to), so arming
// one allocates nothing. A timer never fires early; it may fire up to one tick late.
//
// Ticks are written in base 64, and a timer lies in the level of the highest digit in which its tick differs
// from the present one. The lowest level in use therefore holds the next timer, and one that lies in a higher
// level moves down when its digit comes (each move is one of at most kLevels).
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "policy/base/big_table.h"
#include "policy/base/time.h"

namespace sallyport {

class TimerWheel {
 public:
  using TimerId = std::uint32_t;
  static constexpr Duration kTick = std::chrono::milliseconds(1);

  // Memory for all timers is taken here.
  explicit TimerWheel(std::uint32_t capacity);
  // Room for so many timers at least; those that are armed stay so.
  void grow(std::uint32_t capacity) {
    if (capacity > nodes_.size()) nodes_.resize(capacity);
  }

  // Arms, or arms anew. A deadline in the past is due at once.
  void arm(TimerId timer, Timestamp deadline) noexcept;
  // Without effect when it is not armed.
  void disarm(TimerId timer) noexcept;
  [[nodiscard]] bool is_armed(TimerId timer) const noexcept { return nodes_[timer].list != kNoList; }

  // Takes one timer whose deadline is not after `now`; nothing when there is none. `now` never goes back.
  [[nodiscard]] std::optional<TimerId> pop_due(Timestamp now) noexcept;

  // Not later than the earliest deadline, rounded up to a tick; may be earlier, for when timers change their
  // level. Nothing when no timer is armed.
  [[nodiscard]] std::optional<Timestamp> next_deadline() const noexcept;
  [[nodiscard]] std::uint32_t armed() const noexcept { return armed_; }

 private:
  static constexpr unsigned kDigitBits = 6;
  static constexpr unsigned kSlots = 1u << kDigitBits;
  static constexpr unsigned kLevels = 11;  // 66 bits: every tick there is
  static constexpr std::uint32_t kNone = 0xffffffffu;
  static constexpr std::uint16_t kDueList = kLevels * kSlots;
  static constexpr std::uint16_t kNoList = 0xffff;

  struct Node {
    std::uint64_t tick = 0;
    std::uint32_t next = kNone;
    std::uint32_t previous = kNone;
    std::uint16_t list = kNoList;
  };

  void link(TimerId timer) noexcept;
  void unlink(TimerId timer) noexcept;
  // The tick at which the next slot in use comes up, and that slot's list.
  struct NextSlot {
    std::uint64_t tick;
    std::uint16_t list;
  };
  [[nodiscard]] std::optional<NextSlot> next_slot() const noexcept;

  BigTable<Node> nodes_;
  std::array<std::uint32_t, kLevels * kSlots + 1> heads_{};
  std::array<std::uint64_t, kLevels> used_{};  // a bit for each slot that is not empty
  std::uint64_t now_tick_ = 0;
  std::uint32_t armed_ = 0;
};

}  // namespace sallyport
