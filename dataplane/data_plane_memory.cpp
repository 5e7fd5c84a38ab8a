// data_plane_memory.cpp — the same plan that a start follows.
#include "dataplane/data_plane_memory.h"

#include "dataplane/dpdk/device_plan.h"
#include "dataplane/net/linux_flows.h"

namespace sallyport::dataplane {

DataPlaneMemory data_plane_memory(const SbcConfig& config, std::uint32_t cpu_count) {
  const ThreadPlan threads = plan_threads(config.dataplane, cpu_count);
  const MemoryPlan memory = plan_memory(plan_devices(config), threads);
  return {.lcores = threads.lcores,
          .packet_bytes = std::uint64_t{memory.megabytes} << 20,  // EAL's megabytes are of 2^20 octets
          .flow_bytes = LinuxFlows::bytes_for(config.dataplane.capacity.connections),
          .media_bytes = media_bytes(config, threads)};
}

}  // namespace sallyport::dataplane
