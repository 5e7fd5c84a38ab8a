// event_line.h — events of one engine on their way to management's writer thread, and its answer: up to which
// record the journal is on disk. The shard never waits for it.
//
// The mailbox holds pointers, and a second one brings them back: what one thread took from the allocator and
// another gave to it would cost both a lock. When the first is full the writer is behind: records wait here,
// in a queue that has an end too, all else is dropped and counted.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>

#include "dataplane/worker/doorbell.h"
#include "dataplane/worker/mailbox.h"
#include "policy/base/counters.h"
#include "sipalg/engine/engine_event.h"

namespace sallyport::dataplane {

class EventLine {
 public:
  static constexpr std::size_t kOnTheWay = 4096;
  static constexpr std::size_t kHeldRecords = 65536;  // some 60 MB at worst: minutes of a stalled disk

  // `writer` wakes the thread that takes; it outlives the line.
  explicit EventLine(Doorbell& writer, std::size_t on_the_way = kOnTheWay,
                     std::size_t held_records = kHeldRecords);
  ~EventLine();
  EventLine(const EventLine&) = delete;
  EventLine& operator=(const EventLine&) = delete;

  // The shard's thread.
  void add(sip::EngineEvent&& event) noexcept;
  // Tries again what waits, and rings the writer once for all that was added. At the end of each turn.
  void flush() noexcept;
  [[nodiscard]] bool is_behind() const noexcept { return !held_.empty(); }

  // The writer's thread.
  [[nodiscard]] std::unique_ptr<sip::EngineEvent> take() noexcept;
  void give_back(std::unique_ptr<sip::EngineEvent> event) noexcept;
  void set_journalled(std::uint64_t sequence) noexcept {
    journalled_.store(sequence, std::memory_order_release);
  }

  // Any thread.
  [[nodiscard]] bool has_mail() const noexcept;
  [[nodiscard]] std::uint64_t journalled() const noexcept {
    return journalled_.load(std::memory_order_acquire);
  }
  [[nodiscard]] std::uint64_t dropped() const noexcept { return dropped_.value(); }
  [[nodiscard]] std::uint64_t records_lost() const noexcept { return records_lost_.value(); }
  // When the shard's thread has ended: what still waits can be taken from now on.
  void close() noexcept;

 private:
  using Owned = std::unique_ptr<sip::EngineEvent>;
  [[nodiscard]] bool send(Owned& event) noexcept;
  [[nodiscard]] Owned owned(sip::EngineEvent&& event);

  Doorbell& writer_;
  Mailbox<sip::EngineEvent*> mailbox_, spent_;
  const std::size_t held_max_;
  std::deque<Owned> held_;  // records only; the shard's, until close()
  bool has_sent_ = false;
  Counter dropped_, records_lost_;
  std::atomic<std::uint64_t> journalled_{0};
  std::atomic<bool> closed_{false};
};

}  // namespace sallyport::dataplane
