// datagram_mbuf.h — a UDP payload in buffers of its own, with room for all headers in front.
#pragma once

#include <span>

struct rte_mbuf;
struct rte_mempool;

namespace sallyport::dataplane {

// What one buffer can't hold goes into a chain. Null: no buffers.
[[nodiscard]] rte_mbuf* datagram_mbuf(std::span<const char> bytes, rte_mempool& pool) noexcept;

}  // namespace sallyport::dataplane
