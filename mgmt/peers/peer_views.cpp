// peer_views.cpp — joins configuration, board, counters and what the trunks' engine says.
#include "mgmt/peers/peer_views.h"

#include <algorithm>

#include "policy/route/target_order.h"

namespace sallyport::mgmt {
namespace {

[[nodiscard]] const sip::TrunkView* trunk_named(const SeenTrunks& seen, const std::string& peer) {
  const auto found = std::ranges::find(seen.trunks, peer, &sip::TrunkView::peer);
  return found == seen.trunks.end() ? nullptr : &*found;
}

[[nodiscard]] const sip::TrunkTargetView* target_at(const sip::TrunkView* trunk,
                                                    const policy::BoardTarget& target) {
  if (trunk == nullptr) return nullptr;
  const auto found = std::ranges::find_if(trunk->targets, [&](const sip::TrunkTargetView& one) {
    return one.address == target.address && one.transport == target.transport;
  });
  return found == trunk->targets.end() ? nullptr : &*found;
}

[[nodiscard]] std::optional<WallTime> wall_time(std::optional<Timestamp> at, const SeenTrunks& seen) {
  if (!at || *at == Timestamp{}) return std::nullopt;
  return seen.clocks.wall_at(*at);
}

// A target that nobody asks is not known to be up.
[[nodiscard]] std::string_view state_of(const policy::BoardTarget& target, bool is_probed, Timestamp now) {
  if (!target.is_up.load(std::memory_order_relaxed)) return "down";
  if (!policy::is_usable(target, now)) return "set_aside";
  return is_probed ? "up" : "unknown";
}

[[nodiscard]] PeerTargetView view_of(const policy::BoardTarget& target, const sip::TrunkView* trunk,
                                     const SeenTrunks& seen) {
  PeerTargetView view;
  view.name = target.host;
  view.address = target.address;
  view.transport = target.transport;
  view.state = state_of(target, trunk != nullptr && trunk->is_probed, seen.at);
  view.calls = target.calls.load(std::memory_order_relaxed);
  view.weight = target.weight;
  const sip::TrunkTargetView* const watched = target_at(trunk, target);
  if (watched == nullptr) return view;
  view.since = wall_time(watched->since, seen);
  view.round_trip = watched->round_trip;
  view.last_code = watched->last_code;
  // The answer to the first probe is still to come.
  if (view.state == "up" && watched->last_code == 0 && watched->since == Timestamp{}) view.state = "unknown";
  return view;
}

[[nodiscard]] std::vector<PeerTargetView> targets_of(const PeerConfig& peer,
                                                     const policy::BoardTargets& board,
                                                     const sip::TrunkView* trunk, const SeenTrunks& seen) {
  std::vector<PeerTargetView> views;
  for (std::size_t i = 0; i < peer.targets.size(); ++i) {
    const std::size_t before = views.size();
    for (const auto& target : board)
      if (target->configured == i) views.push_back(view_of(*target, trunk, seen));
    if (views.size() != before) continue;
    PeerTargetView& missing = views.emplace_back();
    missing.name = peer.targets[i].address ? to_string(*peer.targets[i].address) : peer.targets[i].domain;
    missing.transport = peer.transport;
    missing.state = peer.is_retired ? "retired" : "unresolved";
    missing.weight = peer.targets[i].weight;
  }
  return views;
}

}  // namespace

std::vector<PeerView> peer_views(const SbcConfig& config, const dataplane::DataPlaneSnapshot& plane,
                                 const policy::TargetBoard& board, const SeenTrunks& seen) {
  std::vector<PeerView> views;
  for (std::size_t i = 0; i < config.peers.size(); ++i) {
    const PeerConfig& peer = config.peers[i];
    if (peer.is_of_registrar()) continue;  // they are in `show registrations`
    const bool is_counted = i < plane.peers.size();
    if (!is_shown(peer, is_counted ? plane.peers[i] : dataplane::PeerCallCounts{})) continue;
    const sip::TrunkView* const trunk = trunk_named(seen, peer.name);
    PeerView& view = views.emplace_back();
    view.name = peer.name;
    view.realm = peer.realm;
    view.profile = peer.profile.name;
    view.transport = peer.transport;
    view.balance = peer.balance;
    view.is_retired = peer.is_retired;
    view.is_probed = trunk != nullptr && trunk->is_probed;
    view.is_up = board.is_up(static_cast<PeerIndex>(i));
    if (is_counted) {
      view.active = plane.peers[i].active;
      view.limit = plane.peers[i].limit;
    }
    view.targets = targets_of(peer, *board.targets_of(static_cast<PeerIndex>(i)), trunk, seen);
    if (trunk == nullptr || !trunk->registration) continue;
    view.registration =
        PeerRegistrationView{*trunk->registration, wall_time(trunk->registration->expires_at, seen),
                             wall_time(trunk->registration->next_at, seen)};
  }
  return views;
}

std::string_view to_string(Balance balance) noexcept {
  switch (balance) {
    case Balance::Weighted:
      return "weighted";
    case Balance::Hash:
      return "hash";
    case Balance::LeastCalls:
      return "least_calls";
    default:
      return "failover";
  }
}

}  // namespace sallyport::mgmt
