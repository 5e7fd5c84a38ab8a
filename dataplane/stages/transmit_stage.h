// transmit_stage.h — the last stage of an lcore: datagrams of the shards get their next hop, headers and
// fragments; frames from the taps get their VLAN tag; all leave in bursts. RFC 791 §3.2, RFC 8200 §4.5, IEEE
// 802.1Q.
//
// A datagram whose next hop is not known yet waits in the hold queue until the stream thread has an answer.
// When none leads there the engines hear of it, as of an ICMP error: RFC 3261 §18.4.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "dataplane/dpdk/device_gate.h"
#include "dataplane/net/adjacency.h"
#include "dataplane/packet/packet_meta.h"
#include "dataplane/pipeline/burst.h"
#include "dataplane/worker/hold_queue.h"
#include "dataplane/worker/lcore_inbox.h"
#include "dataplane/worker/mailbox.h"
#include "dataplane/worker/messages.h"
#include "dataplane/worker/unreachable_posts.h"

struct rte_mempool;

namespace sallyport::dataplane {

// How this lcore sends on a port.
struct TransmitPort {
  std::size_t device = 0;    // position in TransmitSetup::devices
  MacAddress mac{};          // ours
  std::uint16_t mtu = 1500;  // of IP
  std::uint16_t vlan = 0;    // 0: none
};

struct TransmitDevice {
  std::uint16_t id = 0;                // of rte_ethdev
  std::optional<std::uint16_t> queue;  // nothing: another lcore sends there
  const DeviceGate* gate = nullptr;    // Device::gate(); whoever polls the device asks it first
  LcoreInbox* sender = nullptr;        // to that other lcore
};

// A configured peer or gateway.
struct Neighbour {
  PortIndex port = PortIndex::kNone;
  IpAddress address;
};

struct TransmitSetup {
  std::vector<TransmitPort> ports;  // by PortIndex
  std::vector<TransmitDevice> devices;
  rte_mempool* pool = nullptr;  // for fragments
  Mailbox<ToStream>* to_stream = nullptr;
  UnreachablePosts* unreachable = nullptr;  // null: nobody is told
  std::span<PortCounters> counters;         // by PortIndex; this lcore's own
  std::size_t next_hops_max = 4096;
  std::vector<Neighbour> asked_ahead;  // their next hops are asked for before anything is sent to them
  HashKey key;
};

class TransmitStage {
 public:
  static constexpr std::string_view kName = "transmit";
  static constexpr Duration kTick = 100ms;

  explicit TransmitStage(const TransmitSetup& setup);
  ~TransmitStage();
  TransmitStage(const TransmitStage&) = delete;
  TransmitStage& operator=(const TransmitStage&) = delete;

  // Both take the packet over.
  void send_datagram(Timestamp now, const ShardOutput& datagram) noexcept;
  void on_stream(Timestamp now, const FromStream& message) noexcept;
  // A whole frame, in one segment or in a chain, with VLAN tag. Takes it over.
  void send_frame(PortIndex port, rte_mbuf* frame, PacketClass packet_class) noexcept;
  // For who keeps what it needs for sending: asks the stream thread when it must. What was answered is good
  // for a second or two, and while next_hops_version() is the same.
  [[nodiscard]] NextHop next_hop(Timestamp now, PortIndex port, const IpAddress& destination) noexcept;
  [[nodiscard]] std::uint32_t next_hops_version() const noexcept { return next_hops_.version(); }
  [[nodiscard]] const TransmitPort& port(PortIndex port) const noexcept {
    return setup_.ports[to_position(port)];
  }
  // A burst to each device that has something waiting. At the end of each turn.
  void flush() noexcept;
  // Lets go what has waited too long; the first time asks ahead. Cheap to call each turn.
  void on_time(Timestamp now) noexcept;
  // True once after questions were put to the stream thread: its doorbell must be rung.
  [[nodiscard]] bool take_has_asked() noexcept { return std::exchange(has_asked_, false); }
  [[nodiscard]] std::size_t on_hold() const noexcept { return hold_.size(); }

 private:
  struct Outgoing {
    rte_mbuf* packet = nullptr;
    std::uint32_t bytes = 0;
    PortIndex port = PortIndex::kNone;
    PacketClass packet_class = PacketClass::Unknown;
  };
  struct DeviceQueue {
    std::size_t count = 0;
    std::array<Outgoing, kBurstMax> waiting{};
  };
  void ask_ahead(Timestamp now, PortIndex port) noexcept;
  void route(Timestamp now, const ShardOutput& datagram, bool may_hold) noexcept;
  void send_to(const ShardOutput& datagram, const NextHop& hop) noexcept;
  void send_from_tap(PortIndex port, rte_mbuf* frame) noexcept;
  void hand_over(PortIndex port, rte_mbuf* frame, PacketClass packet_class) noexcept;
  void flush(std::size_t device) noexcept;
  void drop(PortIndex port, rte_mbuf* packet, DropReason reason) noexcept;
  // There is no way: whose it was hears of it. Counted under `reason`, or ShardRingFull when it could not.
  void give_up(rte_mbuf* datagram, DropReason reason) noexcept;

  TransmitSetup setup_;
  AdjacencyCache next_hops_;
  HoldQueue hold_;
  std::vector<DeviceQueue> queues_;  // by device
  std::uint32_t identification_;
  Timestamp next_tick_{};
  bool has_asked_ = false, has_asked_ahead_ = false;
};

}  // namespace sallyport::dataplane
