// port_services.cpp — the well-known numbers of each service.
#include "dataplane/packet/port_services.h"

#include <algorithm>
#include <array>

namespace sallyport::dataplane {
namespace {

constexpr std::array<std::uint16_t, 3> kBfdPorts{3784, 3785, 4784};

IpAddress group4(std::uint8_t last) { return IpAddress::v4(0xe0000000u | last); }
IpAddress group6(std::uint8_t last) {
  std::array<std::uint8_t, 16> bytes{0xff, 0x02};
  bytes[15] = last;
  return IpAddress::v6(bytes);
}

bool is_one_of(const IpAddress& group, std::uint8_t first, std::uint8_t second, std::uint8_t in_v6) {
  const auto& bytes = group.bytes();
  const std::uint8_t last = bytes[15];
  if (group.is_v4()) return group == group4(last) && (last == first || last == second);
  return group == group6(last) && (last == in_v6 || (first != second && last == second));
}

// 224.0.0.5 and 224.0.0.6, ff02::5 and ff02::6: RFC 2328 A.1, RFC 5340 A.1.
bool is_ospf_group(const IpAddress& group) { return is_one_of(group, 5, 6, 5); }
// 224.0.0.18, ff02::12: RFC 5798 §5.1.
bool is_vrrp_group(const IpAddress& group) { return is_one_of(group, 18, 18, 18); }

bool is_bfd(std::uint16_t port) { return std::ranges::find(kBfdPorts, port) != kBfdPorts.end(); }

}  // namespace

PortServices::PortServices(const SbcConfig& config, const PortConfig& port) {
  for (const LinuxService& service : port.services) {
    has_dns_ |= service.kind == LinuxServiceKind::Dns;
    has_ntp_ |= service.kind == LinuxServiceKind::Ntp;
    has_bgp_ |= service.kind == LinuxServiceKind::Bgp;
    has_bfd_ |= service.kind == LinuxServiceKind::Bfd;
    has_ospf_ |= service.kind == LinuxServiceKind::Ospf;
    has_vrrp_ |= service.kind == LinuxServiceKind::Vrrp;
    if (service.kind == LinuxServiceKind::Udp) udp_ports_.push_back(service.udp_port);
  }
  // Names that Sallyport itself looks up through this port: only its own servers are asked, when it has some.
  if (!config.dns.via.empty() && config.dns.via == port.name) {
    servers_ = config.dns.servers;
    has_dns_ |= servers_.empty();
  }
  has_any_ = !port.services.empty() || has_dns_ || !servers_.empty();
}

bool PortServices::takes_udp(std::uint16_t own_port) const noexcept {
  if (!has_any_) return false;
  return (has_bfd_ && is_bfd(own_port)) || std::ranges::find(udp_ports_, own_port) != udp_ports_.end();
}

bool PortServices::speaks(std::uint8_t protocol, const IpAddress& destination) const noexcept {
  if (protocol == kProtocolOspf && has_ospf_)
    return !destination.is_multicast() || is_ospf_group(destination);
  if (protocol == kProtocolVrrp && has_vrrp_)
    return !destination.is_multicast() || is_vrrp_group(destination);
  return false;
}

bool PortServices::is_name_server(const Endpoint& remote) const noexcept {
  return (has_dns_ && remote.port == kDns) || std::ranges::find(servers_, remote) != servers_.end();
}

bool PortServices::asks_by_udp(const Endpoint& remote) const noexcept {
  return (has_ntp_ && remote.port == kNtp) || is_name_server(remote);
}

bool PortServices::opens_tcp(const Endpoint& remote) const noexcept {
  return (has_bgp_ && remote.port == kBgp) || is_name_server(remote);
}

bool PortServices::tells_by_udp(std::uint16_t own_port, std::uint16_t remote_port) const noexcept {
  return (has_bfd_ && is_bfd(remote_port)) || std::ranges::find(udp_ports_, own_port) != udp_ports_.end();
}

std::vector<IpAddress> PortServices::groups() const {
  std::vector<IpAddress> groups;
  if (has_ospf_) groups = {group4(5), group4(6), group6(5), group6(6)};
  if (has_vrrp_) groups.insert(groups.end(), {group4(18), group6(18)});
  return groups;
}

std::string ports_not_for_linux(const SbcConfig& config, const PortConfig& port) {
  std::string list;
  const auto add = [&](const std::string& item) { list += list.empty() ? item : "," + item; };
  for (const RealmConfig& realm : config.realms) {
    if (realm.port != port.name) continue;
    for (const ListenerConfig& listener : realm.listen) add(std::to_string(listener.port));
    add(std::to_string(realm.media.ports.first) + "-" + std::to_string(realm.media.ports.last));
  }
  return list;
}

}  // namespace sallyport::dataplane
