// port_services.h — what `linux.services` of a port lets Linux in its namespace do, as questions that the
// lcores (what may come in) and the stream thread (what may go out) ask.
//
// dns and ntp: questions of our own and the answers to them (RFC 1035, RFC 7766, RFC 5905). bgp: TCP 179 both
// ways (RFC 4271). bfd: UDP 3784, 3785, 4784 (RFC 5881, RFC 5883). ospf, vrrp: protocols 89 and 112 with
// their groups (RFC 2328, RFC 5340, RFC 5798). udp:PORT: requests to that port and what is sent from there.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "policy/base/ip_address.h"
#include "policy/model/sbc_config.h"

namespace sallyport::dataplane {

inline constexpr std::uint8_t kProtocolOspf = 89, kProtocolVrrp = 112;

// Immutable. Without services every answer is no, at the cost of a look at a flag.
class PortServices {
 public:
  PortServices() = default;
  PortServices(const SbcConfig& config, const PortConfig& port);

  [[nodiscard]] bool has_any() const noexcept { return has_any_; }
  // In: datagrams, connections to us from anybody who passes the guard.
  [[nodiscard]] bool takes_udp(std::uint16_t own_port) const noexcept;
  [[nodiscard]] bool takes_tcp(std::uint16_t own_port) const noexcept { return has_bgp_ && own_port == kBgp; }
  // In and out: the protocol, to this group or, when it is none, to one host.
  [[nodiscard]] bool speaks(std::uint8_t protocol, const IpAddress& destination) const noexcept;
  // Out: questions whose answers come back.
  [[nodiscard]] bool asks_by_udp(const Endpoint& remote) const noexcept;
  [[nodiscard]] bool opens_tcp(const Endpoint& remote) const noexcept;
  // Out: no answer is waited for, or it comes as takes_udp().
  [[nodiscard]] bool tells_by_udp(std::uint16_t own_port, std::uint16_t remote_port) const noexcept;
  [[nodiscard]] bool asks_any_by_udp() const noexcept { return has_dns_ || has_ntp_ || !servers_.empty(); }
  [[nodiscard]] bool has_vrrp() const noexcept { return has_vrrp_; }
  // Groups that Linux's routing protocols listen to on this port.
  [[nodiscard]] std::vector<IpAddress> groups() const;

 private:
  static constexpr std::uint16_t kDns = 53, kNtp = 123, kBgp = 179;
  [[nodiscard]] bool is_name_server(const Endpoint& remote) const noexcept;

  bool has_any_ = false, has_dns_ = false, has_ntp_ = false, has_bgp_ = false, has_bfd_ = false,
       has_ospf_ = false, has_vrrp_ = false;
  std::vector<std::uint16_t> udp_ports_;
  std::vector<Endpoint> servers_;  // Sallyport's own name servers, reached through this port
};

// UDP ports of the port's listeners and media, as Linux writes a list of ports: an answer to a question that
// Linux asked from one of them would be taken for SIP or RTP.
[[nodiscard]] std::string ports_not_for_linux(const SbcConfig& config, const PortConfig& port);

}  // namespace sallyport::dataplane
