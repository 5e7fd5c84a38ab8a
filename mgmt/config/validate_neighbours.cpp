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

void check_refresh(const Checked& checked, const Section& section, const RegistrarConfig& registrar) {
  const bool is_passed = registrar.mode == RegistrarMode::PassThrough;
  if (!is_passed || registrar.refresh_outside <= registrar.refresh_inside) return;
  const Section refresh = section.child("refresh");
  const std::string_view key = refresh.has_key("outside") ? "outside" : "inside";
  checked.problems.error(
      refresh.place(key), section.shown("refresh"),
      {"lasts longer outside than inside, so calls would come for phones that the upstream "
       "has forgotten",
       "write a time outside that is no longer than the one inside"});
}

// They are compared with what phones send, and the first one is hashed into passwords: one spelling for all.
void check_domains(const Checked& checked, const Section& section, const RegistrarConfig& registrar) {
  const auto is_capital = [](char c) { return c >= 'A' && c <= 'Z'; };
  for (std::size_t i = 0; i < registrar.domains.size(); ++i) {
    const std::string& domain = registrar.domains[i];
    if (std::ranges::any_of(domain, is_capital))
      checked.problems.error(section.place("domains"), section.shown("domains"),
                             {in_quotes(domain) + " has capital letters", "write it in small letters"});
    if (std::find(registrar.domains.begin(), registrar.domains.begin() + static_cast<std::ptrdiff_t>(i),
                  domain) != registrar.domains.begin() + static_cast<std::ptrdiff_t>(i))
      checked.problems.error(section.place("domains"), section.shown("domains"),
                             {in_quotes(domain) + " is written twice", "keep one of the two"});
  }
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
  check_refresh(checked, section, registrar);
  check_domains(checked, section, registrar);
}

// Calls, counters and rules know both by name, as one kind of thing.
void check_registrar_name(const Checked& checked, const Section& section, const std::vector<Section>& peers) {
  const std::string name = section.text("name");
  for (const Section& peer : peers)
    if (!name.empty() && peer.is("name", name))
      checked.problems.error(section.place("name"), section.shown("name"),
                             {in_quotes(name) + " is the name of a peer already, in " +
                                  checked.problems.file_name(peer.place("name").file) + ":" +
                                  std::to_string(peer.place("name").line),
                              "choose another name"});
}

// Two registrars of one side could not tell whose a REGISTER is.
void check_domains_against(const Checked& checked, const Section& section, const RegistrarConfig& registrar,
                           const RegistrarConfig& before) {
  if (registrar.realm != before.realm) return;
  for (const std::string& domain : registrar.domains)
    if (std::ranges::find(before.domains, domain) != before.domains.end())
      checked.problems.error(section.place("domains"), section.shown("domains"),
                             {in_quotes(domain) + " is a domain of registrar " + in_quotes(before.name) +
                                  " of that realm already",
                              "give each domain of a realm to one registrar"});
}

// Digits would be asked for that nobody may say.
void check_digits(const Checked& checked, const Section& section, const ProfileConfig& profile) {
  if (profile.media.dtmf != DtmfMode::Info ||
      std::ranges::find(profile.methods, "INFO") != profile.methods.end())
    return;
  if (!section.has_key("media") && !section.has_key("methods")) return;  // its profile says it
  const std::string_view key = section.has_key("media") ? "media" : "methods";
  checked.problems.error(section.place(key), section.shown("media.dtmf"),
                         {"is info, and methods leave INFO out", "add INFO to methods"});
}

}  // namespace

void validate_neighbours(const Checked& checked) {
  const std::vector<Section> profiles = checked.root.items("profiles");
  for (std::size_t i = 0; i < profiles.size() && i < checked.config.profiles.size(); ++i)
    check_digits(checked, profiles[i], checked.config.profiles[i]);
  const std::vector<Section> peers = checked.root.items("peers");
  for (std::size_t i = 0; i < peers.size(); ++i) {
    const PeerConfig& peer = checked.config.peers[i];
    const PortConfig* port = port_of_realm(checked.config, peer.realm);
    check_digits(checked, peers[i], peer.profile);
    const std::vector<Section> targets = peers[i].items("targets");
    for (std::size_t j = 0; j < targets.size(); ++j) check_target(checked, targets[j], peer.targets[j], port);
  }
  const std::vector<Section> registrars = checked.root.items("registrars");
  for (std::size_t i = 0; i < registrars.size(); ++i) {
    check_registrar(checked, registrars[i], checked.config.registrars[i]);
    check_registrar_name(checked, registrars[i], peers);
    for (std::size_t j = 0; j < i; ++j)
      check_domains_against(checked, registrars[i], checked.config.registrars[i],
                            checked.config.registrars[j]);
  }
}

}  // namespace sallyport::mgmt
