// message_tee.h — who else wants to see the messages of an engine as they pass: captures, a collector.
#pragma once

#include <atomic>

#include "sipalg/trace/message_ring.h"

namespace sallyport::sip {

// An engine that has a tee asks is_wanted() of each message: one relaxed load while nobody looks.
class MessageTee {
 public:
  virtual ~MessageTee() = default;
  // On the engine's thread: copies what it wants and waits for nothing.
  virtual void on_message(const RingMessage& message) noexcept = 0;

  [[nodiscard]] bool is_wanted() const noexcept { return is_wanted_.load(std::memory_order_relaxed); }
  // Any thread.
  void set_wanted(bool is_wanted) noexcept { is_wanted_.store(is_wanted, std::memory_order_relaxed); }

 private:
  std::atomic<bool> is_wanted_{false};
};

}  // namespace sallyport::sip
