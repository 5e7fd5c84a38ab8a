// device_plan.h — which DPDK devices the configured ports need, and how much packet memory. Pure: no DPDK.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "policy/model/index.h"
#include "policy/model/sbc_config.h"

namespace sallyport::dataplane {

// One DPDK device. Ports with different VLANs may share it.
struct DevicePlan {
  DeviceSpec spec;
  std::string eal_name;          // net_af_packet0, 0000:3b:00.0, ...
  std::vector<PortIndex> ports;  // in the order of SbcConfig::ports
  std::uint16_t mtu = 0;         // the largest of its ports
};

// In the order in which the configuration first names each device. A `discard` port never shares.
[[nodiscard]] std::vector<DevicePlan> plan_devices(const SbcConfig& config);

struct ThreadPlan {
  std::uint32_t lcores = 1, shards = 1;
  std::vector<std::uint32_t> cpus;  // one for each lcore, or empty: not pinned
};
[[nodiscard]] std::uint32_t shard_ring_capacity(const ThreadPlan& threads);   // of one pair
[[nodiscard]] std::uint32_t answer_ring_capacity(const ThreadPlan& threads);  // of one pair
// Commands and notices of the relay, of one pair: no packets in them.
[[nodiscard]] std::uint32_t media_order_ring_capacity(const ThreadPlan& threads);
[[nodiscard]] std::uint32_t media_notice_ring_capacity(const ThreadPlan& threads);
[[nodiscard]] ThreadPlan plan_threads(const DataplaneConfig& config, std::uint32_t cpu_count);

// Streams that the relay of one lcore may have at a time: as many as it has pairs of ports for.
[[nodiscard]] std::uint32_t media_streams_of_lcore(const SbcConfig& config, std::uint32_t lcores);
// What all relays and their rings take when every port is in use.
[[nodiscard]] std::uint64_t media_bytes(const SbcConfig& config, const ThreadPlan& threads);
inline constexpr std::uint64_t kMediaWayBytes = 128;  // of each direction: how it is sent

// Capacities of what may hold packets; plan_memory adds them up.
inline constexpr std::uint32_t kDescriptorsPerQueue = 1024;
inline constexpr std::uint32_t kShardRingCapacity = 4096;      // lcore to all shards; each pair has its part
inline constexpr std::uint32_t kAnswerRingCapacity = 2048;     // shard to all lcores; each pair has its part
inline constexpr std::uint32_t kStreamRingCapacity = 1024;     // lcore to stream thread and back, each
inline constexpr std::uint32_t kLcoreRingCapacity = 2048;      // lcore to lcore, each pair
inline constexpr std::uint32_t kUnreachableRingCapacity = 64;  // lcore to shard, each pair; no packets in it
inline constexpr std::uint32_t kFragmentsHeldMax = 4096;       // each lcore
inline constexpr std::uint32_t kPacketsOnHoldMax = 256;        // each lcore
inline constexpr std::uint32_t kDatagramsBehindOrdersMax = 1024;  // each shard: wait for the relay
inline constexpr std::uint32_t kMediaOrderRingCapacity = 1024;    // shard to all lcores
inline constexpr std::uint32_t kMediaNoticeRingCapacity = 4096;   // lcore to all shards
inline constexpr std::uint32_t kLetterRingCapacity = 64;  // shard to shard, each pair; what finds none waits
inline constexpr std::uint32_t kConnectionRingCapacity = 1024;  // shard to stream thread and back, each
inline constexpr std::uint32_t kMempoolCache = 256;             // each thread that handles packets

struct MemoryPlan {
  std::uint32_t mbufs = 0;
  std::uint32_t data_room = 0;  // octets of a buffer, headroom included
  std::uint32_t megabytes = 0;  // for EAL
};
[[nodiscard]] MemoryPlan plan_memory(std::span<const DevicePlan> devices, const ThreadPlan& threads);

// How an af_packet ring is cut for frames of this MTU: a power of two that holds the kernel's header, the
// Ethernet header and a VLAN tag.
[[nodiscard]] std::uint32_t af_packet_frame_size(std::uint16_t mtu);
inline constexpr std::uint32_t kAfPacketFrames = 1024;

// AF_XDP keeps a frame and the buffer's own headers in one page.
inline constexpr std::uint16_t kAfXdpMtuMax = 3000;
// Whether frames of this device fit into buffers that an af_xdp device uses too.
[[nodiscard]] bool fits_af_xdp_buffers(const DevicePlan& device);
[[nodiscard]] std::uint16_t largest_mtu_beside_af_xdp(DeviceKind kind);

}  // namespace sallyport::dataplane
