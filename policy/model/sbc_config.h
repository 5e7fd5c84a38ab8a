// sbc_config.h — the whole configuration as plain values, checked and with defaults filled in.
//
// mgmt/config makes it from files; everything else only reads it. Names (of ports, realms, peers) that one
// part uses for another have been resolved by the loader: each exists.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "policy/model/index.h"
#include "policy/model/management.h"
#include "policy/model/peer.h"
#include "policy/model/port.h"
#include "policy/model/profile.h"
#include "policy/model/realm.h"
#include "policy/model/route.h"
#include "policy/model/security.h"

namespace sallyport {

struct NodeConfig {
  std::string name;
  std::string state = "/var/lib/sallyport";
};

struct DnsConfig {
  std::vector<Endpoint> servers;  // empty: those of the system
  std::string via;                // empty: host; else a port
  Duration timeout = 2s, serve_stale = 1h;
};

enum class IdleMode : std::uint8_t { Adaptive, Poll };
enum class ProcessorSleep : std::uint8_t { Shallow, Deep };
enum class HugepageMode : std::uint8_t { Auto, Never };
enum class SrtpEngineChoice : std::uint8_t { Auto, Libsrtp2, Multibuffer };

// How many of each thing there is room for; memory is taken at start.
struct Capacity {
  std::uint32_t calls = 10000, transactions = 50000, registrations = 100000, sources = 1'000'000,
                blocked = 250'000, connections = 20000;
};

struct DataplaneConfig {
  std::uint32_t lcore_count = 0;          // 0: auto
  std::vector<std::uint32_t> lcore_cpus;  // not empty: one polling thread on each of these CPUs
  std::uint32_t signalling_threads = 0;   // 0: auto
  IdleMode idle = IdleMode::Adaptive;
  ProcessorSleep processor_sleep = ProcessorSleep::Shallow;
  HugepageMode hugepages = HugepageMode::Auto;
  SrtpEngineChoice srtp_engine = SrtpEngineChoice::Auto;
  Capacity capacity;
};

struct CertificateConfig {
  std::string name, certificate_file, key_file;  // resolved paths
  Duration warn_before = std::chrono::hours(24 * 21);
};
struct AuthorityConfig {
  std::string name;
  std::vector<std::string> files;  // resolved paths
};
enum class TlsVersion : std::uint8_t { Tls12, Tls13 };
struct TlsConfig {
  TlsVersion minimum_version = TlsVersion::Tls12;
  std::vector<CertificateConfig> certificates;
  std::vector<AuthorityConfig> authorities;
};

struct SbcConfig {
  NodeConfig node;
  DnsConfig dns;
  DataplaneConfig dataplane;
  std::vector<PortConfig> ports;
  TlsConfig tls;
  std::vector<RealmConfig> realms;
  std::size_t realm_places = 0;  // as peer_places, of realms
  std::vector<ProfileConfig> profiles;
  std::vector<PeerConfig> peers;
  std::size_t peer_places = 0;  // how many peers a reload may bring this to; 0: no more than there are
  std::vector<RegistrarConfig> registrars;
  std::vector<HeaderRuleConfig> header_rules;
  std::vector<TableConfig> tables;
  std::vector<RouteConfig> routes;
  EmergencyConfig emergency;
  SecurityConfig security;
  ManagementConfig management;
};

// How long tables by PeerIndex are.
[[nodiscard]] inline std::size_t peer_places(const SbcConfig& config) noexcept {
  return std::max(config.peers.size(), config.peer_places);
}

// How long tables by RealmIndex are.
[[nodiscard]] inline std::size_t realm_places(const SbcConfig& config) noexcept {
  return std::max(config.realms.size(), config.realm_places);
}

// The registrar whose endpoints that place stands for; null: it is a peer like others, or there is none.
[[nodiscard]] inline const RegistrarConfig* registrar_of(const SbcConfig& config, PeerIndex peer) noexcept {
  const auto place = static_cast<std::size_t>(peer);
  if (place >= config.peers.size()) return nullptr;
  const std::uint16_t registrar = config.peers[place].registrar;
  return registrar < config.registrars.size() ? &config.registrars[registrar] : nullptr;
}

// The place among the peers that stands for the endpoints of a registrar.
[[nodiscard]] inline PeerIndex place_of_registrar(const SbcConfig& config, std::uint16_t registrar) noexcept {
  for (std::size_t place = 0; place < config.peers.size(); ++place)
    if (config.peers[place].registrar == registrar) return static_cast<PeerIndex>(place);
  return PeerIndex::kNone;
}

}  // namespace sallyport
