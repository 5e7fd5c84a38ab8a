// mailbox.h — a bounded ring with one sender and one receiver thread; how lcores, shards and the stream
// thread talk. A preempted thread stops nobody: neither side ever waits for the other.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

namespace sallyport::dataplane {

template <class Message>
class Mailbox {
  static_assert(std::is_trivially_copyable_v<Message>);

 public:
  explicit Mailbox(std::size_t capacity) : slots_(std::bit_ceil(capacity)), mask_(slots_.size() - 1) {}
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  // Sender only. False when full: the caller keeps what it could not send.
  [[nodiscard]] bool send(const Message& message) noexcept {
    const std::uint64_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - cached_head_ > mask_) {
      cached_head_ = head_.load(std::memory_order_acquire);
      if (tail - cached_head_ > mask_) return false;
    }
    slots_[tail & mask_] = message;
    tail_.store(tail + 1, std::memory_order_release);
    return true;
  }

  // Receiver only. False when empty.
  [[nodiscard]] bool receive(Message& message) noexcept { return take(message, false); }
  // The same, of what is secret: nothing of it stays in the ring.
  [[nodiscard]] bool receive_and_wipe(Message& message) noexcept { return take(message, true); }

  // Any thread; a moment old.
  [[nodiscard]] std::size_t used() const noexcept {
    const std::uint64_t head = head_.load(std::memory_order_acquire);
    return static_cast<std::size_t>(tail_.load(std::memory_order_acquire) - head);
  }
  [[nodiscard]] bool empty() const noexcept { return used() == 0; }
  [[nodiscard]] std::size_t capacity() const noexcept { return slots_.size(); }

 private:
  [[nodiscard]] bool take(Message& message, bool is_secret) noexcept {
    const std::uint64_t head = head_.load(std::memory_order_relaxed);
    if (head == cached_tail_) {
      cached_tail_ = tail_.load(std::memory_order_acquire);
      if (head == cached_tail_) return false;
    }
    Message& slot = slots_[head & mask_];
    message = slot;
    if (is_secret) {
      std::memset(static_cast<void*>(&slot), 0, sizeof slot);
      __asm__ volatile("" : : "r"(&slot) : "memory");  // not to be found useless
    }
    head_.store(head + 1, std::memory_order_release);
    return true;
  }

  std::vector<Message> slots_;
  const std::uint64_t mask_;
  alignas(64) std::atomic<std::uint64_t> tail_{0};  // written by the sender
  std::uint64_t cached_head_ = 0;
  alignas(64) std::atomic<std::uint64_t> head_{0};  // written by the receiver
  std::uint64_t cached_tail_ = 0;
};

}  // namespace sallyport::dataplane
