// port_table.cpp — builds the ports' networks from the configuration.
#include "dataplane/packet/port_table.h"

#include <algorithm>

#include "dataplane/packet/port_services.h"
#include "policy/base/check.h"
#include "policy/decide/exception_budget.h"

namespace sallyport::dataplane {
namespace {

using Entries = std::vector<policy::PrefixMap<PortAddress>::Entry>;

Prefix host(const IpAddress& address) {
  return {address, static_cast<std::uint8_t>(address.is_v4() ? 32 : 128)};
}

IpAddress all_nodes_group() {
  constexpr std::array<std::uint8_t, 16> kAllNodes{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  return IpAddress::v6(kAllNodes);
}

void add_own(Entries& entries, const IpAddress& address, std::uint16_t& number) {
  entries.emplace_back(host(address), PortAddress{PortAddress::Kind::Own, number++});
  if (!address.is_v4())
    entries.emplace_back(host(solicited_node_group(address)), PortAddress{PortAddress::Kind::OwnGroup});
}

// The first and the last address of an IPv4 network of more than two addresses. RFC 1122 §3.2.1.3, RFC 3021
void add_broadcasts(Entries& entries, const Prefix& prefix) {
  if (!prefix.address.is_v4() || prefix.length >= 31) return;
  const std::uint32_t network = prefix.network().v4_host_order();
  const std::uint32_t last = network | (prefix.length == 0 ? 0xffffffffu : (1u << (32 - prefix.length)) - 1);
  entries.emplace_back(host(IpAddress::v4(network)), PortAddress{PortAddress::Kind::Broadcast});
  entries.emplace_back(host(IpAddress::v4(last)), PortAddress{PortAddress::Kind::Broadcast});
}

bool completes_checksums(const PortConfig& port) {
  if (port.checksums != ChecksumMode::Auto) return port.checksums == ChecksumMode::Complete;
  return port.device.kind != DeviceKind::Pci;
}

}  // namespace

bool is_same_device(const DeviceSpec& a, const DeviceSpec& b) noexcept {
  if (a.kind != b.kind || a.kind == DeviceKind::Discard) return false;
  return a.name == b.name && a.memif_id == b.memif_id && a.memif_server == b.memif_server &&
         a.pcap_in == b.pcap_in && a.pcap_out == b.pcap_out;
}

IpAddress link_local_address(const MacAddress& mac) noexcept {
  std::array<std::uint8_t, 16> bytes{0xfe, 0x80};
  bytes[8] = mac[0] ^ 0x02;
  bytes[9] = mac[1];
  bytes[10] = mac[2];
  bytes[11] = 0xff;
  bytes[12] = 0xfe;
  std::copy_n(mac.begin() + 3, 3, bytes.begin() + 13);
  return IpAddress::v6(bytes);
}

IpAddress solicited_node_group(const IpAddress& address) noexcept {
  std::array<std::uint8_t, 16> bytes{0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff};
  std::copy_n(address.bytes().begin() + 13, 3, bytes.begin() + 13);
  return IpAddress::v6(bytes);
}

MacAddress group_mac(const IpAddress& group) noexcept {
  if (group.is_v4()) {
    const auto& bytes = group.bytes();
    return {0x01, 0x00, 0x5e, static_cast<std::uint8_t>(bytes[13] & 0x7f), bytes[14], bytes[15]};
  }
  MacAddress mac{0x33, 0x33};
  std::copy_n(group.bytes().begin() + 12, 4, mac.begin() + 2);
  return mac;
}

PortTable::PortTable(const SbcConfig& config, std::span<const MacAddress> macs) {
  SALLYPORT_CHECK(macs.size() == config.ports.size());
  for (std::size_t i = 0; i < config.ports.size(); ++i) add_port(config, i, macs[i]);
}

void PortTable::add_port(const SbcConfig& config, std::size_t position, const MacAddress& mac) {
  const PortConfig& port = config.ports[position];
  std::uint16_t device = static_cast<std::uint16_t>(devices_.size());
  for (std::size_t earlier = 0; earlier < position; ++earlier)
    if (is_same_device(config.ports[earlier].device, port.device)) device = device_of_[earlier];
  if (device == devices_.size()) devices_.push_back(DevicePorts{});
  DevicePorts& ports = devices_[device];

  // Of equal prefixes the first one counts: an own address stays own if a peer is given the same one.
  Entries entries;
  for (const Prefix& prefix : port.addresses) add_own(entries, prefix.address, own_addresses_);
  add_own(entries, link_local_address(mac), own_addresses_);
  entries.emplace_back(host(all_nodes_group()), PortAddress{PortAddress::Kind::OwnGroup});
  for (const IpAddress& group : PortServices(config, port).groups())
    entries.emplace_back(host(group), PortAddress{PortAddress::Kind::ServiceGroup});
  for (const Prefix& prefix : port.addresses) add_broadcasts(entries, prefix);
  for (const IpAddress& address : policy::neighbours_of(config, port))
    entries.emplace_back(host(address), PortAddress{PortAddress::Kind::Neighbour});

  const auto place = static_cast<std::uint16_t>(ports.ports_.size());
  ports.by_vlan_[port.vlan.value_or(0) & 0x0fff] = place;
  ports.ports_.push_back(
      {static_cast<PortIndex>(position), mac, completes_checksums(port),
       policy::PrefixMap<PortAddress>(entries, PortAddress{},
                                      [](const PortAddress&, const PortAddress& inner) { return inner; })});
  device_of_.push_back(device);
  place_of_.push_back(place);
}

std::uint16_t PortTable::own_address(PortIndex port, const IpAddress& address) const noexcept {
  const PortAddress found = network(port).addresses.find(address);
  return found.kind == PortAddress::Kind::Own ? found.number : kNoLocalAddress;
}

}  // namespace sallyport::dataplane
