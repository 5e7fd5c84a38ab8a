// peer_side.cpp — what belongs to a peer.
#include "sipalg/engine/peer_side.h"

#include <algorithm>

#include "policy/identity/identity_policy.h"
#include "sipalg/call/call.h"
#include "sipalg/engine/places.h"

namespace sallyport::sip {
namespace {

bool has_names(const PeerConfig& peer) noexcept {
  return std::any_of(peer.targets.begin(), peer.targets.end(),
                     [](const PeerTarget& target) { return !target.address; });
}

bool is_trusted(const PeerConfig& peer, const SbcConfig& all) noexcept {
  const std::size_t realm = to_position(realm_named(all, peer.realm));
  return realm < all.realms.size() &&
         policy::is_in_trust_domain(all.realms[realm].trust, peer.profile.identity_accept);
}

}  // namespace

PeerSide::PeerSide(const PeerConfig& peer, const SbcConfig& all, const policy::RuleSet& rules,
                   const policy::TargetBoard& targets)
    : neighbour(peer.profile),
      crossing(peer.profile, is_trusted(peer, all)),
      config(&peer),
      realm(realm_named(all, peer.realm)),
      rules_in(rules.positions(peer.profile.header_rules_in)),
      rules_out(rules.positions(peer.profile.header_rules_out)),
      index(PeerIndex(&peer - all.peers.data())),
      board(has_names(peer) ? &targets : nullptr) {}

bool PeerSide::names(const NextTarget& target) const noexcept {
  return std::any_of(config->targets.begin(), config->targets.end(), [&](const PeerTarget& configured) {
    return configured.address ? *configured.address == target.address
                              : target.host.starts_with(configured.domain);
  });
}

bool PeerSide::was_there(const IpAddress& address) const {
  if (config->is_retired) return true;
  const auto holds = [&address](const Prefix& prefix) { return prefix.contains(address); };
  return std::ranges::any_of(config->former_sources, holds) && !owns(address);
}

bool PeerSide::owns(const IpAddress& address) const {
  for (const PeerTarget& target : config->targets)
    if (target.address && target.address->address == address) return true;
  for (const Prefix& source : config->sources)
    if (source.contains(address)) return true;
  if (board == nullptr) return false;
  const auto targets = board->targets_of(index);
  return std::any_of(targets->begin(), targets->end(),
                     [&](const auto& target) { return target->address.address == address; });
}

}  // namespace sallyport::sip
