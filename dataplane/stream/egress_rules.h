// egress_rules.h — what Linux in a port's namespace may send: ARP (RFC 826), neighbour solicitations and
// advertisements (RFC 4861 §4.3, §4.4), echo replies (RFC 792, RFC 4443 §4.2), and the multicast listener
// reports that make a snooping switch deliver solicitations to us (RFC 2710, RFC 3810; required by RFC 4861
// §7.2.1).
//
// What TCP and UDP may leave is decided by flow_keeper.h: here only whether they are well formed and come
// from an address of the port. What the port's services (packet/port_services.h) say without being asked
// leaves.
//
// All else (ICMP errors, router solicitations, whatever somebody runs in the namespace) is Linux's own idea
// and stays inside. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "dataplane/net/linux_flows.h"
#include "dataplane/packet/packet_meta.h"
#include "dataplane/packet/port_services.h"
#include "policy/base/ip_address.h"

namespace sallyport::dataplane {

// A TCP segment or a UDP datagram that Linux sends.
struct LinuxSegment {
  LinuxFlow flow;
  std::uint8_t tcp_flags = 0;
  std::uint32_t tcp_sequence = 0;
};

class EgressRules {
 public:
  enum class Ruling : std::uint8_t { Refused, Free, AsFlow };
  struct Judgement {
    Ruling ruling = Ruling::Refused;
    LinuxSegment segment;  // AsFlow
  };

  EgressRules(const MacAddress& mac, const std::vector<Prefix>& addresses, PortServices services = {},
              PortIndex port = PortIndex::kNone);

  // From now on.
  void set_services(PortServices services) { services_ = std::move(services); }

  // `frame`: a whole Ethernet frame without VLAN tag, or at least its first kHeadBytes octets.
  [[nodiscard]] Judgement judge(std::span<const std::uint8_t> frame) const noexcept;
  [[nodiscard]] bool may_leave(std::span<const std::uint8_t> frame) const noexcept {
    return judge(frame).ruling == Ruling::Free;
  }
  static constexpr std::size_t kHeadBytes = 128;

 private:
  using Octets = std::span<const std::uint8_t>;
  [[nodiscard]] bool may_leave_arp(Octets frame) const noexcept;
  [[nodiscard]] Judgement judge_ipv4(Octets packet) const noexcept;
  [[nodiscard]] Judgement judge_ipv6(Octets packet) const noexcept;
  [[nodiscard]] Judgement judge_segment(LinuxSegment segment, Octets transport) const noexcept;
  // Of protocols without ports.
  [[nodiscard]] Judgement judge_routing(std::uint8_t protocol, const IpAddress& destination) const noexcept;
  [[nodiscard]] bool is_own(const IpAddress& address) const noexcept;
  [[nodiscard]] bool is_own_mac(const std::uint8_t* mac) const noexcept;

  MacAddress mac_;
  std::vector<IpAddress> addresses_;
  PortServices services_;
  PortIndex port_;
};

}  // namespace sallyport::dataplane
