// datagram_mbuf.cpp — copies a datagram into buffers.
#include "dataplane/packet/datagram_mbuf.h"

#include <rte_mbuf.h>

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "dataplane/dpdk/mbuf_ptr.h"

namespace sallyport::dataplane {

rte_mbuf* datagram_mbuf(std::span<const char> bytes, rte_mempool& pool) noexcept {
  MbufPtr head;
  rte_mbuf* last = nullptr;
  do {
    rte_mbuf* segment = rte_pktmbuf_alloc(&pool);
    if (segment == nullptr) return nullptr;
    const std::size_t size = std::min<std::size_t>(bytes.size(), rte_pktmbuf_tailroom(segment));
    std::memcpy(rte_pktmbuf_mtod(segment, char*), bytes.data(), size);
    segment->data_len = static_cast<std::uint16_t>(size);
    segment->pkt_len = static_cast<std::uint32_t>(size);
    bytes = bytes.subspan(size);
    if (last == nullptr) {
      head.reset(segment);
    } else {
      last->next = segment;
      head->nb_segs = static_cast<std::uint16_t>(head->nb_segs + 1);
      head->pkt_len += segment->pkt_len;
    }
    last = segment;
  } while (!bytes.empty());
  return head.release();
}

}  // namespace sallyport::dataplane
