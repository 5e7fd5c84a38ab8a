// egress_rules.h — what Linux in a port's namespace may send: ARP (RFC 826), neighbour solicitations and
// advertisements (RFC 4861 §4.3, §4.4), echo replies (RFC 792, RFC 4443 §4.2), and the multicast listener
// reports that make a snooping switch deliver solicitations to us (RFC 2710, RFC 3810; required by RFC 4861
// §7.2.1).
//
// All else (ICMP errors, resets, router solicitations, whatever somebody runs in the namespace) is Linux's
// own idea and stays inside. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/packet/packet_meta.h"
#include "policy/base/ip_address.h"

namespace sallyport::dataplane {

class EgressRules {
 public:
  EgressRules(const MacAddress& mac, const std::vector<Prefix>& addresses);

  // `frame`: a whole Ethernet frame without VLAN tag, or at least its first kHeadBytes octets.
  [[nodiscard]] bool may_leave(std::span<const std::uint8_t> frame) const noexcept;
  static constexpr std::size_t kHeadBytes = 128;

 private:
  [[nodiscard]] bool may_leave_arp(std::span<const std::uint8_t> packet) const noexcept;
  [[nodiscard]] bool may_leave_ipv4(std::span<const std::uint8_t> packet) const noexcept;
  [[nodiscard]] bool may_leave_ipv6(std::span<const std::uint8_t> packet) const noexcept;
  [[nodiscard]] bool is_own(const IpAddress& address) const noexcept;

  MacAddress mac_;
  std::vector<IpAddress> addresses_;
};

}  // namespace sallyport::dataplane
