// packet_pool.h — the buffers of all packets: one mempool for each socket that has a device, each buffer with
// a PacketMeta in its private area.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "dataplane/data_plane.h"
#include "dataplane/dpdk/device_plan.h"
#include "dataplane/packet/packet_meta.h"

struct rte_mempool;

namespace sallyport::dataplane {

class PacketPools {
 public:
  explicit PacketPools(const MemoryPlan& plan) : plan_(plan) {}
  ~PacketPools();
  PacketPools(const PacketPools&) = delete;
  PacketPools& operator=(const PacketPools&) = delete;

  // The pool of that socket, made at the first call for it. Start only.
  [[nodiscard]] Result<rte_mempool*, StartError> of_socket(int socket);
  // The first that was made: packets of our own making come from it.
  [[nodiscard]] rte_mempool* main() const noexcept { return pools_.empty() ? nullptr : pools_.front().pool; }

  [[nodiscard]] std::uint64_t total() const noexcept;
  // Walks every thread's cache: for snapshots and the leak check.
  [[nodiscard]] std::uint64_t free() const noexcept;

 private:
  struct Pool {
    int socket = 0;
    rte_mempool* pool = nullptr;
  };
  MemoryPlan plan_;
  std::vector<Pool> pools_;
};

}  // namespace sallyport::dataplane
