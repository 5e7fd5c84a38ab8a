// validate_ports.cpp — ports: gateways, addresses, devices used twice.
#include <algorithm>
#include <set>

#include "mgmt/config/quoted.h"
#include "mgmt/config/validate_config.h"

namespace sallyport::mgmt {
namespace {

bool is_linux_interface(const DeviceSpec& device) {
  return device.kind == DeviceKind::AfPacket || device.kind == DeviceKind::AfXdp;
}

// Both words open the same thing, so only VLANs can keep the ports apart.
bool is_same_device(const DeviceSpec& left, const DeviceSpec& right) {
  if (left.kind == DeviceKind::Discard || right.kind == DeviceKind::Discard) return false;  // each its own
  if (is_linux_interface(left) && is_linux_interface(right)) return left.name == right.name;
  if (left.kind != right.kind) return false;
  if (left.kind == DeviceKind::Pcap) return left.pcap_in == right.pcap_in && left.pcap_out == right.pcap_out;
  return left.name == right.name && left.memif_id == right.memif_id;
}

void check_addresses(const Checked& checked, const Section& section, const PortConfig& port) {
  std::set<IpAddress> seen;
  for (const Prefix& own : port.addresses) {
    if (!seen.insert(own.address).second)
      checked.problems.error(section.place("addresses"), section.shown("addresses"),
                             {to_string(own.address) + " is written twice", "keep one of the two"});
    const bool is_network_itself = own.address.is_v4() && own.length < 31 && own.address == own.network();
    if (is_network_itself)
      checked.problems.error(section.place("addresses"), section.shown("addresses"),
                             {in_quotes(to_string(own)) + " is the network and not a host in it",
                              "write the port's own address with the network's length"});
  }
}

void check_gateways(const Checked& checked, const Section& section, const PortConfig& port) {
  const auto error = [&](ValueError why) {
    checked.problems.error(section.place("gateways"), section.shown("gateways"), std::move(why));
  };
  for (const bool is_v4 : {true, false}) {
    const auto of_family =
        std::count_if(port.gateways.begin(), port.gateways.end(),
                      [is_v4](const IpAddress& gateway) { return gateway.is_v4() == is_v4; });
    if (of_family > 1)
      error({std::string("more than one ") + (is_v4 ? "IPv4" : "IPv6") + " gateway", "keep one a family"});
  }
  for (const IpAddress& gateway : port.gateways) {
    const auto is_near = [&gateway](const Prefix& own) { return own.contains(gateway); };
    const auto is_own = [&gateway](const Prefix& own) { return own.address == gateway; };
    const bool is_link_local_v6 =
        !gateway.is_v4() && gateway.is_link_local();  // on every link, RFC 4291 §2.5.6
    if (std::any_of(port.addresses.begin(), port.addresses.end(), is_own))
      error({to_string(gateway) + " is the port's own address", "write the router's"});
    else if (!is_link_local_v6 && std::none_of(port.addresses.begin(), port.addresses.end(), is_near))
      error({to_string(gateway) + " is in no network of this port",
             "write an address within one of its addresses' networks"});
  }
}

void check_device_use(const Checked& checked, const std::vector<Section>& sections, std::size_t mine) {
  const PortConfig& port = checked.config.ports[mine];
  if (sections[mine].written("device") == nullptr) return;
  for (std::size_t other = 0; other < mine; ++other) {
    const PortConfig& before = checked.config.ports[other];
    if (sections[other].written("device") == nullptr || !is_same_device(port.device, before.device)) continue;
    const Section& section = sections[mine];
    if (port.device.kind != before.device.kind) {
      checked.problems.error(
          section.place("device"), section.shown("device"),
          {"port " + in_quotes(before.name) + " opens the same interface as " + in_quotes(before.device.text),
           "open it in one way only"});
    } else if (port.vlan == before.vlan) {
      checked.problems.error(
          section.place("device"), section.shown("device"),
          {in_quotes(port.device.text) +
               (port.vlan ? " with VLAN " + std::to_string(*port.vlan) : std::string(" without VLAN")) +
               " is port " + in_quotes(before.name) + " already",
           "choose another device or vlan, or add the addresses to that port"});
    }
  }
}

}  // namespace

void validate_ports(const Checked& checked) {
  const std::vector<Section> sections = checked.root.items("ports");
  for (std::size_t i = 0; i < sections.size(); ++i) {
    check_addresses(checked, sections[i], checked.config.ports[i]);
    check_gateways(checked, sections[i], checked.config.ports[i]);
    check_device_use(checked, sections, i);
  }
}

}  // namespace sallyport::mgmt
