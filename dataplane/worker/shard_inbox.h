// shard_inbox.h — the way of SIP datagrams from one lcore to one signalling thread, in three lanes:
// strangers, those who are trusted or have proved themselves, known peers. Each lane has its own part of the
// room, so that no class can fill another's, and what is trusted more never waits behind what is trusted
// less.
//
// Each lane is a mailbox: one sender, one receiver.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "dataplane/pipeline/drop_reason.h"
#include "dataplane/worker/mailbox.h"
#include "dataplane/worker/messages.h"

namespace sallyport::dataplane {

enum class Lane : std::uint8_t { Known, Trusted, Strangers };
// In the order in which they are served.
inline constexpr std::array<Lane, 3> kLanes{Lane::Known, Lane::Trusted, Lane::Strangers};

[[nodiscard]] inline Lane lane_of(const PacketMeta& meta) noexcept {
  if (meta.trust == TrustClass::Known) return Lane::Known;
  return meta.trust == TrustClass::Trusted || meta.is_proved ? Lane::Trusted : Lane::Strangers;
}
[[nodiscard]] constexpr DropReason no_room_in(Lane lane) noexcept {
  constexpr std::array kReasons{DropReason::ShardRingFull, DropReason::TrustedShareFull,
                                DropReason::StrangerShareFull};
  return kReasons[static_cast<std::size_t>(lane)];
}

class ShardInbox {
 public:
  // `capacity`: of all lanes together. Known peers have half of it, each other lane a quarter.
  explicit ShardInbox(std::size_t capacity) : ShardInbox(std::bit_ceil(capacity) / 4, 0) {}

  // Sender only. False when the lane is full: the caller keeps the packet.
  [[nodiscard]] bool send(const ShardInput& input, Lane lane) noexcept { return of(lane).send(input); }
  // Receiver only. False when the lane is empty.
  [[nodiscard]] bool receive(ShardInput& input, Lane lane) noexcept { return of(lane).receive(input); }
  // The same, of whatever lane.
  [[nodiscard]] bool receive(ShardInput& input) noexcept {
    for (Mailbox<ShardInput>& lane : lanes_)
      if (lane.receive(input)) return true;
    return false;
  }

  // Any thread; a moment old.
  [[nodiscard]] const Mailbox<ShardInput>& lane(Lane lane) const noexcept {
    return lanes_[static_cast<std::size_t>(lane)];
  }
  [[nodiscard]] std::size_t used() const noexcept {
    std::size_t used = 0;
    for (const Mailbox<ShardInput>& lane : lanes_) used += lane.used();
    return used;
  }
  [[nodiscard]] bool empty() const noexcept { return used() == 0; }
  [[nodiscard]] std::size_t capacity() const noexcept {
    std::size_t capacity = 0;
    for (const Mailbox<ShardInput>& lane : lanes_) capacity += lane.capacity();
    return capacity;
  }

 private:
  ShardInbox(std::size_t quarter, int)
      : lanes_{Mailbox<ShardInput>(2 * quarter), Mailbox<ShardInput>(quarter), Mailbox<ShardInput>(quarter)} {
  }
  [[nodiscard]] Mailbox<ShardInput>& of(Lane lane) noexcept { return lanes_[static_cast<std::size_t>(lane)]; }

  std::array<Mailbox<ShardInput>, 3> lanes_;  // by Lane
};

}  // namespace sallyport::dataplane
