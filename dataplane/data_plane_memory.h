// data_plane_memory.h — what the data plane of a configuration will take, known before it starts. Pure: no
// DPDK. mgmt/ may include it as it may data_plane.h.
#pragma once

#include <cstdint>

#include "policy/model/sbc_config.h"

namespace sallyport::dataplane {

struct DataPlaneMemory {
  std::uint32_t lcores = 1;        // polling threads: each has tables of its own
  std::uint64_t packet_bytes = 0;  // packet buffers, rings and memzones: what DPDK is asked to take
  std::uint64_t flow_bytes = 0;    // the table of Linux's flows
  std::uint64_t media_bytes = 0;   // streams of the relays, when every media port is in use
};

// `cpu_count`: CPUs that this process may run on.
[[nodiscard]] DataPlaneMemory data_plane_memory(const SbcConfig& config, std::uint32_t cpu_count);

}  // namespace sallyport::dataplane
