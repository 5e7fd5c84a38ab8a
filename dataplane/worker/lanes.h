// lanes.h — a way from one thread to another in several lanes, each with its own part of the room: what fills
// one takes nothing from the others. Each lane is a mailbox: one sender, one receiver.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <utility>

#include "dataplane/worker/mailbox.h"

namespace sallyport::dataplane {

// `Which` numbers the lanes from 0 on, in the order in which they are served; `kEighths`: by lane, powers of
// two, of which there are eight together.
template <class Message, class Which, auto kEighths>
class Lanes {
 public:
  static constexpr std::size_t kCount = kEighths.size();

  // `capacity`: of all lanes together.
  explicit Lanes(std::size_t capacity) : Lanes(capacity, std::make_index_sequence<kCount>{}) {}

  // Sender only. False when the lane is full: the caller keeps what it could not send.
  [[nodiscard]] bool send(const Message& message, Which lane) noexcept { return of(lane).send(message); }
  // Receiver only. False when the lane is empty.
  [[nodiscard]] bool receive(Message& message, Which lane) noexcept { return of(lane).receive(message); }
  // The same, of whatever lane.
  [[nodiscard]] bool receive(Message& message) noexcept {
    for (Mailbox<Message>& lane : lanes_)
      if (lane.receive(message)) return true;
    return false;
  }

  // Any thread; a moment old.
  [[nodiscard]] const Mailbox<Message>& lane(Which lane) const noexcept {
    return lanes_[static_cast<std::size_t>(lane)];
  }
  [[nodiscard]] std::size_t used() const noexcept {
    std::size_t used = 0;
    for (const Mailbox<Message>& lane : lanes_) used += lane.used();
    return used;
  }
  [[nodiscard]] bool empty() const noexcept { return used() == 0; }
  [[nodiscard]] std::size_t capacity() const noexcept {
    std::size_t capacity = 0;
    for (const Mailbox<Message>& lane : lanes_) capacity += lane.capacity();
    return capacity;
  }

 private:
  template <std::size_t... kLane>
  Lanes(std::size_t capacity, std::index_sequence<kLane...>)
      : lanes_{Mailbox<Message>(part(capacity, kEighths[kLane]))...} {}
  [[nodiscard]] static std::size_t part(std::size_t capacity, std::size_t eighths) noexcept {
    return std::max<std::size_t>(std::bit_ceil(capacity) * eighths / 8, 1);
  }
  [[nodiscard]] Mailbox<Message>& of(Which lane) noexcept { return lanes_[static_cast<std::size_t>(lane)]; }

  std::array<Mailbox<Message>, kCount> lanes_;
};

}  // namespace sallyport::dataplane
