// source_classifier.cpp — peers and realms of a configuration as maps of source prefixes.
#include "policy/decide/source_classifier.h"

namespace sallyport::policy {
namespace {

Prefix host_prefix(const IpAddress& address) {
  return {address, static_cast<std::uint8_t>(address.is_v4() ? 32 : 128)};
}

using Named = std::span<const NamedAddress>;

std::vector<PrefixMap<PeerSource>::Entry> peer_prefixes(const SbcConfig& config, const RealmConfig& realm,
                                                        Named named) {
  std::vector<PrefixMap<PeerSource>::Entry> entries;
  for (std::size_t i = 0; i < config.peers.size(); ++i) {
    const PeerConfig& peer = config.peers[i];
    if (peer.realm != realm.name) continue;
    const PeerSource owner{.peer = PeerIndex(i), .was_there = peer.is_retired};
    const PeerSource former{.peer = PeerIndex(i), .was_there = true};
    for (const PeerTarget& target : peer.targets)
      if (target.address) entries.emplace_back(host_prefix(target.address->address), owner);
    for (const Prefix& source : peer.sources) entries.emplace_back(source, owner);
    for (const Prefix& source : peer.former_sources) entries.emplace_back(source, former);
  }
  for (const NamedAddress& one : named) {
    const std::size_t i = to_position(one.peer);
    if (i >= config.peers.size() || config.peers[i].realm != realm.name) continue;
    entries.emplace_back(host_prefix(one.address), PeerSource{.peer = one.peer, .is_by_name = true});
  }
  return entries;
}

int rank(const PeerSource& source) {
  if (source.peer == PeerIndex::kNone) return 0;
  if (source.was_there) return 1;
  return source.is_by_name ? 2 : 3;
}

// Where another peer is now, one that was there is no more; nor does a name lead to where another peer is
// configured.
PeerSource whose(const PeerSource& outer, const PeerSource& inner) {
  return rank(outer) > rank(inner) ? outer : inner;
}

}  // namespace

SourceClassifier::SourceClassifier(const SbcConfig& config, Named named)
    : access_(config), realms_of_port_(config.ports.size()) {
  for (std::size_t i = 0; i < config.realms.size(); ++i) {
    const RealmConfig& realm = config.realms[i];
    realms_.push_back({PrefixMap<PeerSource>(peer_prefixes(config, realm, named), PeerSource{}, whose),
                       realm.trust == RealmTrust::Trusted ? TrustClass::Trusted : TrustClass::Untrusted});
    for (std::size_t port = 0; port < config.ports.size(); ++port)
      if (config.ports[port].name == realm.port && !realm.is_retired)
        realms_of_port_[port].push_back(static_cast<RealmIndex>(i));
  }
}

SourceClass SourceClassifier::classify_on_port(PortIndex port, const IpAddress& source) const noexcept {
  const std::vector<RealmIndex>& realms = realms_of_port_[to_position(port)];
  if (realms.empty()) return {};
  SourceClass best{TrustClass::Denied, PeerIndex::kNone};
  for (const RealmIndex realm : realms) {
    const SourceClass one = classify(realm, source);
    if (one.trust > best.trust) best = one;
  }
  return best;
}

}  // namespace sallyport::policy
