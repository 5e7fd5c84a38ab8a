// port_table.h — whose frame is this: the ports of each device by VLAN, their MAC and own addresses.
//
// Own addresses are those of the configuration and the link-local one that Linux makes from the MAC
// (RFC 4291 App. A), which serves neighbour discovery alone.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "dataplane/packet/packet_meta.h"
#include "policy/decide/prefix_map.h"
#include "policy/model/sbc_config.h"

namespace sallyport::dataplane {

// What an address is to a port.
struct PortAddress {
  enum class Kind : std::uint8_t {
    Other,
    Own,
    OwnGroup,      // a multicast group that the port listens to: all nodes, solicited node (RFC 4291 §2.7.1)
    ServiceGroup,  // one of the routing protocols that Linux speaks here
    Broadcast,     // of a network of the port (RFC 1122 §3.2.1.3)
    Neighbour,     // a gateway, or an address of a peer
  };
  Kind kind = Kind::Other;
  std::uint16_t number = kNoLocalAddress;  // Own: counts all own addresses of all ports
};

struct PortNetwork {
  PortIndex port = PortIndex::kNone;
  MacAddress mac{};
  bool completes_checksums = false;  // else a half-done checksum is a wrong one
  policy::PrefixMap<PortAddress> addresses;
};

// The ports that share one device.
class DevicePorts {
 public:
  // Null when no port has this VLAN (0: untagged).
  [[nodiscard]] const PortNetwork* find(std::uint16_t vlan) const noexcept {
    const std::uint16_t at = by_vlan_[vlan & 0x0fff];
    return at == kNone ? nullptr : &ports_[at];
  }
  // Whom to charge what belongs to no port.
  [[nodiscard]] PortIndex first_port() const noexcept { return ports_.front().port; }
  // `port` is one of this device.
  [[nodiscard]] bool completes_checksums(PortIndex port) const noexcept {
    for (const PortNetwork& network : ports_)
      if (network.port == port) return network.completes_checksums;
    return false;
  }

 private:
  friend class PortTable;
  static constexpr std::uint16_t kNone = 0xffff;
  DevicePorts() { by_vlan_.fill(kNone); }
  std::vector<PortNetwork> ports_;
  std::array<std::uint16_t, 4096> by_vlan_;
};

// Immutable, built at start; the configuration may go afterwards.
class PortTable {
 public:
  // `macs` in the order of SbcConfig::ports; ports of one device have the same.
  PortTable(const SbcConfig& config, std::span<const MacAddress> macs);

  // Devices are numbered in the order in which the ports first name them; every `discard` is one of its own.
  [[nodiscard]] std::size_t device_count() const noexcept { return devices_.size(); }
  [[nodiscard]] const DevicePorts& device(std::size_t number) const noexcept { return devices_[number]; }
  [[nodiscard]] std::uint16_t device_of(PortIndex port) const noexcept {
    return device_of_[to_position(port)];
  }
  [[nodiscard]] const PortNetwork& network(PortIndex port) const noexcept {
    return devices_[device_of(port)].ports_[place_of_[to_position(port)]];
  }
  // Own addresses of all ports, by their number.
  [[nodiscard]] std::size_t own_address_count() const noexcept { return own_addresses_; }
  // kNoLocalAddress when it is none of the port's own.
  [[nodiscard]] std::uint16_t own_address(PortIndex port, const IpAddress& address) const noexcept;

 private:
  void add_port(const SbcConfig& config, std::size_t position, const MacAddress& mac);

  std::vector<DevicePorts> devices_;
  std::vector<std::uint16_t> device_of_, place_of_;
  std::uint16_t own_addresses_ = 0;
};

[[nodiscard]] bool is_same_device(const DeviceSpec& a, const DeviceSpec& b) noexcept;
// fe80::/64 with the interface identifier made from the MAC: RFC 4291 App. A.
[[nodiscard]] IpAddress link_local_address(const MacAddress& mac) noexcept;
// ff02::1:ffXX:XXXX: RFC 4291 §2.7.1.
[[nodiscard]] IpAddress solicited_node_group(const IpAddress& address) noexcept;
// 33:33 and the last four octets of the group: RFC 2464 §7; 01:00:5e and its last 23 bits: RFC 1112 §6.4.
[[nodiscard]] MacAddress group_mac(const IpAddress& group) noexcept;

}  // namespace sallyport::dataplane
