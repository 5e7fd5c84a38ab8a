// parse_packet.h — one frame, from the Ethernet header to the transport header, as a pure function.
//
// What comes out well is addressed to the port, comes from an address that can be answered, and has headers
// within bounds. A fragment is parsed as far as its IP header; reassembly gives it back as a whole frame.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "dataplane/packet/checksum.h"
#include "dataplane/packet/ip_header.h"
#include "dataplane/packet/packet_meta.h"
#include "dataplane/packet/port_table.h"
#include "dataplane/packet/wire.h"
#include "dataplane/pipeline/drop_reason.h"
#include "policy/base/result.h"

namespace sallyport::dataplane {

// With this many octets in one piece every header that is accepted can be read.
inline constexpr std::size_t kHeadBytes = 512;

struct Frame {
  std::span<const std::uint8_t> head{};  // the whole frame, or at least its first kHeadBytes
  std::size_t length = 0;                // of the whole frame
  std::optional<std::uint16_t> stripped_tag{};
  bool is_reassembled = false;
};

// Fills `meta`, with `port` even on failure. Does not look at the transport checksum.
[[nodiscard]] Result<void, DropReason> parse_packet(const Frame& frame, const DevicePorts& device,
                                                    PacketMeta& meta) noexcept;

// Where the checksum of the packet's transport protocol lies in `head`, or nothing when it has none.
[[nodiscard]] std::optional<std::size_t> checksum_offset(const PacketMeta& meta) noexcept;
[[nodiscard]] InternetSum pseudo_header_sum(const PacketMeta& meta) noexcept;
// Octets from l4_offset that the transport checksum covers.
[[nodiscard]] std::uint16_t checksum_length(const PacketMeta& meta) noexcept;

// Verifies the transport checksum. `add_octets(sum)` adds checksum_length() octets from l4_offset on; it is
// called only when they are needed. With `completes` a checksum that holds only the pseudo header's sum is
// accepted and marked as half done: that is how Linux hands packets to a device that would finish them.
template <class AddOctets>
[[nodiscard]] Result<void, DropReason> check_transport_sum(PacketMeta& meta,
                                                           std::span<const std::uint8_t> head, bool completes,
                                                           AddOctets add_octets) noexcept {
  const auto at = checksum_offset(meta);
  if (!at) return {};
  const std::uint16_t written = load16(head.data() + *at);
  if (meta.ip_protocol == kProtocolUdp && written == 0) {
    if (meta.source.is_v4()) return {};      // RFC 768: the sender made none
    return fail(DropReason::BadL4Checksum);  // RFC 8200 §8.1
  }
  InternetSum sum = pseudo_header_sum(meta);
  const bool may_be_half_done = meta.ip_protocol == kProtocolUdp || meta.ip_protocol == kProtocolTcp;
  if (completes && may_be_half_done && is_same_sum(written, sum.folded())) {
    meta.checksum_half_done = true;
    return {};
  }
  add_octets(sum);
  if (sum.folded() != 0xffff) return fail(DropReason::BadL4Checksum);
  return {};
}

// Finishes a half-done checksum in a frame that lies in one piece.
void complete_checksum(std::span<std::uint8_t> frame, PacketMeta& meta) noexcept;

}  // namespace sallyport::dataplane
