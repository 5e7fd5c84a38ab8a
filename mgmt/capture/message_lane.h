// message_lane.h — copies of one engine's messages on their way to the management thread, of fixed size. The
// engine never waits: what finds the lane full is dropped, and counted for everybody who wanted it.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "mgmt/capture/captured_message.h"
#include "sipalg/trace/message_tee.h"

namespace sallyport::mgmt {

class MessageLane final : public sip::MessageTee {
 public:
  static constexpr std::size_t kTakersMax = 9;
  struct Bounds {
    std::size_t messages = 8192;
    std::uint64_t bytes = 16'000'000;
  };

  MessageLane() : MessageLane(Bounds{}) {}
  explicit MessageLane(const Bounds& bounds) : bounds_(bounds), slots_(bounds.messages) {}

  // The engine's thread. `past`: a call's earlier messages go first, to this taker alone.
  void open(std::size_t taker, const MessageFilter& filter, const sip::MessageRing* past);
  void on_message(const sip::RingMessage& message) noexcept override;

  // The management thread. After close() nothing more is copied for this taker.
  void close(std::size_t taker) noexcept;
  // Null: nothing more is there now.
  [[nodiscard]] std::unique_ptr<CapturedMessage> take() noexcept;
  [[nodiscard]] std::uint64_t dropped(std::size_t taker) const noexcept {
    return takers_[taker].dropped.load(std::memory_order_relaxed);
  }

 private:
  struct Taker {
    std::atomic<bool> is_open{false};
    std::atomic<std::uint64_t> dropped{0};
    std::optional<MessageFilter> filter;  // the engine's
  };
  void add(const sip::RingMessage& message, std::uint32_t takers) noexcept;

  const Bounds bounds_;
  std::array<Taker, kTakersMax> takers_;
  std::vector<std::unique_ptr<CapturedMessage>> slots_;
  std::atomic<std::uint64_t> bytes_{0};             // in slots_
  alignas(64) std::atomic<std::uint64_t> tail_{0};  // written by the engine
  alignas(64) std::atomic<std::uint64_t> head_{0};  // written by management
};

}  // namespace sallyport::mgmt
