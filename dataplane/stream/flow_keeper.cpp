// flow_keeper.cpp — the table of flow_keeper.h, row by row.
#include "dataplane/stream/flow_keeper.h"

#include <algorithm>
#include <utility>

#include "dataplane/packet/ip_header.h"
#include "dataplane/packet/udp_header.h"

namespace sallyport::dataplane {
namespace {

using State = LinuxFlowState;

// Linux gives up a SYN, and a SYN with its answer, after 7 s (stream/tap.cpp: two repetitions of 1 s and 2 s,
// then 4 s of waiting). No answer of a name or time server takes longer.
constexpr Duration kHandshake = 15s;
// FIN and ACK may be lost a few times; what comes later is answered by nobody, which ends it as well.
constexpr Duration kClosing = 30s;
// A live connection says something within that time, if only a keep-alive.
constexpr Duration kDoubted = 150s;
// Linux may notice a minute later than we that a connection was silent for too long.
constexpr Duration kIdleMargin = 60s;

Duration lasting(State state, Duration idle) noexcept {
  switch (state) {
    case State::Closing:
      return kClosing;
    case State::Doubted:
      return kDoubted;
    case State::Established:
      return idle + kIdleMargin;
    default:
      return kHandshake;
  }
}

}  // namespace

bool FlowKeeper::PortRules::accepts(const Endpoint& local) const noexcept {
  return services.takes_tcp(local.port) || std::ranges::find(listeners, local) != listeners.end();
}

void FlowKeeper::set_rules(PortIndex port, PortServices services, std::vector<Endpoint> listeners) {
  if (to_position(port) < ports_.size())
    ports_[to_position(port)] = {std::move(services), std::move(listeners)};
}

void FlowKeeper::add_port(PortServices services, std::vector<Endpoint> listeners) {
  ports_.push_back({std::move(services), std::move(listeners)});
}

FlowKeeper::Outcome FlowKeeper::keep(const LinuxFlow& flow, State state, std::uint32_t mark) noexcept {
  if (flows_->set(flow, state, now_ + lasting(state, idle_), now_, mark)) return {};
  return fail(DropReason::LinuxFlowTableFull);
}

FlowKeeper::Outcome FlowKeeper::let_leave(const LinuxSegment& segment) noexcept {
  const std::size_t port = to_position(segment.flow.port);
  if (flows_ == nullptr || port >= ports_.size()) return fail(DropReason::EgressNotAllowed);
  const PortRules& rules = ports_[port];
  if (segment.flow.protocol == kProtocolTcp) return let_tcp_leave(rules, segment);
  if (!rules.services.asks_by_udp(segment.flow.remote)) return fail(DropReason::EgressNotAllowed);
  return keep(segment.flow, State::HalfOpen);
}

FlowKeeper::Outcome FlowKeeper::let_tcp_leave(const PortRules& rules, const LinuxSegment& segment) noexcept {
  if ((segment.tcp_flags & kTcpSyn) != 0)
    return (segment.tcp_flags & kTcpAck) != 0 ? let_answer_leave(rules, segment)
                                              : let_syn_leave(rules, segment);
  const LinuxFlow& flow = segment.flow;
  const State state = flows_->look(flow, now_).state;
  const bool ends = (segment.tcp_flags & (kTcpFin | kTcpRst)) != 0;
  if (state == State::None) {
    // A connection that was forgotten: Linux has it, for what reaches Linux belongs to a flow. A reset says
    // that it has none.
    if (!rules.accepts(flow.local) || (segment.tcp_flags & kTcpRst) != 0)
      return fail(DropReason::EgressNotAllowed);
    return keep(flow, ends ? State::Closing : State::Established);
  }
  // Linux answers what it takes for a repetition or an attack while the handshake is not done: no proof.
  if (state == State::HalfOpen) return {};
  return keep(flow, ends || state == State::Closing ? State::Closing : State::Established);
}

FlowKeeper::Outcome FlowKeeper::let_syn_leave(const PortRules& rules, const LinuxSegment& segment) noexcept {
  const State state = flows_->look(segment.flow, now_).state;
  if (state != State::Opening && !rules.services.opens_tcp(segment.flow.remote))
    return fail(DropReason::EgressNotAllowed);
  return keep(segment.flow, State::Opening);
}

FlowKeeper::Outcome FlowKeeper::let_answer_leave(const PortRules& rules,
                                                 const LinuxSegment& segment) noexcept {
  if (rules.accepts(segment.flow.local)) return keep(segment.flow, State::HalfOpen, segment.tcp_sequence + 1);
  if (flows_->look(segment.flow, now_).state != State::Opening) return fail(DropReason::EgressNotAllowed);
  return {};  // both sides opened it at the same time: RFC 9293 §3.5
}

void FlowKeeper::on_arrival(const ArrivingSegment& segment) noexcept {
  if (flows_ == nullptr || segment.flow.protocol != kProtocolTcp) return;
  const auto [state, mark] = flows_->look(segment.flow, now_);
  const bool is_reset = (segment.tcp_flags & kTcpRst) != 0;
  if (state == State::HalfOpen) {
    const bool acknowledges = (segment.tcp_flags & kTcpAck) != 0 && segment.tcp_acknowledged == mark;
    if (acknowledges && !is_reset) (void)keep(segment.flow, State::Established);
  } else if (state == State::Established && is_reset) {
    (void)keep(segment.flow, State::Doubted);
  }
}

bool FlowKeeper::permit_tcp(PortIndex port, const Endpoint& local, const Endpoint& remote) {
  if (flows_ == nullptr) return false;
  return keep({port, kProtocolTcp, local, remote}, State::Opening).has_value();
}

void FlowKeeper::revoke_tcp(PortIndex port, const Endpoint& local, const Endpoint& remote) {
  const LinuxFlow flow{port, kProtocolTcp, local, remote};
  if (flows_ == nullptr || flows_->look(flow, now_).state == State::None) return;
  (void)keep(flow, State::Closing);
}

}  // namespace sallyport::dataplane
