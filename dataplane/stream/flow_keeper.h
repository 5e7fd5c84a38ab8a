// flow_keeper.h — the one who writes the table of Linux's flows (net/linux_flows.h): decides of every TCP
// segment and UDP datagram that leaves a tap, and watches what goes in. RFC 9293 §3.3.2, RFC 4987.
//
//   leaves                          when                                         the flow becomes
//   SYN                             permitted, or a service opens it             Opening
//   SYN, ACK                        from a listener, a service, or Opening       HalfOpen (from a listener)
//   FIN, RST                        the flow is known                            Closing
//   other TCP                       known, or from a listener's port             Established, unless HalfOpen
//   UDP                             a question of a service                      HalfOpen
//   goes in
//   ACK of the SYN, ACK we sent     HalfOpen                                     Established
//   RST                             Established                                  Doubted
//
// A HalfOpen flow is confirmed only by who has seen our sequence number: else senders who do not exist would
// fill the table with flows that stay. What may be forged (an RST) only makes an end come sooner, unless
// Linux, which checks it, goes on sending.
#pragma once

#include <span>
#include <vector>

#include "dataplane/net/linux_flows.h"
#include "dataplane/packet/port_services.h"
#include "dataplane/pipeline/drop_reason.h"
#include "dataplane/stream/egress_permits.h"
#include "dataplane/stream/egress_rules.h"
#include "policy/base/result.h"

namespace sallyport::dataplane {

// A segment that goes into the tap, as far as it changes a flow.
struct ArrivingSegment {
  LinuxFlow flow;
  std::uint8_t tcp_flags = 0;
  std::uint32_t tcp_acknowledged = 0;
};

// On the stream thread only.
class FlowKeeper final : public EgressPermits {
 public:
  // `flows` outlives it; null: no flow may leave. `idle`: how long a connection may be silent.
  FlowKeeper(LinuxFlows* flows, Duration idle) noexcept : flows_(flows), idle_(idle) {}

  // For each port in order. `listeners`: own endpoints where TCP connections are taken.
  void add_port(PortServices services, std::vector<Endpoint> listeners);
  // Other rules of a port from now on; flows that are known stay.
  void set_rules(PortIndex port, PortServices services, std::vector<Endpoint> listeners);
  // From now on; flows that are kept take it when they move next.
  void set_idle(Duration idle) noexcept { idle_ = idle; }
  // All that follows happens now.
  void advance(Timestamp now) noexcept { now_ = now; }

  // Nothing: it may leave. Else EgressNotAllowed or LinuxFlowTableFull.
  [[nodiscard]] Result<void, DropReason> let_leave(const LinuxSegment& segment) noexcept;
  void on_arrival(const ArrivingSegment& segment) noexcept;

  [[nodiscard]] bool permit_tcp(PortIndex port, const Endpoint& local, const Endpoint& remote) override;
  void revoke_tcp(PortIndex port, const Endpoint& local, const Endpoint& remote) override;

 private:
  struct PortRules {
    PortServices services;
    std::vector<Endpoint> listeners;
    [[nodiscard]] bool accepts(const Endpoint& local) const noexcept;
  };
  using Outcome = Result<void, DropReason>;
  [[nodiscard]] Outcome let_tcp_leave(const PortRules& rules, const LinuxSegment& segment) noexcept;
  [[nodiscard]] Outcome let_syn_leave(const PortRules& rules, const LinuxSegment& segment) noexcept;
  [[nodiscard]] Outcome let_answer_leave(const PortRules& rules, const LinuxSegment& segment) noexcept;
  [[nodiscard]] Outcome keep(const LinuxFlow& flow, LinuxFlowState state, std::uint32_t mark = 0) noexcept;

  LinuxFlows* flows_;
  Duration idle_;
  Timestamp now_{};
  std::vector<PortRules> ports_;
};

}  // namespace sallyport::dataplane
