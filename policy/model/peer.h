// peer.h — a Peer as configured (trunk, PBX) and a registrar (a place where endpoints register).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "policy/base/ip_address.h"
#include "policy/base/shared_value.h"
#include "policy/model/profile.h"
#include "policy/model/realm.h"

namespace sallyport {

enum class Balance : std::uint8_t { Failover, Weighted, Hash, LeastCalls };

struct PeerTarget {
  std::optional<Endpoint> address;  // exactly one of address and domain is set
  std::string domain;
  std::uint16_t domain_port = 0;  // 0: by NAPTR and SRV
  std::uint32_t weight = 1;
  friend bool operator==(const PeerTarget&, const PeerTarget&) = default;
};

struct Credential {
  std::string digest_realm;  // empty: whatever realm the peer names
  std::string user;
  std::string password_file;  // resolved path
  std::string password{};     // read from that file when the configuration was loaded; never shown
  friend bool operator==(const Credential&, const Credential&) = default;
};

enum class RegisterMode : std::uint8_t { Single, Bulk };
struct OutboundRegistration {
  std::string aor;
  Duration expires = 10min;
  RegisterMode mode = RegisterMode::Single;
};

struct HealthConfig {
  std::optional<Duration> ping = 30s;  // nothing: never
  std::uint32_t down_after = 3, up_after = 2;
  friend bool operator==(const HealthConfig&, const HealthConfig&) = default;
};

struct PeerTls {
  std::string certificate;
  std::vector<std::string> authorities;
  std::string name;  // empty: the target's domain
};

inline constexpr std::uint16_t kNoRegistrar = 0xffff;

struct PeerConfig {
  std::string name;
  std::string realm;
  ProfileConfig profile;  // resolved: the named profile with the peer's own keys laid over it
  Transport transport = Transport::Udp;
  std::vector<PeerTarget> targets;
  Balance balance = Balance::Failover;
  std::vector<Prefix> sources;
  // Where a reload says that it is no more, targets too: calls that are up may still come from there.
  std::vector<Prefix> former_sources;
  HealthConfig health;
  std::optional<CallLimits> limits_in, limits_out;  // nothing: the realm's
  std::vector<Credential> credentials;
  PeerTls tls;
  std::optional<OutboundRegistration> registration;
  bool is_retired = false;  // a reload took it out; it is here for calls that still go through it
  // Not a neighbour of its own but the place of all endpoints of that registrar (SbcConfig::registrars): it
  // has no targets and no sources; limits, figures, records, rules and profile go by it as by any peer.
  std::uint16_t registrar = kNoRegistrar;
  [[nodiscard]] bool is_of_registrar() const noexcept { return registrar != kNoRegistrar; }
};

enum class RegistrarMode : std::uint8_t { PassThrough, Local };

// One line of users_file: what digest needs, never a password. RFC 7616 §3.4.2
struct RegistrarUser {
  std::string user;
  std::string domain;               // one of the registrar's; empty: any of them
  std::string ha1_md5, ha1_sha256;  // H(user:realm:password), small hexadecimal digits; one may be empty
};
// Sorted by user, then by domain.
using RegistrarUsers = std::vector<RegistrarUser>;

struct RegistrarConfig {
  std::string name;
  std::string realm;
  RegistrarMode mode = RegistrarMode::PassThrough;
  std::string upstream;               // PassThrough: a peer
  std::string users_file;             // Local: resolved path
  SharedValue<RegistrarUsers> users;  // Local: what the file said when the configuration was loaded
  std::string profile;                // how its endpoints speak; empty: "default"
  std::vector<std::string> domains;   // the first one is the digest realm of a Local registrar
  Duration refresh_outside = 60s, refresh_inside = 1h, keepalive = 25s;  // keepalive 0: none
  std::uint32_t contacts_per_aor = 5;
};

}  // namespace sallyport
