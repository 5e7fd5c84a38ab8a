// device_gate.h — between the lcore that uses a device and the control thread that must stop and start it
// while the lcore turns: the lcore passes by at the start of each of its turns, so neither ever waits.
#pragma once

#include <atomic>
#include <cstdint>

namespace sallyport::dataplane {

class DeviceGate {
 public:
  // The device's only lcore, once at the start of each turn. What it answers holds for the whole turn.
  bool begin_turn() noexcept {
    const std::uint64_t order = order_.load(std::memory_order_acquire);
    may_use_ = is_open(order);
    // Whatever the lcore did to the device in its last turn is over once this can be seen.
    seen_.store(order, std::memory_order_release);
    return may_use_;
  }
  // The lcore: what begin_turn() answered last.
  [[nodiscard]] bool may_use() const noexcept { return may_use_; }

  // The control thread, after it has started the device. Not when it is open.
  void open() noexcept { order_.fetch_add(1, std::memory_order_release); }
  // The control thread, when it is open. The device is free to be stopped once is_left() says so.
  void close() noexcept { order_.fetch_add(1, std::memory_order_relaxed); }
  // True when the lcore has passed by since the last order.
  [[nodiscard]] bool is_left() const noexcept {
    const std::uint64_t order = order_.load(std::memory_order_relaxed);
    return !is_open(order) && seen_.load(std::memory_order_acquire) == order;
  }

 private:
  [[nodiscard]] static bool is_open(std::uint64_t order) noexcept { return order % 2 != 0; }

  alignas(64) std::atomic<std::uint64_t> order_{0};  // counts; odd: open
  std::atomic<std::uint64_t> seen_{0};               // the last order that the lcore has seen
  bool may_use_ = false;                             // the lcore's own
};

}  // namespace sallyport::dataplane
