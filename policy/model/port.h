// port.h — a Port as configured: one attachment to a network (device, VLAN, addresses).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "policy/base/ip_address.h"
#include "policy/model/units.h"

namespace sallyport {

enum class DeviceKind : std::uint8_t { Pci, AfXdp, AfPacket, Memif, Pcap, Ring, Discard };

// The `device:` word taken apart. Which members count depends on the kind.
struct DeviceSpec {
  DeviceKind kind = DeviceKind::Discard;
  std::string name;               // pci: address; af_*: interface; memif: socket path; ring: name
  bool memif_server = false;      // memif: role=server | client (default)
  std::uint32_t memif_id = 0;     // memif: id=N, same on both ends
  std::string pcap_in, pcap_out;  // pcap: in=FILE (may be empty), out=FILE (may be empty)
  std::string text;               // as written, for messages
  friend bool operator==(const DeviceSpec&, const DeviceSpec&) = default;
};

enum class ChecksumMode : std::uint8_t { Auto, Verify, Complete };

// What Linux may use in the port's namespace.
enum class LinuxServiceKind : std::uint8_t { Dns, Ntp, Bgp, Bfd, Ospf, Vrrp, Udp };
struct LinuxService {
  LinuxServiceKind kind = LinuxServiceKind::Dns;
  std::uint16_t udp_port = 0;  // for Udp only
};

struct PortConfig {
  std::string name;
  DeviceSpec device;
  std::optional<std::uint16_t> vlan;  // 1..4094
  std::uint16_t mtu = 1500;           // 1280..9000
  ChecksumMode checksums = ChecksumMode::Auto;
  std::vector<Prefix> addresses;    // interface address with the length of its network
  std::vector<IpAddress> gateways;  // at most one a family
  Rate ping{10, std::chrono::seconds(1)};
  std::vector<LinuxService> services;
};

}  // namespace sallyport
