// media_rig.h — streams on the lcore rig: opened by commands that a shard gives, fed with RTP.
#pragma once

#include <optional>
#include <string>

#include "tests/dpdk/frames.h"
#include "tests/dpdk/lcore_rig.h"

namespace sallyport::dataplane {

inline constexpr std::size_t kOutside = 0, kInside = 1;

// RTP of payload type 0, version 2.
[[nodiscard]] std::string rtp(std::uint16_t sequence, std::size_t voice = 160, std::uint32_t ssrc = 0x5a11);

// A stream between a caller outside and a callee inside, both as their SDP says.
struct TestStream {
  media::MediaCommand command;
  Flow from_caller, from_callee;  // how each sends RTP to its port of ours

  [[nodiscard]] const media::MediaSideSettings& side(media::StreamSide side) const {
    return command.sides[index_of(side)];
  }
};

struct StreamKind {
  bool caller_v4 = true, callee_v4 = true;
  std::uint64_t call = 1;
  std::uint8_t shard = 0;
};
// Takes ports from the pool; opens nothing.
[[nodiscard]] TestStream make_stream(LcoreRig& rig, const StreamKind& kind = {});
// The shard gives the command, the lcores take it.
void order(LcoreRig& rig, const media::MediaCommand& command, std::size_t shard = 0);
// Made and opened; the next hops of both sides are known.
[[nodiscard]] TestStream open_stream(LcoreRig& rig, const StreamKind& kind = {});
void close_stream(LcoreRig& rig, const TestStream& stream);

// What leaves a port when this frame has come to the other; empty: nothing.
[[nodiscard]] std::vector<Bytes> relayed(LcoreRig& rig, std::size_t from, const Bytes& frame);
[[nodiscard]] std::uint64_t refused(const LcoreRig& rig, std::size_t realm, media::MediaDropReason reason);
[[nodiscard]] std::uint64_t transmitted(const LcoreRig& rig, std::size_t port, PacketClass packet_class);
// The same frame with another UDP checksum.
[[nodiscard]] Bytes with_checksum(Bytes frame, std::uint16_t checksum);
[[nodiscard]] std::uint16_t checksum_of(const Bytes& frame);

}  // namespace sallyport::dataplane
