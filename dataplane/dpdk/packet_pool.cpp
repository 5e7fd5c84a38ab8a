// packet_pool.cpp — makes and counts packet buffers.
#include "dataplane/dpdk/packet_pool.h"

#include <fmt/format.h>
#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

namespace sallyport::dataplane {

// The ring under the pool is of the RTS kind: a thread that is preempted in the middle of taking a buffer
// does not make the others spin until it runs again, which two threads on one CPU would feel.
Result<rte_mempool*, StartError> PacketPools::of_socket(int socket) {
  if (socket < 0) socket = 0;  // virtual devices belong to no socket
  for (const Pool& pool : pools_)
    if (pool.socket == socket) return pool.pool;
  constexpr std::uint16_t kPrivateBytes = RTE_ALIGN_CEIL(sizeof(PacketMeta), RTE_MBUF_PRIV_ALIGN);
  const std::string name = fmt::format("packets-{}", socket);
  rte_mempool* made =
      rte_pktmbuf_pool_create_by_ops(name.c_str(), plan_.mbufs, kMempoolCache, kPrivateBytes,
                                     static_cast<std::uint16_t>(plan_.data_room), socket, "ring_mt_rts");
  if (made == nullptr) {
    return fail(
        StartError{fmt::format("no memory for {} packet buffers of {} octets ({}); lower "
                               "dataplane.capacity, or give hugepages or memory",
                               plan_.mbufs, plan_.data_room, rte_strerror(rte_errno))});
  }
  pools_.push_back({socket, made});
  return made;
}

PacketPools::~PacketPools() {
  for (const Pool& pool : pools_) rte_mempool_free(pool.pool);
}

std::uint64_t PacketPools::total() const noexcept {
  std::uint64_t sum = 0;
  for (const Pool& pool : pools_) sum += pool.pool->size;
  return sum;
}

std::uint64_t PacketPools::free() const noexcept {
  std::uint64_t sum = 0;
  for (const Pool& pool : pools_) sum += rte_mempool_avail_count(pool.pool);
  return sum;
}

}  // namespace sallyport::dataplane
