// parse_mbuf.h — where parse_packet meets DPDK's buffers: headers of chained ones, checksums over chains.
#pragma once

#include <rte_mbuf.h>

#include "dataplane/packet/checksum.h"
#include "dataplane/packet/packet_meta.h"
#include "dataplane/packet/port_table.h"
#include "dataplane/pipeline/drop_reason.h"
#include "policy/base/result.h"

namespace sallyport::dataplane {

struct LastAddresses;  // ordinary_packet.h

// Buffers of the fast path come from pools whose private area has room for this.
[[nodiscard]] inline PacketMeta* meta_of(rte_mbuf* packet) noexcept {
  return static_cast<PacketMeta*>(rte_mbuf_to_priv(packet));
}

// Parses the frame in `packet`, which may be chained; fills its PacketMeta. Verifies all checksums but that
// of UDP, which is summed over the whole datagram: it is left pending, for most of a flood is dropped without
// it. Of a reassembled packet it is verified at once.
[[nodiscard]] Result<void, DropReason> parse_mbuf(rte_mbuf* packet, const DevicePorts& device,
                                                  bool is_reassembled) noexcept;
// The same of one packet after the other, as they arrive.
[[nodiscard]] Result<void, DropReason> parse_mbuf(rte_mbuf* packet, const DevicePorts& device,
                                                  LastAddresses& last) noexcept;

// Verifies what parse_mbuf() left pending; nothing may carry a packet on before.
[[nodiscard]] Result<void, DropReason> verify_pending_checksum(const rte_mbuf* packet,
                                                               PacketMeta& meta) noexcept;

// Adds `length` octets from `offset` on; all of them are there.
void add_octets(InternetSum& sum, const rte_mbuf* packet, std::size_t offset, std::size_t length) noexcept;

}  // namespace sallyport::dataplane
