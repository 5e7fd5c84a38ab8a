// realm.h — a Realm as configured: one side of the border (listeners, media range, trust).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "policy/base/ip_address.h"
#include "policy/model/transport.h"
#include "policy/model/units.h"

namespace sallyport {

enum class RealmTrust : std::uint8_t { Untrusted, Trusted };
enum class ClientCertificate : std::uint8_t { None, Optional, Required };

struct ListenerConfig {
  Transport transport = Transport::Udp;
  std::uint16_t port = 5060;
  std::vector<IpAddress> addresses;  // filled by the loader: all of the port's when none was written
  std::string certificate;
  ClientCertificate client_certificate = ClientCertificate::Optional;
  bool is_former = false;  // a reload took it out: calls that are up still come by it, nothing new does
};

struct AdvertiseConfig {
  std::optional<IpAddress> ipv4, ipv6;  // none: own
  std::string domain;                   // empty: none
};

struct RealmMedia {
  std::vector<IpAddress> addresses;  // filled by the loader: all of the port's when "all"
  PortRange ports{20000, 29999};
  Dscp dscp{46};
  Duration quarantine = 10s;
};

// Concurrent calls and new calls a second; `media` bounds the sum of a realm's media.
struct CallLimits {
  std::uint32_t calls = 10000;
  Rate rate{500, std::chrono::seconds(1)};
};

struct RealmConfig {
  std::string name;
  std::string port;
  RealmTrust trust = RealmTrust::Untrusted;
  std::vector<ListenerConfig> listen;
  AdvertiseConfig advertise;
  RealmMedia media;
  Dscp signalling_dscp{24};
  bool nat_auto = true;
  CallLimits limits;
  BitRate media_limit{1'000'000'000};
  bool is_retired = false;  // a reload took it out: all of its listeners are former ones
};

}  // namespace sallyport
