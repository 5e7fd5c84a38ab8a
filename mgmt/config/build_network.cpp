// build_network.cpp — node, dns, dataplane, ports, tls and realms as values.
#include <algorithm>

#include "mgmt/config/build_config.h"

namespace sallyport::mgmt {
namespace {

Value<Endpoint> parse_dns_server(std::string_view text) { return parse_address_and_port(text, 53); }

DnsConfig build_dns(const Section& section) {
  DnsConfig dns;
  dns.servers = read_list(section, "servers", parse_dns_server);
  dns.via = section.text_unless("via", "host");
  dns.timeout = read_duration(section, "timeout");
  dns.serve_stale = read_duration(section, "serve_stale");
  return dns;
}

DataplaneConfig build_dataplane(const Section& section) {
  DataplaneConfig dataplane;
  const YamlNode* lcores = section.value("lcores");
  if (lcores != nullptr && lcores->text != "auto") {
    if (const auto choice = parse_lcores(lcores->text, lcores->quoted)) {
      dataplane.lcore_count = choice->count;
      dataplane.lcore_cpus = choice->cpus;
    }
  }
  if (!section.is("signalling_threads", "auto"))
    dataplane.signalling_threads = read_number<std::uint32_t>(section, "signalling_threads");
  dataplane.idle = read_word<IdleMode>(section, "idle");
  dataplane.processor_sleep = read_word<ProcessorSleep>(section, "processor_sleep");
  dataplane.hugepages = read_word<HugepageMode>(section, "hugepages");
  dataplane.srtp_engine = read_word<SrtpEngineChoice>(section, "srtp_engine");
  const Section room = section.child("capacity");
  dataplane.capacity.calls = read_number<std::uint32_t>(room, "calls");
  dataplane.capacity.transactions = read_number<std::uint32_t>(room, "transactions");
  dataplane.capacity.registrations = read_number<std::uint32_t>(room, "registrations");
  dataplane.capacity.sources = read_number<std::uint32_t>(room, "sources");
  dataplane.capacity.blocked = read_number<std::uint32_t>(room, "blocked");
  dataplane.capacity.connections = read_number<std::uint32_t>(room, "connections");
  return dataplane;
}

PortConfig build_port(const Section& section) {
  PortConfig port;
  port.name = section.text("name");
  port.device = read(section, "device", parse_device);
  if (!section.is("vlan", "none")) port.vlan = read_number<std::uint16_t>(section, "vlan");
  port.mtu = read_number<std::uint16_t>(section, "mtu");
  port.checksums = read_word<ChecksumMode>(section, "checksums");
  port.addresses = read_list(section, "addresses", parse_interface_address);
  port.gateways = read_list(section, "gateways", parse_address);
  const Section linux_part = section.child("linux");
  port.ping = read(linux_part, "ping", parse_rate);
  port.services = read_list(linux_part, "services", parse_linux_service);
  return port;
}

TlsConfig build_tls(const Section& section) {
  TlsConfig tls;
  tls.minimum_version = read_word<TlsVersion>(section, "minimum_version");
  for (const Section& item : section.items("certificates"))
    tls.certificates.push_back(
        {item.text("name"), item.file("certificate"), item.file("key"), read_duration(item, "warn_before")});
  for (const Section& item : section.items("authorities")) {
    AuthorityConfig& authority = tls.authorities.emplace_back();
    authority.name = item.text("name");
    const YamlNode* files = item.written("files");
    if (files == nullptr) continue;
    for (const YamlNode& file : files->items)
      if (file.is_scalar()) authority.files.push_back(item.resolved(file));
  }
  return tls;
}

std::vector<IpAddress> addresses_of(const PortConfig* port) {
  std::vector<IpAddress> addresses;
  if (port == nullptr) return addresses;
  for (const Prefix& prefix : port->addresses) addresses.push_back(prefix.address);
  return addresses;
}

ListenerConfig build_listener(const Section& section, const PortConfig* port) {
  ListenerConfig listener;
  listener.transport = read_word<Transport>(section, "transport");
  const bool has_port = section.written("port") != nullptr;
  listener.port = has_port                               ? read_number<std::uint16_t>(section, "port")
                  : listener.transport == Transport::Tls ? 5061
                                                         : 5060;
  listener.addresses = read_list(section, "address", parse_address);
  if (section.written("address") == nullptr) listener.addresses = addresses_of(port);
  listener.certificate = section.text("certificate");
  listener.client_certificate = read_word<ClientCertificate>(section, "client_certificate");
  return listener;
}

RealmConfig build_realm(const Section& section, const std::vector<PortConfig>& ports) {
  RealmConfig realm;
  realm.name = section.text("name");
  realm.port = section.text("port");
  const auto found = std::find_if(ports.begin(), ports.end(),
                                  [&](const PortConfig& port) { return port.name == realm.port; });
  const PortConfig* port = found == ports.end() ? nullptr : &*found;
  realm.trust = read_word<RealmTrust>(section, "trust");
  for (const Section& listener : section.items("listen"))
    realm.listen.push_back(build_listener(listener, port));
  const Section advertise = section.child("advertise");
  realm.advertise.ipv4 = read_unless(advertise, "ipv4", "own", parse_address);
  realm.advertise.ipv6 = read_unless(advertise, "ipv6", "own", parse_address);
  realm.advertise.domain = advertise.text_unless("domain", "none");
  const Section media = section.child("media");
  realm.media.addresses =
      media.is("addresses", "all") ? addresses_of(port) : read_list(media, "addresses", parse_address);
  realm.media.ports = read(media, "ports", parse_port_range);
  realm.media.dscp = read(media, "dscp", parse_dscp);
  realm.media.quarantine = read_duration(media, "quarantine");
  realm.signalling_dscp = read(section, "signalling_dscp", parse_dscp);
  realm.nat_auto = section.is("nat", "auto");
  const Section limits = section.child("limits");
  realm.limits.calls = read_number<std::uint32_t>(limits, "calls");
  realm.limits.rate = read(limits, "rate", parse_rate);
  realm.media_limit = read(limits, "media", parse_bit_rate);
  return realm;
}

}  // namespace

void build_network(const Section& root, SbcConfig& config) {
  const Section node = root.child("node");
  config.node.name = node.text("name");
  config.node.state = node.text("state");
  config.dns = build_dns(root.child("dns"));
  config.dataplane = build_dataplane(root.child("dataplane"));
  for (const Section& item : root.items("ports")) config.ports.push_back(build_port(item));
  config.tls = build_tls(root.child("tls"));
  for (const Section& item : root.items("realms")) config.realms.push_back(build_realm(item, config.ports));
}

}  // namespace sallyport::mgmt
