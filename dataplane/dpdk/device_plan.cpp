// device_plan.cpp — from ports to devices, threads and packet memory.
#include "dataplane/dpdk/device_plan.h"

#include <algorithm>
#include <array>
#include <bit>

#include "dataplane/worker/messages.h"
#include "media-relay/control/media_notice.h"
#include "media-relay/control/port_pool.h"
#include "media-relay/relay/secured_streams.h"
#include "media-relay/relay/stream_state.h"

namespace sallyport::dataplane {
namespace {

constexpr std::uint32_t kHeadroom = 128;             // RTE_PKTMBUF_HEADROOM
constexpr std::uint32_t kBufferOverhead = 64 + 256;  // mempool header; rte_mbuf and PacketMeta
constexpr std::uint32_t kLinkHeaders = 14 + 8;       // Ethernet and two tags
constexpr std::uint32_t kAfPacketHeaders = 96;       // tpacket2_hdr, sockaddr_ll, alignment
constexpr std::uint32_t kBurst = 64;
constexpr std::uint32_t kPage = 4096;

struct KindName {
  DeviceKind kind;
  const char* driver;
};
constexpr std::array<KindName, 7> kKindNames{{{DeviceKind::Pci, ""},
                                              {DeviceKind::AfXdp, "net_af_xdp"},
                                              {DeviceKind::AfPacket, "net_af_packet"},
                                              {DeviceKind::Memif, "net_memif"},
                                              {DeviceKind::Pcap, "net_pcap"},
                                              {DeviceKind::Ring, "net_ring"},
                                              {DeviceKind::Discard, "net_null"}}};

bool is_same_device(const DeviceSpec& a, const DeviceSpec& b) {
  if (a.kind == DeviceKind::Discard) return false;
  return a.kind == b.kind && a.name == b.name && a.memif_id == b.memif_id && a.pcap_in == b.pcap_in &&
         a.pcap_out == b.pcap_out;
}

std::uint32_t room_for(const DevicePlan& device) {
  return device.spec.kind == DeviceKind::AfPacket ? af_packet_frame_size(device.mtu)
                                                  : device.mtu + kLinkHeaders;
}

}  // namespace

std::vector<DevicePlan> plan_devices(const SbcConfig& config) {
  std::vector<DevicePlan> devices;
  std::array<unsigned, kKindNames.size()> made{};
  for (std::size_t i = 0; i < config.ports.size(); ++i) {
    const PortConfig& port = config.ports[i];
    auto device = std::find_if(devices.begin(), devices.end(), [&](const DevicePlan& other) {
      return is_same_device(other.spec, port.device);
    });
    if (device == devices.end()) {
      DevicePlan plan;
      plan.spec = port.device;
      const auto kind = static_cast<std::size_t>(port.device.kind);
      plan.eal_name = port.device.kind == DeviceKind::Pci
                          ? port.device.name
                          : kKindNames[kind].driver + std::to_string(made[kind]++);
      device = devices.insert(devices.end(), std::move(plan));
    }
    device->ports.push_back(static_cast<PortIndex>(i));
    device->mtu = std::max(device->mtu, port.mtu);
  }
  return devices;
}

ThreadPlan plan_threads(const DataplaneConfig& config, std::uint32_t cpu_count) {
  ThreadPlan plan;
  plan.cpus = config.lcore_cpus;
  if (!plan.cpus.empty()) {
    plan.lcores = static_cast<std::uint32_t>(plan.cpus.size());
  } else {
    // A quarter of a large machine polls; the rest signals, serves streams and leaves room for Linux.
    plan.lcores = config.lcore_count != 0 ? config.lcore_count : std::clamp(cpu_count / 4, 1U, 8U);
  }
  const std::uint32_t left = cpu_count > plan.lcores ? cpu_count - plan.lcores : 1;
  plan.shards = config.signalling_threads != 0 ? config.signalling_threads : std::clamp(left / 2, 1U, 16U);
  plan.shards = std::min(plan.shards, static_cast<std::uint32_t>(kShardCount));
  return plan;
}

// Not less than a few bursts.
std::uint32_t shard_ring_capacity(const ThreadPlan& threads) {
  return std::bit_ceil(std::max(kShardRingCapacity / threads.shards, 512U));
}

std::uint32_t answer_ring_capacity(const ThreadPlan& threads) {
  return std::bit_ceil(std::max(kAnswerRingCapacity / threads.lcores, 256U));
}

// Small: what one turn of an lcore takes of it is taken between two bursts of media.
std::uint32_t media_order_ring_capacity(const ThreadPlan& threads) {
  return std::bit_ceil(std::max(kMediaOrderRingCapacity / (4 * threads.lcores), 64U));
}

std::uint32_t media_notice_ring_capacity(const ThreadPlan& threads) {
  return std::bit_ceil(std::max(kMediaNoticeRingCapacity / threads.shards, 256U));
}

// The ports of one lcore are those of its slices (media/port_pool.h); each stream has two pairs.
std::uint32_t media_streams_of_lcore(const SbcConfig& config, std::uint32_t lcores) {
  const std::uint32_t slices = (media::kSlices + lcores - 1) / lcores;
  std::uint32_t pairs = 0;
  for (const RealmConfig& realm : config.realms) {
    const PortRange& range = realm.media.ports;
    const std::uint32_t first = (range.first + 1U) / 2, end = (range.last + 1U) / 2;
    const std::uint32_t all = end > first ? end - first : 0;
    const std::uint32_t of_slice = (all + media::kSlices - 1) / media::kSlices;
    pairs += static_cast<std::uint32_t>(realm.media.addresses.size()) * std::min(all, of_slice * slices);
  }
  return pairs / 2;
}

namespace {

// Keys of all streams, where any of them may have some.
std::uint64_t srtp_bytes(const SbcConfig& config, std::uint32_t streams) {
  const bool is_used = std::ranges::any_of(
      config.profiles, [](const ProfileConfig& profile) { return profile.srtp.mode != SrtpMode::None; });
  if (!is_used) return 0;
  return streams * sizeof(media::StreamSecurity) +
         std::uint64_t{media::srtp_contexts_of(streams)} * media::kSrtpContextBytesMax;
}

}  // namespace

std::uint64_t media_bytes(const SbcConfig& config, const ThreadPlan& threads) {
  constexpr std::uint64_t kDirections = 2, kPorts = 65536;
  constexpr std::uint64_t kStream = sizeof(media::StreamState) + sizeof(Timestamp) +
                                    kDirections * (sizeof(media::HotFlow) + kMediaWayBytes);
  std::uint64_t addresses = 0;
  for (const PortConfig& port : config.ports) addresses += port.addresses.size();
  const std::uint32_t streams = media_streams_of_lcore(config, threads.lcores);
  const std::uint64_t relay =
      streams * kStream + srtp_bytes(config, streams) + addresses * kPorts * sizeof(std::uint32_t);
  const std::uint64_t rings = media_order_ring_capacity(threads) * sizeof(MediaOrder) +
                              media_notice_ring_capacity(threads) * sizeof(media::MediaNotice);
  return threads.lcores * (relay + threads.shards * rings);
}

std::uint32_t af_packet_frame_size(std::uint16_t mtu) {
  return std::bit_ceil(std::max(mtu + kLinkHeaders + kAfPacketHeaders, std::uint32_t{2048}));
}

bool fits_af_xdp_buffers(const DevicePlan& device) {
  return room_for(device) + kHeadroom + kBufferOverhead <= kPage;
}

std::uint16_t largest_mtu_beside_af_xdp(DeviceKind kind) {
  return kind == DeviceKind::AfPacket ? 2048 - kLinkHeaders - kAfPacketHeaders : kAfXdpMtuMax;
}

MemoryPlan plan_memory(std::span<const DevicePlan> devices, const ThreadPlan& threads) {
  MemoryPlan plan;
  std::uint32_t room = 2048;
  for (const DevicePlan& device : devices) room = std::max(room, room_for(device));
  plan.data_room = room + kHeadroom;

  const auto device_count = static_cast<std::uint32_t>(devices.size());
  const std::uint32_t lcores = threads.lcores, shards = threads.shards;
  std::uint32_t mbufs = 0;
  mbufs += device_count * 2 * kDescriptorsPerQueue * 2;       // rx, tx: as much again while in flight
  mbufs += lcores * shards * shard_ring_capacity(threads);    // on the way to shards
  mbufs += lcores * shards * answer_ring_capacity(threads);   // and back
  mbufs += shards * kDatagramsBehindOrdersMax;                // behind commands for the relay
  mbufs += lcores * 2 * kStreamRingCapacity;                  // to and from the stream thread
  mbufs += lcores * (lcores - 1) * kLcoreRingCapacity;        // handed over
  mbufs += lcores * (kFragmentsHeldMax + kPacketsOnHoldMax);  // waiting
  mbufs += lcores * (device_count + 2) * kBurst;              // in hand
  mbufs += (lcores + shards + 1) * (kMempoolCache + kMempoolCache / 2);
  plan.mbufs = mbufs;

  const std::uint64_t bytes = std::uint64_t{mbufs} * (plan.data_room + kBufferOverhead);
  plan.megabytes = static_cast<std::uint32_t>(bytes * 5 / 4 / 1'000'000) + 96;
  return plan;
}

}  // namespace sallyport::dataplane
