// relay_result.h — what the relay is told of a packet and what it answers. Plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "media-relay/control/media_command.h"
#include "media-relay/relay/media_drop_reason.h"
#include "policy/base/counters.h"
#include "policy/base/ip_address.h"
#include "policy/model/index.h"
#include "policy/model/units.h"

namespace sallyport::media {

// The flow that a packet to one of our media ports belongs to: stream, side that it comes from, RTP or RTCP
// port. 0: none. Good until the next apply() or on_tick(); not to be kept.
struct FlowRef {
  std::uint32_t value = 0;
  [[nodiscard]] bool is_flow() const noexcept { return value != 0; }
};

// Numbers the flows that leave, below Relay::out_flows_max(): for the caller's cache of what it needs for
// sending (next hop, prepared headers). What is cached is good while RelayResult::out_version is the same:
// versions are never given twice, not for another stream either, and never 0.
using OutFlow = std::uint32_t;

struct RelayResult {
  enum class Kind : std::uint8_t { Drop, Forward, Consumed };  // Consumed: RTCP that ends here
  Kind kind = Kind::Drop;
  MediaDropReason reason = MediaDropReason::Closed;  // of Drop
  bool payload_changed = false;  // of Forward: the UDP checksum of before says nothing any more
  bool is_rtcp = false;
  std::uint32_t length = 0;  // of Forward: of the UDP payload, as it is now
  OutFlow out = 0;
  std::uint32_t out_version = 0;
};

// One packet of a burst. `payload` is the UDP payload, in one piece, which may be rewritten and may grow up
// to `capacity` octets.
struct RelayPacket {
  FlowRef flow;
  Endpoint source;
  std::span<std::uint8_t> payload;
  std::size_t capacity = 0;
  RelayResult result;  // of Forward: the payload is `length` octets from where it began
};

// Asked for with Relay::outgoing() when the cache has another version.
struct Outgoing {
  Endpoint source;       // ours
  Endpoint destination;  // of the other family than what came in, where two sides differ
  RealmIndex realm = RealmIndex::kNone;
  Dscp dscp{46};
  bool is_own = false;  // the destination is an address of our own: for on_own_packet(), not for the wire
};

// A call that was led back to us passes through two of our streams, and a few more when it was led back more
// than once.
inline constexpr unsigned kHairpinsMax = 4;

// Of one realm on one lcore. "In": came from that realm and was relayed (RTCP: or taken). "Out": left into
// it. Bytes are those of IP packets. Dropped: by the realm that the packet came from.
struct RealmMediaCounters {
  Counter packets_in, bytes_in, packets_out, bytes_out;
  EnumCounters<MediaDropReason> dropped;
};

}  // namespace sallyport::media
