// rulebook.h — all that a reload may change of how calls are treated, compiled from one configuration and
// never altered: peers with their profiles, routes with their tables, rules.
//
// A call keeps the rulebook that it began with until it ends, or until kRulebooksMax reloads later, so that
// their number is bounded; new calls take that of the day. Peers have the same PeerIndex in each rulebook of
// a run (mgmt/config/align_peers.h), realms too (align_realms.h); ports can't come or go. Routes and rules
// are numbered by each rulebook for itself.
#pragma once

#include <cstdint>
#include <vector>

#include "policy/base/shared_value.h"
#include "policy/model/sbc_config.h"
#include "policy/route/router.h"
#include "policy/route/rule_set.h"
#include "policy/route/target_board.h"
#include "sipalg/engine/engine_output.h"
#include "sipalg/engine/peer_side.h"
#include "sipalg/engine/places.h"

namespace sallyport::sip {

// What is up for longer than so many reloads goes by the rulebook of the day from then on.
inline constexpr std::uint64_t kRulebooksMax = 16;

struct Rulebook {
  // `targets` outlives it. Takes as long as compiling the tables takes: not for a signalling thread.
  Rulebook(SharedValue<SbcConfig> config, const policy::TargetBoard& targets);
  Rulebook(const Rulebook&) = delete;
  Rulebook& operator=(const Rulebook&) = delete;

  const SharedValue<SbcConfig> shared_config;
  const SbcConfig& config;  // the same
  const policy::Router router;
  const policy::RuleSet rules;
  const Places places;                                        // our listeners
  const std::vector<PeerSide> peers;                          // by PeerIndex
  const std::vector<std::vector<std::uint16_t>> route_rules;  // by route: positions in `rules`
  // Of trusted sources that are no configured peer.
  const ProfileConfig stranger_profile;
  const Neighbour stranger;
  const Crossing stranger_crossing;
  const bool looks_at_headers;  // some route or rule does
  const std::uint64_t edition;  // counts the reloads of a run, the first one's with the beginning

  [[nodiscard]] bool is_older_than(const Rulebook& other, std::uint64_t reloads) const noexcept {
    return edition + reloads <= other.edition;
  }

  // Null: no such peer.
  [[nodiscard]] const PeerSide* peer_side(PeerIndex peer) const noexcept;
  // Those of strangers when there is no such peer.
  [[nodiscard]] const Neighbour& neighbour_of(PeerIndex peer) const noexcept;
  [[nodiscard]] const Crossing& crossing_of(PeerIndex peer) const noexcept;
};

// What began under one rulebook goes on with the listeners and realms that it knows from there; what came
// later is as it is today. Null: no such listener.
[[nodiscard]] const Place* place_at(const Rulebook& began, const Rulebook& today, const Path& path) noexcept;
[[nodiscard]] const RealmConfig& realm_of(const Rulebook& began, const Rulebook& today,
                                          RealmIndex realm) noexcept;

}  // namespace sallyport::sip
