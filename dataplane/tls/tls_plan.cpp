// tls_plan.cpp — names of the configuration become positions; the loader has seen to it that each exists.
#include "dataplane/tls/tls_plan.h"

#include <algorithm>
#include <numeric>
#include <string_view>

namespace sallyport::dataplane {
namespace {

template <class Named>
void add_position(const std::vector<Named>& list, std::string_view name, std::vector<std::size_t>& out) {
  const auto found =
      std::find_if(list.begin(), list.end(), [name](const Named& named) { return named.name == name; });
  if (name.empty() || found == list.end()) return;
  const auto position = static_cast<std::size_t>(found - list.begin());
  if (std::find(out.begin(), out.end(), position) == out.end()) out.push_back(position);
}

std::vector<std::size_t> all_of(std::size_t count) {
  std::vector<std::size_t> out(count);
  std::iota(out.begin(), out.end(), std::size_t{0});
  return out;
}

void add_used(const SbcConfig& config, const RealmConfig& realm, std::vector<std::size_t>& out) {
  for (const ListenerConfig& listener : realm.listen)
    add_position(config.tls.certificates, listener.certificate, out);
  for (const PeerConfig& peer : config.peers)
    if (peer.realm == realm.name) add_position(config.tls.certificates, peer.tls.certificate, out);
}

// What a client at this realm may ask for.
std::vector<std::size_t> choices_of(const SbcConfig& config, const RealmConfig& realm) {
  std::vector<std::size_t> out, used_somewhere;
  add_used(config, realm, out);
  for (const RealmConfig& other : config.realms) add_used(config, other, used_somewhere);
  add_position(config.tls.certificates, config.management.tls_certificate, used_somewhere);
  for (std::size_t i = 0; i < config.tls.certificates.size(); ++i)
    if (std::find(used_somewhere.begin(), used_somewhere.end(), i) == used_somewhere.end()) out.push_back(i);
  return out;
}

std::vector<std::size_t> authorities_of(const SbcConfig& config, const RealmConfig& realm) {
  std::vector<std::size_t> out;
  for (const PeerConfig& peer : config.peers)
    if (peer.realm == realm.name)
      for (const std::string& name : peer.tls.authorities) add_position(config.tls.authorities, name, out);
  return out.empty() ? all_of(config.tls.authorities.size()) : out;
}

TlsPlace listener_place(const SbcConfig& config, std::size_t realm, const ListenerConfig& listener) {
  TlsPlace place;
  place.realm = realm;
  if (listener.transport != Transport::Tls) return place;
  place.is_used = true;
  add_position(config.tls.certificates, listener.certificate, place.certificates);
  for (const std::size_t other : choices_of(config, config.realms[realm]))
    if (std::find(place.certificates.begin(), place.certificates.end(), other) == place.certificates.end())
      place.certificates.push_back(other);
  place.client_certificate = listener.client_certificate;
  if (place.client_certificate == ClientCertificate::None) return place;
  place.authorities = authorities_of(config, config.realms[realm]);
  if (!place.authorities.empty()) return place;
  if (place.client_certificate == ClientCertificate::Required)
    place.trusts_system = true;
  else
    place.client_certificate = ClientCertificate::None;
  return place;
}

TlsPlace peer_place(const SbcConfig& config, const PeerConfig& peer, bool is_used) {
  TlsPlace place;
  place.is_used = is_used;
  place.name = peer.name;
  place.wanted_name = peer.tls.name;
  add_position(config.tls.certificates, peer.tls.certificate, place.certificates);
  for (const std::string& name : peer.tls.authorities)
    add_position(config.tls.authorities, name, place.authorities);
  if (place.authorities.empty()) place.authorities = all_of(config.tls.authorities.size());
  place.trusts_system = place.authorities.empty();
  return place;
}

// A peer that is known by its domain may be found at a TLS port. RFC 3263 §4.1
bool may_use_tls(const PeerConfig& peer) {
  return peer.transport == Transport::Tls || !peer.tls.certificate.empty() || !peer.tls.authorities.empty() ||
         !peer.tls.name.empty() ||
         std::any_of(peer.targets.begin(), peer.targets.end(),
                     [](const PeerTarget& target) { return !target.domain.empty(); });
}

}  // namespace

TlsPlan make_tls_plan(const SbcConfig& config) {
  TlsPlan plan;
  for (std::size_t realm = 0; realm < config.realms.size(); ++realm)
    for (const ListenerConfig& listener : config.realms[realm].listen)
      plan.listeners.push_back(listener_place(config, realm, listener));
  const bool is_used = std::any_of(plan.listeners.begin(), plan.listeners.end(),
                                   [](const TlsPlace& place) { return place.is_used; }) ||
                       std::any_of(config.peers.begin(), config.peers.end(), may_use_tls);
  for (const PeerConfig& peer : config.peers) plan.peers.push_back(peer_place(config, peer, is_used));
  return plan;
}

}  // namespace sallyport::dataplane
