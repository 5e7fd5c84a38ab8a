// validate_realms.cpp — realms: addresses of the port, listeners and media ranges that overlap.
#include <algorithm>
#include <vector>

#include "mgmt/config/quoted.h"
#include "mgmt/config/validate_config.h"

namespace sallyport::mgmt {
namespace {

// One listener of one realm, with where it was written.
struct Door {
  const RealmConfig* realm;
  const ListenerConfig* listener;
  Section section;
};

const PortConfig* find_port(const SbcConfig& config, const std::string& name) {
  const auto found = std::find_if(config.ports.begin(), config.ports.end(),
                                  [&](const auto& port) { return port.name == name; });
  return found == config.ports.end() ? nullptr : &*found;
}

bool has_address(const PortConfig& port, const IpAddress& address) {
  return std::any_of(port.addresses.begin(), port.addresses.end(),
                     [&](const Prefix& own) { return own.address == address; });
}

const IpAddress* common_address(const std::vector<IpAddress>& left, const std::vector<IpAddress>& right) {
  const auto found = std::find_if(left.begin(), left.end(), [&](const IpAddress& address) {
    return std::find(right.begin(), right.end(), address) != right.end();
  });
  return found == left.end() ? nullptr : &*found;
}

bool is_udp(const ListenerConfig& listener) { return listener.transport == Transport::Udp; }

void check_addresses(const Checked& checked, const Section& section, std::string_view key,
                     const std::vector<IpAddress>& addresses, const PortConfig& port) {
  for (const IpAddress& address : addresses)
    if (!has_address(port, address))
      checked.problems.error(section.place(key), section.shown(key),
                             {to_string(address) + " is no address of port " + in_quotes(port.name),
                              "write one of the port's addresses, or leave the key out"});
}

void check_tls_keys(const Checked& checked, const Door& door) {
  const bool is_tls = door.listener->transport == Transport::Tls;
  if (is_tls && !door.section.has_key("certificate"))
    checked.problems.error(door.section.place(), door.section.shown("certificate"),
                           {"is missing", "name one of tls.certificates for this TLS listener"});
  for (const std::string_view key : {"certificate", "client_certificate"})
    if (!is_tls && door.section.has_key(key))
      checked.problems.error(door.section.place(key), door.section.shown(key),
                             {"is for TLS listeners only", "leave it out or write transport: tls"});
}

// A later listener against the ones before it: two on one address and port can't be told apart.
void check_door_against(const Checked& checked, const Door& door, const Door& before) {
  if (door.realm->port != before.realm->port || door.listener->port != before.listener->port) return;
  if (is_udp(*door.listener) != is_udp(*before.listener)) return;
  const IpAddress* shared = common_address(door.listener->addresses, before.listener->addresses);
  if (shared == nullptr) return;
  checked.problems.error(
      door.section.place("port"), door.section.shown(),
      {to_string(Endpoint{*shared, door.listener->port}) + " is " + before.section.shown() + " already",
       "choose another port or address"});
}

void check_door_against_media(const Checked& checked, const Door& door, const RealmConfig& realm) {
  const PortRange& range = realm.media.ports;
  const std::uint16_t port = door.listener->port;
  if (!is_udp(*door.listener) || realm.port != door.realm->port || port < range.first || port > range.last)
    return;
  const IpAddress* shared = common_address(door.listener->addresses, realm.media.addresses);
  if (shared == nullptr) return;
  checked.problems.error(
      door.section.place("port"), door.section.shown("port"),
      {std::to_string(port) + " is a media port of realm " + in_quotes(realm.name),
       "choose a port outside of " + std::to_string(range.first) + "-" + std::to_string(range.last)});
}

void check_media_overlap(const Checked& checked, const Section& section, const RealmConfig& realm,
                         const RealmConfig& before) {
  if (realm.port != before.port) return;
  const PortRange &mine = realm.media.ports, &other = before.media.ports;
  if (mine.first > other.last || other.first > mine.last) return;
  const IpAddress* shared = common_address(realm.media.addresses, before.media.addresses);
  if (shared == nullptr) return;
  const Section media = section.child("media");
  const YamlPlace place = media.written("ports") == nullptr ? section.place("name") : media.place("ports");
  checked.problems.error(
      place, section.shown("media.ports"),
      {"overlaps the media ports of realm " + in_quotes(before.name) + " on " + to_string(*shared),
       "choose a range outside of " + std::to_string(other.first) + "-" + std::to_string(other.last)});
}

void check_advertised(const Checked& checked, const Section& section, const RealmConfig& realm) {
  const Section advertise = section.child("advertise");
  if (realm.advertise.ipv4 && !realm.advertise.ipv4->is_v4())
    checked.problems.error(advertise.place("ipv4"), advertise.shown("ipv4"),
                           {"is not an IPv4 address", "write own or an IPv4 address"});
  if (realm.advertise.ipv6 && realm.advertise.ipv6->is_v4())
    checked.problems.error(advertise.place("ipv6"), advertise.shown("ipv6"),
                           {"is not an IPv6 address", "write own or an IPv6 address"});
}

}  // namespace

void validate_realms(const Checked& checked) {
  const std::vector<Section> sections = checked.root.items("realms");
  std::vector<Door> doors;
  for (std::size_t i = 0; i < sections.size(); ++i) {
    const RealmConfig& realm = checked.config.realms[i];
    const std::vector<Section> listeners = sections[i].items("listen");
    for (std::size_t j = 0; j < listeners.size(); ++j)
      doors.push_back({&realm, &realm.listen[j], listeners[j]});
    check_advertised(checked, sections[i], realm);
    if (const PortConfig* port = find_port(checked.config, realm.port))
      check_addresses(checked, sections[i].child("media"), "addresses", realm.media.addresses, *port);
    for (std::size_t j = 0; j < i; ++j)
      check_media_overlap(checked, sections[i], realm, checked.config.realms[j]);
  }
  for (std::size_t i = 0; i < doors.size(); ++i) {
    check_tls_keys(checked, doors[i]);
    if (const PortConfig* port = find_port(checked.config, doors[i].realm->port))
      check_addresses(checked, doors[i].section, "address", doors[i].listener->addresses, *port);
    for (std::size_t j = 0; j < i; ++j) check_door_against(checked, doors[i], doors[j]);
    for (const RealmConfig& realm : checked.config.realms) check_door_against_media(checked, doors[i], realm);
  }
}

}  // namespace sallyport::mgmt
