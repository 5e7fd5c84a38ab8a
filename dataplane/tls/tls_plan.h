// tls_plan.h — which certificates and authorities each listener and each peer uses. Pure: no file is read.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "policy/model/sbc_config.h"

namespace sallyport::dataplane {

struct TlsPlace {
  bool is_used = false;                   // a TLS listener; a peer, once anything uses TLS
  std::size_t realm = 0;                  // position in SbcConfig::realms
  std::vector<std::size_t> certificates;  // positions in tls.certificates; the first is shown
  std::vector<std::size_t> authorities;   // positions in tls.authorities
  bool trusts_system = false;             // in place of authorities
  ClientCertificate client_certificate = ClientCertificate::None;  // of a listener
  std::string name, wanted_name;                                   // of a peer: its name, and tls.name
};

// Authorities: a peer's own; else all that are configured; else the system's. A listener: all that the peers
// of its realm name; else all; where there are none, `optional` asks nobody for a certificate, since nothing
// could be proved by it, and `required` takes the system's. Certificates of a listener: its own, then those
// for whose names a client may ask: what its realm uses, and what nothing uses. What only another realm uses
// is never shown here: its names belong to the other side.
struct TlsPlan {
  std::vector<TlsPlace> listeners;  // by ListenerIndex
  std::vector<TlsPlace> peers;      // by PeerIndex
};
[[nodiscard]] TlsPlan make_tls_plan(const SbcConfig& config);

}  // namespace sallyport::dataplane
