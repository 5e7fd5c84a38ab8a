// stream_thread.h — the thread beside the fast path: carries packets between lcores and the ports' taps, and
// asks Linux for routes and neighbours on the lcores' behalf. Connections and name servers take their turns
// here (turn_taker.h).
//
// It waits in epoll for taps, netlink events and its doorbell; it never blocks on anything else. What Linux
// sends is checked against the egress rules before an lcore gets it.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/net/linux_flows.h"
#include "dataplane/net/net_error.h"
#include "dataplane/net/network_namespace.h"
#include "dataplane/packet/packet_meta.h"
#include "dataplane/packet/port_services.h"
#include "dataplane/pipeline/burst.h"
#include "dataplane/stream/egress_permits.h"
#include "dataplane/stream/turn_taker.h"
#include "dataplane/worker/doorbell.h"
#include "dataplane/worker/mailbox.h"
#include "dataplane/worker/messages.h"
#include "policy/base/ip_address.h"
#include "policy/base/keyed_hash.h"

struct rte_mempool;

namespace sallyport::dataplane {

// One lcore as the stream thread sees it. All outlive the StreamThread.
struct StreamLcore {
  Mailbox<ToStream>* inbox = nullptr;     // the lcore sends
  Mailbox<FromStream>* outbox = nullptr;  // the stream thread sends
  Doorbell* bell = nullptr;               // rung after sending to outbox; may be null
};

// One port; StreamPort i of the setup has PortIndex i.
struct StreamPort {
  NetworkNamespace network_namespace;  // made before, moved in; removed when the thread stops
  MacAddress mac{};                    // of the device
  std::uint16_t mtu = 1500;            // of IP
  std::vector<Prefix> addresses;       // PortConfig::addresses
  std::vector<IpAddress> gateways;     // PortConfig::gateways
  PortServices services{};             // what Linux may do there
  std::vector<Endpoint> listeners{};   // where TCP connections are taken
  std::string ports_not_for_linux{};   // packet/port_services.h
  std::vector<IpAddress> kept_fresh;   // configured peers reached through this port: resolved ahead of need
  std::size_t owner = 0;               // the lcore (position in StreamSetup::lcores) that sends its frames
};

struct StreamSetup {
  std::vector<StreamPort> ports;
  std::vector<StreamLcore> lcores;  // at most 64
  rte_mempool* pool = nullptr;      // frames from taps; mbufs with a PacketMeta in the private area
  HashKey key;                      // for the table of destinations
  LinuxFlows* flows = nullptr;      // which the thread writes; null: no TCP, no services
  Duration tcp_idle = 10min;        // longest silence of a connection
  // Makes those who take their turns here, once taps and addresses are there. They outlive stop(). May be
  // empty.
  std::function<Result<std::vector<TurnTaker*>, NetError>(EgressPermits& permits)> make_turn_takers;
};

// What a reload changes for the thread.
struct StreamChange {
  // As in StreamPort.
  struct Port {
    std::vector<IpAddress> kept_fresh;
    PortServices services;
    std::vector<Endpoint> listeners;
    std::string ports_not_for_linux;
  };
  std::vector<Port> ports;
  Duration tcp_idle = 10min;                    // StreamSetup::tcp_idle
  std::function<void(Timestamp now)> and_then;  // on the thread: those who take their turns follow
};

class StreamThread {
 public:
  // Makes taps, addresses and routes, then starts the thread. On error all of it is gone again.
  [[nodiscard]] static Result<std::unique_ptr<StreamThread>, NetError> start(StreamSetup setup);
  virtual ~StreamThread() = default;  // stops

  // After the lcores have ended. Ends the thread, frees packets in its inboxes, removes taps and namespaces.
  // What lies in the outboxes is the lcores' to free. Idempotent.
  virtual void stop() = 0;
  // Any thread but its own. True: it has been done. False: the thread did not come to it within `timeout`; it
  // will, before anything else that it does then.
  [[nodiscard]] virtual bool adopt(StreamChange change, Duration timeout) = 0;
  // While the lcores still run: those who take turns finish what is under way. Any thread.
  virtual void begin_drain() noexcept = 0;
  // They have, and the last of it has left the taps.
  [[nodiscard]] virtual bool is_drained() const noexcept = 0;
  // An lcore rings it once after each burst in which it sent something.
  [[nodiscard]] virtual Doorbell& doorbell() noexcept = 0;
  // Any thread. Wakes it; how many turns it has made until now.
  virtual std::uint64_t rouse() noexcept = 0;
  // For who opens connections; only on the thread itself.
  [[nodiscard]] virtual EgressPermits& permits() noexcept = 0;
  // Written by the stream thread alone. tx counts frames that it handed to lcores (they count them again when
  // sent, so do not add the two), rx frames it wrote into the tap; dropped counts EgressNotAllowed,
  // LinuxFlowTableFull, NoBuffer (no mbuf, or the tap took no more), LcoreRingFull, all of them of this
  // thread only.
  [[nodiscard]] virtual const PortCounters& counters(PortIndex port) const noexcept = 0;
  [[nodiscard]] virtual std::string network_namespace(PortIndex port) const = 0;
};

}  // namespace sallyport::dataplane
