// named_sources.cpp — addresses of named targets, sorted by realm and address.
#include "sipalg/location/named_sources.h"

#include <algorithm>

namespace sallyport::sip {
namespace {

bool has_name(const PeerConfig& peer) {
  return std::ranges::any_of(peer.targets, [](const PeerTarget& target) { return !target.address; });
}

}  // namespace

NamedSources::NamedSources(const SbcConfig& config, const policy::TargetBoard& board) : board_(&board) {
  for (std::size_t i = 0; i < config.peers.size(); ++i) {
    if (config.peers[i].is_retired || !has_name(config.peers[i])) continue;
    const auto realm = std::ranges::find(config.realms, config.peers[i].realm, &RealmConfig::name);
    if (realm != config.realms.end())
      peers_.push_back({PeerIndex(i), RealmIndex(realm - config.realms.begin())});
  }
}

void NamedSources::refresh(Timestamp now) {
  if (peers_.empty()) return;
  const std::uint64_t version = board_->version();
  if (version == version_ || (version_ != 0 && now < listed_ + kPause)) return;
  version_ = version;
  listed_ = now;
  sources_.clear();
  for (const NamedPeer& named : peers_) {
    const auto targets = board_->targets_of(named.peer);
    for (const auto& target : *targets)
      sources_.push_back({named.realm, target->address.address, named.peer});
  }
  std::ranges::sort(sources_);
}

PeerIndex NamedSources::find(Timestamp now, RealmIndex realm, const IpAddress& source) {
  refresh(now);
  const Source wanted{realm, source, PeerIndex{0}};
  const auto found = std::ranges::lower_bound(sources_, wanted);
  if (found == sources_.end() || found->realm != realm || found->address != source) return PeerIndex::kNone;
  return found->peer;
}

}  // namespace sallyport::sip
