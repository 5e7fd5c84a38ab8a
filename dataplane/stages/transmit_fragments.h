// transmit_fragments.h — cuts a packet of ours that is longer than the path takes: RFC 791 §3.2, RFC 8200
// §4.5.
//
// The fragments are copies, each in one segment: not every driver sends chained segments, and this is rare.
#pragma once

#include <rte_mbuf.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "dataplane/pipeline/drop_reason.h"
#include "policy/base/result.h"

namespace sallyport::dataplane {

// 64 KiB over the smallest MTU that a port may have (1280).
inline constexpr std::size_t kFragmentsOfOneMax = 64;

struct FragmentCut {
  std::uint16_t l3_offset = 14;  // where the IP header begins; a 20-octet IPv4 or bare IPv6 header
  std::uint16_t mtu = 1500;
  std::uint32_t identification = 0;
};

// How many fragments were put into `out`; each has the link header and the private area of `packet`, which
// stays the caller's.
[[nodiscard]] Result<std::size_t, DropReason> cut_into_fragments(const rte_mbuf& packet,
                                                                 const FragmentCut& cut, rte_mempool& pool,
                                                                 std::span<rte_mbuf*> out) noexcept;

}  // namespace sallyport::dataplane
