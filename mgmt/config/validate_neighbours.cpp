// validate_neighbours.cpp — peers and registrars: targets, families, keys that need each other.
#include <algorithm>

#include "mgmt/config/quoted.h"
#include "mgmt/config/validate_config.h"

namespace sallyport::mgmt {
namespace {

const PortConfig* port_of_realm(const SbcConfig& config, const std::string& name) {
  for (const RealmConfig& realm : config.realms) {
    if (realm.name != name) continue;
    for (const PortConfig& port : config.ports)
      if (port.name == realm.port) return &port;
  }
  return nullptr;
}

void check_target(const Checked& checked, const Section& section, const PeerTarget& target,
                  const PortConfig* port) {
  const bool has_address = section.has_key("address"), has_domain = section.has_key("domain");
  if (has_address && has_domain)
    checked.problems.error(section.place(), section.shown(),
                           {"has both address and domain", "keep one of the two"});
  if (!has_address && !has_domain)
    checked.problems.error(section.place(), section.shown(),
                           {"has neither address nor domain", "write one of the two"});
  if (!target.address || port == nullptr || port->addresses.empty()) return;
  const IpAddress& address = target.address->address;
  const auto is_family = [&address](const Prefix& own) { return own.address.is_v4() == address.is_v4(); };
  const auto is_own = [&address](const Prefix& own) { return own.address == address; };
  const std::string family = address.is_v4() ? "IPv4" : "IPv6";
  if (std::none_of(port->addresses.begin(), port->addresses.end(), is_family))
    checked.problems.error(
        section.place("address"), section.shown("address"),
        {"is " + family + ", but port " + in_quotes(port->name) + " has no " + family + " address",
         "give the port one or write the other family"});
  else if (std::any_of(port->addresses.begin(), port->addresses.end(), is_own))
    checked.problems.error(
        section.place("address"), section.shown("address"),
        {"is an address of port " + in_quotes(port->name) + " itself", "write the peer's"});
  else if (address.is_unspecified() || address.is_multicast() || address.is_loopback() ||
           address.is_limited_broadcast())
    checked.problems.error(section.place("address"), section.shown("address"),
                           {"is not a unicast address", "write the peer's address"});
}

void check_registrar(const Checked& checked, const Section& section, const RegistrarConfig& registrar) {
  const bool is_local = registrar.mode == RegistrarMode::Local;
  const std::string_view needed = is_local ? "users_file" : "upstream",
                         useless = is_local ? "upstream" : "users_file";
  const std::string mode = is_local ? "local" : "pass_through";
  if (!section.has_key(needed))
    checked.problems.error(
        section.place(), section.shown(needed),
        {"is missing", is_local ? "mode: local needs a file of users" : "mode: pass_through needs a peer"});
  if (section.has_key(useless))
    checked.problems.error(section.place(useless), section.shown(useless),
                           {"has no meaning with mode: " + mode, "leave it out"});
}

}  // namespace

void validate_neighbours(const Checked& checked) {
  const std::vector<Section> peers = checked.root.items("peers");
  for (std::size_t i = 0; i < peers.size(); ++i) {
    const PeerConfig& peer = checked.config.peers[i];
    const PortConfig* port = port_of_realm(checked.config, peer.realm);
    const std::vector<Section> targets = peers[i].items("targets");
    for (std::size_t j = 0; j < targets.size(); ++j) check_target(checked, targets[j], peer.targets[j], port);
  }
  const std::vector<Section> registrars = checked.root.items("registrars");
  for (std::size_t i = 0; i < registrars.size(); ++i)
    check_registrar(checked, registrars[i], checked.config.registrars[i]);
}

}  // namespace sallyport::mgmt
