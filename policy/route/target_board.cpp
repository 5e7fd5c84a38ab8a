// target_board.cpp — lists of targets, one behind a pointer for each peer.
#include "policy/route/target_board.h"

#include <algorithm>

#include "policy/base/check.h"

namespace sallyport::policy {
namespace {

BoardTargets targets_by_address(const PeerConfig& peer) {
  BoardTargets targets;
  for (std::size_t i = 0; i < peer.targets.size(); ++i)
    if (peer.targets[i].address) targets.push_back(board_target(peer, i));
  return targets;
}

bool is_same(const BoardTarget& a, const BoardTarget& b) noexcept {
  return a.address == b.address && a.transport == b.transport && a.configured == b.configured;
}

}  // namespace

UnsharedValue<BoardTarget> board_target(const PeerConfig& peer, std::size_t configured) {
  const PeerTarget& from = peer.targets[configured];
  auto target = make_value<BoardTarget>();
  target->configured = static_cast<std::uint16_t>(configured);
  target->transport = peer.transport;
  target->weight = from.weight;
  if (from.address) {
    target->address = *from.address;
    target->host = to_string(*from.address);
  } else {
    target->host = from.domain;
    if (from.domain_port != 0) target->host += ":" + std::to_string(from.domain_port);
  }
  return target;
}

TargetBoard::TargetBoard(const SbcConfig& config) {
  for (const PeerConfig& peer : config.peers) {
    peers_.push_back(
        std::make_unique<SharedSlot<BoardTargets>>(make_value<BoardTargets>(targets_by_address(peer))));
  }
}

SharedValue<BoardTargets> TargetBoard::targets_of(PeerIndex peer) const {
  SALLYPORT_CHECK(to_position(peer) < peers_.size());
  return peers_[to_position(peer)]->read();
}

void TargetBoard::publish(PeerIndex peer, const BoardTargets& targets) {
  SALLYPORT_CHECK(to_position(peer) < peers_.size());
  const auto old = targets_of(peer);
  auto merged = make_value<BoardTargets>();
  for (const auto& target : targets) {
    const auto known = std::ranges::find_if(*old, [&](const auto& one) { return is_same(*one, *target); });
    if (known != old->end()) {
      target->is_up.share((*known)->is_up);
      target->calls.share((*known)->calls);
      target->failures.share((*known)->failures);
      target->aside_until_ns.share((*known)->aside_until_ns);
    }
    merged->push_back(target);
  }
  peers_[to_position(peer)]->put(std::move(merged));
  version_.fetch_add(1, std::memory_order_release);
}

void TargetBoard::note_failure(PeerIndex peer, const Endpoint& address, Transport transport) const noexcept {
  if (to_position(peer) >= peers_.size()) return;
  for (const auto& target : *targets_of(peer))
    if (target->address == address && target->transport == transport)
      target->failures.fetch_add(1, std::memory_order_relaxed);
}

bool TargetBoard::is_up(PeerIndex peer) const {
  const auto targets = targets_of(peer);
  return std::ranges::any_of(
      *targets, [](const auto& target) { return target->is_up.load(std::memory_order_relaxed); });
}

}  // namespace sallyport::policy
