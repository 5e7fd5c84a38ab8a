// peer_side.h — how we speak with one configured peer, worked out once for each rulebook.
#pragma once

#include <cstdint>
#include <vector>

#include "policy/base/ip_address.h"
#include "policy/model/index.h"
#include "policy/model/sbc_config.h"
#include "policy/route/rule_set.h"
#include "policy/route/target_board.h"
#include "sipalg/engine/neighbour.h"
#include "sipalg/hiding/leg_message.h"

namespace sallyport::sip {

struct NextTarget;

struct PeerSide {
  // `peer` is one of all.peers; it and `board` outlive this.
  PeerSide(const PeerConfig& peer, const SbcConfig& all, const policy::RuleSet& rules,
           const policy::TargetBoard& targets);
  Neighbour neighbour;
  Crossing crossing;
  const PeerConfig* config;
  RealmIndex realm = RealmIndex::kNone;
  std::vector<std::uint16_t> rules_in, rules_out;
  PeerIndex index;
  const policy::TargetBoard* board;  // null: all its targets are named by address
  [[nodiscard]] bool owns(const IpAddress& address) const;
  // A request from there begins nothing: a reload took the peer out, or away from there.
  [[nodiscard]] bool was_there(const IpAddress& address) const;
  // The configuration still has it.
  [[nodiscard]] bool names(const NextTarget& target) const noexcept;
};

}  // namespace sallyport::sip
