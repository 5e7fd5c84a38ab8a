// shard_inbox.h — the ways to a signalling thread, of SIP datagrams from one lcore and of messages that came
// over connections, in three lanes: strangers, those who are trusted or have proved themselves, known peers.
// Each lane has its own part of the room, so that no class can fill another's, and what is trusted more never
// waits behind what is trusted less.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "dataplane/pipeline/drop_reason.h"
#include "dataplane/worker/lanes.h"
#include "dataplane/worker/messages.h"

namespace sallyport::dataplane {

enum class Lane : std::uint8_t { Known, Trusted, Strangers };
// In the order in which they are served.
inline constexpr std::array<Lane, 3> kLanes{Lane::Known, Lane::Trusted, Lane::Strangers};

[[nodiscard]] constexpr Lane lane_of(TrustClass trust, bool is_proved = false) noexcept {
  if (trust == TrustClass::Known) return Lane::Known;
  return trust == TrustClass::Trusted || is_proved ? Lane::Trusted : Lane::Strangers;
}
[[nodiscard]] inline Lane lane_of(const PacketMeta& meta) noexcept {
  return lane_of(meta.trust, meta.is_proved);
}
[[nodiscard]] constexpr DropReason no_room_in(Lane lane) noexcept {
  constexpr std::array kReasons{DropReason::ShardRingFull, DropReason::TrustedShareFull,
                                DropReason::StrangerShareFull};
  return kReasons[static_cast<std::size_t>(lane)];
}

// Known peers have half of the room, each other lane a quarter.
inline constexpr std::array<std::size_t, 3> kLaneEighths{4, 2, 2};
using ShardInbox = Lanes<ShardInput, Lane, kLaneEighths>;
using ConnectionInbox = Lanes<FromConnections, Lane, kLaneEighths>;

}  // namespace sallyport::dataplane
