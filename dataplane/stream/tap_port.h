// tap_port.h — one port as the stream thread serves it: its tap, its routes and neighbours, its counters.
#pragma once

#include <memory>
#include <span>

#include "dataplane/net/port_link.h"
#include "dataplane/stream/egress_rules.h"
#include "dataplane/stream/flow_keeper.h"
#include "dataplane/stream/outboxes.h"
#include "dataplane/stream/stream_thread.h"
#include "dataplane/stream/tap.h"

namespace sallyport::dataplane {

class TapPort {
 public:
  struct Shared {  // by all ports of the thread, which it outlives
    Outboxes& outboxes;
    rte_mempool* pool;
    std::span<std::uint8_t> frame;  // room for the longest one
    std::size_t lcores;
    HashKey key;
    FlowKeeper& flows;
  };
  [[nodiscard]] static Result<std::unique_ptr<TapPort>, NetError> create(PortIndex index, StreamPort port,
                                                                         const Shared& shared,
                                                                         PortCounters& counters);
  TapPort(const TapPort&) = delete;

  void keep_peers_fresh(Timestamp now);
  // These from now on, in place of StreamPort::kept_fresh.
  void keep_fresh_only(Timestamp now, const std::vector<IpAddress>& peers) {
    resolver_.keep_fresh_only(now, peers);
  }
  // What Linux may do there from now on, in place of StreamPort::services and ports_not_for_linux.
  void adopt(const PortServices& services, const std::string& ports_not_for_linux);
  void write_packet(rte_mbuf* packet) noexcept;  // frees it
  void on_tap_readable() noexcept;               // a bounded number of frames
  void on_netlink_readable(Timestamp now) { link_.dispatch_events(now, resolver_); }

  [[nodiscard]] AdjacencyResolver& resolver() noexcept { return resolver_; }
  [[nodiscard]] int tap_fd() const noexcept { return tap_.fd(); }
  [[nodiscard]] int event_fd() const noexcept { return link_.event_fd(); }

 private:
  static constexpr int kFramesMax = 64;
  struct Linux {
    Tap tap;
    PortLink link;
  };
  TapPort(PortIndex index, StreamPort port, const Shared& shared, PortCounters& counters, Linux linux_side);
  [[nodiscard]] Result<void, DropReason> may_leave(std::span<const std::uint8_t> frame) noexcept;
  void send_frame(std::span<const std::uint8_t> frame) noexcept;

  const PortIndex index_;
  StreamPort port_;
  Shared shared_;
  Tap tap_;
  PortLink link_;
  AdjacencyResolver resolver_;
  EgressRules rules_;
  PortCounters& counters_;
};

}  // namespace sallyport::dataplane
