// target_board.cpp — lists of targets, one behind a pointer for each peer.
#include "policy/route/target_board.h"

#include <algorithm>

#include "policy/base/check.h"

namespace sallyport::policy {
namespace {

BoardTargets targets_by_address(const PeerConfig& peer) {
  BoardTargets targets;
  for (std::size_t i = 0; i < peer.targets.size(); ++i) {
    const PeerTarget& configured = peer.targets[i];
    if (!configured.address) continue;
    auto target = std::make_shared<BoardTarget>();
    target->configured = static_cast<std::uint16_t>(i);
    target->address = *configured.address;
    target->transport = peer.transport;
    target->host = to_string(*configured.address);
    target->weight = configured.weight;
    targets.push_back(std::move(target));
  }
  return targets;
}

bool is_same(const BoardTarget& a, const BoardTarget& b) noexcept {
  return a.address == b.address && a.transport == b.transport && a.configured == b.configured;
}

}  // namespace

TargetBoard::TargetBoard(const SbcConfig& config) {
  for (const PeerConfig& peer : config.peers) {
    auto entry = std::make_unique<Entry>();
    entry->targets = std::make_shared<const BoardTargets>(targets_by_address(peer));
    peers_.push_back(std::move(entry));
  }
}

std::shared_ptr<const BoardTargets> TargetBoard::targets_of(PeerIndex peer) const {
  SALLYPORT_CHECK(to_position(peer) < peers_.size());
  const Entry& entry = *peers_[to_position(peer)];
  const std::lock_guard lock(entry.mutex);
  return entry.targets;
}

void TargetBoard::publish(PeerIndex peer, const BoardTargets& targets) {
  SALLYPORT_CHECK(to_position(peer) < peers_.size());
  Entry& entry = *peers_[to_position(peer)];
  const auto old = targets_of(peer);
  auto merged = std::make_shared<BoardTargets>();
  for (const auto& target : targets) {
    const auto known = std::ranges::find_if(*old, [&](const auto& one) { return is_same(*one, *target); });
    if (known != old->end()) {
      target->is_up.store((*known)->is_up.load(std::memory_order_relaxed), std::memory_order_relaxed);
      target->calls.store((*known)->calls.load(std::memory_order_relaxed), std::memory_order_relaxed);
    }
    merged->push_back(target);
  }
  const std::lock_guard lock(entry.mutex);
  entry.targets = std::move(merged);
}

bool TargetBoard::is_up(PeerIndex peer) const {
  const auto targets = targets_of(peer);
  return std::ranges::any_of(
      *targets, [](const auto& target) { return target->is_up.load(std::memory_order_relaxed); });
}

}  // namespace sallyport::policy
