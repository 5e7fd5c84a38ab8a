// message_lane.cpp — one sender, one receiver; filters belong to the engine's thread.
#include "mgmt/capture/message_lane.h"

#include <utility>

namespace sallyport::mgmt {

void MessageLane::open(std::size_t taker, const MessageFilter& filter, const sip::MessageRing* past) {
  Taker& one = takers_[taker];
  one.filter = filter;
  one.dropped.store(0, std::memory_order_relaxed);
  one.is_open.store(true, std::memory_order_relaxed);
  set_wanted(true);
  if (past == nullptr || !filter.call) return;
  past->for_each(*filter.call, [&](const sip::RingMessage& message) {
    if (filter.takes(message)) add(message, 1u << taker);
  });
}

void MessageLane::close(std::size_t taker) noexcept {
  takers_[taker].is_open.store(false, std::memory_order_relaxed);
  bool is_any_open = false;
  for (const Taker& one : takers_) is_any_open |= one.is_open.load(std::memory_order_relaxed);
  set_wanted(is_any_open);
}

void MessageLane::on_message(const sip::RingMessage& message) noexcept {
  std::uint32_t wanted = 0;
  for (std::size_t i = 0; i < takers_.size(); ++i)
    if (takers_[i].is_open.load(std::memory_order_relaxed) && takers_[i].filter->takes(message))
      wanted |= 1u << i;
  if (wanted != 0) add(message, wanted);
}

void MessageLane::add(const sip::RingMessage& message, std::uint32_t takers) noexcept {
  const std::uint64_t tail = tail_.load(std::memory_order_relaxed);
  const bool is_full = tail - head_.load(std::memory_order_acquire) >= slots_.size() ||
                       bytes_.load(std::memory_order_relaxed) + message.bytes.size() > bounds_.bytes;
  if (is_full) {
    for (std::size_t i = 0; i < takers_.size(); ++i)
      if ((takers >> i & 1u) != 0) takers_[i].dropped.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  slots_[tail % slots_.size()] = std::make_unique<CapturedMessage>(
      CapturedMessage{message.at, message.direction, message.path, message.call, message.is_again, takers,
                      std::string(message.bytes)});
  bytes_.fetch_add(message.bytes.size(), std::memory_order_relaxed);
  tail_.store(tail + 1, std::memory_order_release);
}

std::unique_ptr<CapturedMessage> MessageLane::take() noexcept {
  const std::uint64_t head = head_.load(std::memory_order_relaxed);
  if (head == tail_.load(std::memory_order_acquire)) return nullptr;
  std::unique_ptr<CapturedMessage> message = std::move(slots_[head % slots_.size()]);
  bytes_.fetch_sub(message->bytes.size(), std::memory_order_relaxed);
  head_.store(head + 1, std::memory_order_release);
  return message;
}

}  // namespace sallyport::mgmt
