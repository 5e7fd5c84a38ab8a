// data_plane_snapshot.h — counters and states of the data plane at one moment, as plain values for mgmt/.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/connection/connection_counters.h"
#include "dataplane/packet/packet_meta.h"
#include "dataplane/pipeline/drop_reason.h"
#include "dataplane/worker/relay_times.h"
#include "media-relay/relay/media_drop_reason.h"
#include "policy/base/ip_address.h"
#include "policy/base/time.h"
#include "sipalg/engine/engine_counters.h"

namespace sallyport::dataplane {

struct TrafficCount {
  std::uint64_t packets = 0, bytes = 0;
};

struct PortSnapshot {
  std::string name, device, driver, network_namespace;
  bool link_up = false;
  MacAddress mac{};
  std::vector<Prefix> addresses;
  std::uint16_t mtu = 0, vlan = 0;             // vlan 0: none
  std::array<TrafficCount, 4> received, sent;  // by PacketClass
  std::array<std::uint64_t, kDropReasonCount> dropped{};
};

struct LcoreSnapshot {
  unsigned lcore = 0;
  int cpu = -1;                             // -1: not pinned
  std::uint64_t busy_ns = 0, total_ns = 0;  // their quotient's change over time is the busy ratio
};

// Packets of one address on one port that were dropped of late (worker/dropped_sources.h).
struct DroppedSource {
  PortIndex port = PortIndex::kNone;
  DropReason reason = DropReason::kCount;  // of the last
  std::uint64_t packets = 0;
  Timestamp since{}, last{};
  friend bool operator==(const DroppedSource&, const DroppedSource&) = default;
};

struct RingSnapshot {
  std::string name;
  std::size_t used = 0, capacity = 0;
};

// Calls of one peer, by direction as the peer sees Sallyport: In are calls that it sends us.
struct PeerCallCounts {
  static constexpr std::size_t kBuckets = sip::kSetupBounds.size() + 1;  // the last has no bound
  static_assert(sip::kDurationBounds.size() + 1 == kBuckets);
  using Histogram = std::array<std::uint64_t, kBuckets>;  // of each bucket alone, not summed up
  std::array<std::array<std::uint64_t, static_cast<std::size_t>(CallResult::kCount)>, 2> results{};
  std::array<Histogram, 2> setup{}, duration{};  // [sip::Direction]; seconds by kSetupBounds, kDurationBounds
  std::array<std::uint64_t, 2> setup_milliseconds{}, duration_milliseconds{};
  std::array<std::uint32_t, 2> active{}, limit{};  // of configured peers; the limit is at any moment the same
  void add(const sip::PeerCallCounters& counters) noexcept;
};

// What the relay did for one realm. In: came from it and was relayed (reports: or taken); out: left into it.
// Bytes are those of IP packets. Dropped: by the realm that the packet came from.
struct RealmMediaSnapshot {
  TrafficCount in, out;
  std::array<std::uint64_t, media::kMediaDropReasonCount> dropped{};
  std::uint32_t port_pairs_taken = 0, port_pairs = 0;  // of RTP and RTCP; those in quarantine are taken
};

struct MediaSnapshot {
  std::vector<RealmMediaSnapshot> realms;  // in the order of SbcConfig::realms
  std::uint64_t streams_active = 0;        // not those that are closed and in quarantine
  std::uint64_t streams_secured = 0;       // of those, with SRTP on one side at least
  std::uint64_t streams_closed = 0;        // those
  std::uint64_t sources_learned = 0;
  std::uint64_t commands_refused = 0;  // an error of ours
  // From the poll that brought a packet to the device that took it, of a sample of bursts: those up to each
  // of kRelayTimeBounds, of each bucket alone; the last has no bound.
  std::array<std::uint64_t, kRelayTimeBounds.size() + 1> relay_times{};
  std::uint64_t relay_nanoseconds = 0;  // sum of the same
};

// TCP and TLS; see connection_counters.h.
struct ConnectionsSnapshot {
  using ByWay = std::array<std::array<std::uint64_t, 2>, 2>;  // [0: TCP, 1: TLS][ConnectionDirection]
  ByWay active{}, opened{};
  std::uint64_t capacity = 0;
  std::array<std::uint64_t, kRefusalNames.size()> refused{};  // by Refusal
  std::array<std::uint64_t, kEndingNames.size()> closed{};    // by Ending
  using Handshakes = std::array<std::uint64_t, static_cast<std::size_t>(TlsResult::kCount)>;
  std::vector<Handshakes> handshakes;  // in the order of SbcConfig::realms; by TlsResult
  std::uint64_t messages_in = 0, messages_out = 0, messages_failed = 0, queue_full = 0, failures_lost = 0;
  void add(const ConnectionCounters& counters);
};

// Of a thread that sleeps while there is nothing to do: how often it has looked for work.
struct ThreadTurns {
  std::string name;  // "signalling thread 0", "stream thread"
  std::uint64_t turns = 0;
};

struct DataPlaneSnapshot {
  std::string dpdk_version;
  bool hugepages = false;
  std::vector<PortSnapshot> ports;  // in the order of SbcConfig::ports
  std::vector<LcoreSnapshot> lcores;
  // Signalling threads, then the stream thread. Whoever asks wakes them: each makes a turn soon.
  std::vector<ThreadTurns> threads;
  std::vector<RingSnapshot> rings;
  std::uint64_t mbufs_free = 0, mbufs_total = 0;
  std::vector<sip::RealmSipCounts> realms;  // in the order of SbcConfig::realms
  std::vector<PeerCallCounts> peers;  // in the order of SbcConfig::peers of the day, then one for all else
  // The same peers: datagrams beyond what their limits of calls can need (DropReason::PeerRate), since the
  // start.
  std::vector<std::uint64_t> peers_beyond_budget;
  std::uint64_t transactions_active = 0, transactions_capacity = 0;
  std::uint64_t calls_active = 0, calls_capacity = 0, dialogs_active = 0;
  std::uint64_t registrations_active = 0, registrations_capacity = 0;   // bindings of endpoints; AORs
  std::array<std::uint64_t, sip::kDetectionNames.size()> detections{};  // by sip::DetectionLabel
  std::uint64_t messages_lost = 0;                                      // the engines had no room for them
  std::uint64_t events_dropped = 0;                          // alarms and detections nobody took in time
  std::uint64_t records_lost = 0;                            // records for which all memory was full
  std::uint64_t calls_restored = 0, calls_not_restored = 0;  // at start
  std::uint64_t sources_tracked = 0, sources_capacity = 0;
  MediaSnapshot media;
  ConnectionsSnapshot connections;
};

}  // namespace sallyport::dataplane
