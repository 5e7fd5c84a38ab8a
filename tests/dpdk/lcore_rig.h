// lcore_rig.h — lcores and shards on ring devices, turned by hand under a time that the test sets. The test
// stands in for the network (rings) and for the stream thread (mailboxes).
#pragma once

#include <rte_mbuf.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "dataplane/dpdk/device.h"
#include "dataplane/dpdk/eal.h"
#include "dataplane/dpdk/packet_pool.h"
#include "dataplane/shard/command_box.h"
#include "dataplane/shard/event_lines.h"
#include "dataplane/shard/shard.h"
#include "dataplane/worker/lcore_rules.h"
#include "dataplane/worker/links.h"
#include "dataplane/worker/queue_plan.h"
#include "dataplane/worker/worker.h"

namespace sallyport::dataplane {

using Bytes = std::vector<std::uint8_t>;

// EAL runs once in a process, so it belongs to the test program.
[[nodiscard]] Eal& eal_of_test();

// Two ports, `outside` (untrusted, the peer 198.18.1.2 and fd18:1::2) and `inside` (trusted), each on a ring
// device of its own; listeners on UDP port 5060.
[[nodiscard]] SbcConfig two_ports();

struct RigSettings {
  SbcConfig config = two_ports();
  std::uint32_t lcores = 1, shards = 1;
  std::vector<Neighbour> asked_ahead{};
  std::size_t next_hops_max = 4096;
  MediaTap* tap = nullptr;
};

inline constexpr MacAddress kNeighbourMac{0x02, 0, 0, 0, 0, 0x99};

class LcoreRig {
 public:
  explicit LcoreRig(RigSettings settings = {});
  ~LcoreRig();  // fails the test when a packet buffer was lost

  // Puts a frame on the wire of a port; with `piece` in segments of that many octets.
  void arrive(std::size_t port, const Bytes& frame, std::size_t piece = 0);
  // What was sent since the last call.
  [[nodiscard]] std::vector<Bytes> sent(std::size_t port);

  void turn_lcore(std::size_t lcore = 0) { workers[lcore]->poll(now); }
  void turn_shards() {
    for (auto& shard : shards) shard->run_once(now);
  }
  // Answers every question for a next hop with kNeighbourMac; frames for taps are kept in `to_taps`.
  void turn_stream();
  // Shards and lcores follow `next` from now on, as by a reload. `config` stays what it was.
  void adopt(const SbcConfig& next);
  // All of them, often enough for a request to be answered.
  void turn();
  void answer(FromStream::Kind kind, std::size_t port, const IpAddress& destination);

  [[nodiscard]] std::uint64_t dropped(std::size_t port, DropReason reason) const;
  [[nodiscard]] std::uint64_t received(std::size_t port, PacketClass packet_class) const;
  [[nodiscard]] const MacAddress& mac(std::size_t port) const {
    return devices[ports->device_of(PortIndex(port))]->mac();
  }

  SbcConfig config;
  ThreadPlan threads;
  Timestamp now{1s};
  std::unique_ptr<PacketPools> pools;
  std::vector<DevicePlan> plans;
  std::vector<std::unique_ptr<Device>> devices;
  std::unique_ptr<PortTable> ports;
  std::unique_ptr<LcoreRulesOfDay> rules;
  std::unique_ptr<ListenerTable> listeners;
  std::unique_ptr<MediaRanges> media_ranges;
  std::unique_ptr<Links> links;
  std::unique_ptr<QueuePlan> queues;
  Doorbell stream_bell;
  std::unique_ptr<sip::SharedPolicy> policy;
  std::atomic<std::uint64_t> edition{1};  // of the policy's rulebook
  std::unique_ptr<EventLines> events;
  std::vector<std::unique_ptr<CommandBox>> commands;
  std::vector<std::unique_ptr<Shard>> shards;
  std::vector<std::unique_ptr<Worker>> workers;
  std::vector<Bytes> to_taps;

 private:
  void open_devices();
  void make_shards();
  void make_workers(const RigSettings& settings);
  [[nodiscard]] std::string ring_name(std::size_t port, const char* end) const;
};

}  // namespace sallyport::dataplane
