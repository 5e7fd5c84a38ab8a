// target_order.h — in which order the targets of a peer are tried: `balance`, SRV priorities and weights
// (RFC 2782, RFC 3263 §4.2, §4.3), health and Retry-After (RFC 3261 §20.33).
//
// Pure: what is random comes in. The addresses of one configured target (a domain) stay together: `balance`
// chooses among configured targets, SRV among the addresses of one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "policy/base/fixed_vector.h"
#include "policy/base/time.h"
#include "policy/model/peer.h"
#include "policy/route/router.h"
#include "policy/route/target_board.h"

namespace sallyport::policy {

// Of one peer; further ones are not looked at.
inline constexpr std::size_t kOrderedTargetsMax = 64;

struct TargetChoice {
  Balance balance = Balance::Failover;
  std::uint64_t key = 0;     // hash under a secret of what `balance: hash` goes by: the Call-ID
  std::uint64_t random = 0;  // anything that a stranger can't foresee; a new one for each call
  Timestamp now{};
};

struct TargetOrder {
  FixedVector<std::uint16_t, kOrderedTargetsMax> order;  // positions in the list that came in
  // So many of the first may be tried now. Those behind are down or asked to be left alone for a while: the
  // last resort, for emergencies and for calls that have no other target.
  std::size_t usable = 0;
};

//   failover     in the order of the file
//   weighted     by chance, in proportion to PeerTarget::weight; the others follow by chance too
//   hash         by the key: rendezvous hashing by weight; when a target is lost only its own calls move
//   least_calls  fewest calls for its weight first; equals by chance
[[nodiscard]] TargetOrder order_targets(std::span<const SharedValue<BoardTarget>> targets,
                                        const TargetChoice& choice) noexcept;

// What a call tries, one after the other: the peers of the decision in their order, each peer's targets in
// the order of its `balance`. Targets of last resort stand behind those of all peers, and only an emergency
// or a call that has no other target gets any. At most kTargetsMax.
struct ChosenTarget {
  PeerIndex peer = PeerIndex::kNone;
  bool is_emergency_target = false;  // comes from emergency.to: the route's rules are not for it
  // Null: the endpoints of a registrar (PeerConfig::is_of_registrar), whom only their bindings name.
  SharedValue<BoardTarget> target;
};
// `choice.balance` is taken from each peer.
[[nodiscard]] std::vector<ChosenTarget> choose_targets(const RouteDecision& decision, const SbcConfig& config,
                                                       const TargetBoard& board, TargetChoice choice);

// Retry-After of a 503: the target is left alone for so long, one second to five minutes. RFC 3261 §21.5.4
void set_aside(const BoardTarget& target, std::chrono::seconds retry_after, Timestamp now) noexcept;
[[nodiscard]] bool is_usable(const BoardTarget& target, Timestamp now) noexcept;

}  // namespace sallyport::policy
