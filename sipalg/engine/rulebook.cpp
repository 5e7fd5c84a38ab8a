// rulebook.cpp — compiles one configuration.
#include "sipalg/engine/rulebook.h"

#include <algorithm>
#include <utility>

namespace sallyport::sip {
namespace {

std::vector<PeerSide> peer_sides(const SbcConfig& config, const policy::RuleSet& rules,
                                 const policy::TargetBoard& targets) {
  std::vector<PeerSide> sides;
  sides.reserve(config.peers.size());
  for (const PeerConfig& peer : config.peers) sides.emplace_back(peer, config, rules, targets);
  return sides;
}

std::vector<std::vector<std::uint16_t>> rules_of_routes(const SbcConfig& config,
                                                        const policy::RuleSet& rules) {
  std::vector<std::vector<std::uint16_t>> positions;
  positions.reserve(config.routes.size());
  for (const RouteConfig& route : config.routes) positions.push_back(rules.positions(route.rules));
  return positions;
}

}  // namespace

Rulebook::Rulebook(SharedValue<SbcConfig> from, const policy::TargetBoard& targets)
    : shared_config(std::move(from)),
      config(*shared_config),
      router(config),
      rules(config.header_rules),
      places(config),
      peers(peer_sides(config, rules, targets)),
      route_rules(rules_of_routes(config, rules)),
      stranger_profile(default_profile(config)),
      stranger(stranger_profile),
      stranger_crossing(stranger_profile),
      looks_at_headers(rules.size() != 0 || std::ranges::any_of(config.routes,
                                                                [](const RouteConfig& route) {
                                                                  return !route.match.headers.empty();
                                                                })),
      edition(targets.edition()) {}

const Place* place_at(const Rulebook& began, const Rulebook& today, const Path& path) noexcept {
  const Place* const known = began.places.at(path);
  return known != nullptr ? known : today.places.at(path);
}

const RealmConfig& realm_of(const Rulebook& began, const Rulebook& today, RealmIndex realm) noexcept {
  const std::size_t place = to_position(realm);
  return place < began.config.realms.size() ? began.config.realms[place] : today.config.realms[place];
}

const PeerSide* Rulebook::peer_side(PeerIndex peer) const noexcept {
  const std::size_t position = to_position(peer);
  return position < peers.size() ? &peers[position] : nullptr;
}

const Neighbour& Rulebook::neighbour_of(PeerIndex peer) const noexcept {
  const PeerSide* const side = peer_side(peer);
  return side != nullptr ? side->neighbour : stranger;
}

const Crossing& Rulebook::crossing_of(PeerIndex peer) const noexcept {
  const PeerSide* const side = peer_side(peer);
  return side != nullptr ? side->crossing : stranger_crossing;
}

}  // namespace sallyport::sip
