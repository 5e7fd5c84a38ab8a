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

bool is_same_place(const PeerTarget& a, const PeerTarget& b) noexcept {
  return a.address == b.address && a.domain == b.domain && a.domain_port == b.domain_port;
}

void share_facts(const BoardTarget& target, const BoardTarget& known) noexcept {
  target.is_up.share(known.is_up);
  target.calls.share(known.calls);
  target.failures.share(known.failures);
  target.aside_until_ns.share(known.aside_until_ns);
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

// A peer's place at the board: what is configured there, and what that stands for just now.
struct TargetBoard::Seat {
  SharedSlot<BoardTargets> list{make_value<BoardTargets>()};
  // Of who adopts, alone. No targets: no peer, or a retired one.
  std::string name;
  Transport transport = Transport::Udp;
  std::vector<PeerTarget> targets;

  // Which of the targets so far each of `peer` is; their number: none of them. Of equal ones each once.
  [[nodiscard]] std::vector<std::size_t> matches(const PeerConfig& peer) const;
  [[nodiscard]] BoardTargets list_for(const PeerConfig& peer, const BoardTargets& old) const;
};

std::vector<std::size_t> TargetBoard::Seat::matches(const PeerConfig& peer) const {
  std::vector<std::size_t> found;
  if (name != peer.name || transport != peer.transport) return {peer.targets.size(), targets.size()};
  std::vector<bool> is_taken(targets.size());
  for (const PeerTarget& target : peer.targets) {
    std::size_t i = 0;
    while (i < targets.size() && (is_taken[i] || !is_same_place(targets[i], target))) ++i;
    if (i < targets.size()) is_taken[i] = true;
    found.push_back(i);
  }
  return found;
}

BoardTargets TargetBoard::Seat::list_for(const PeerConfig& peer, const BoardTargets& old) const {
  if (name != peer.name || transport != peer.transport) return targets_by_address(peer);
  const std::vector<std::size_t> were = matches(peer);
  BoardTargets made;
  for (std::size_t i = 0; i < peer.targets.size(); ++i) {
    bool is_known = false;
    for (const auto& known : old) {
      if (known->configured != were[i]) continue;
      is_known = true;
      auto target = board_target(peer, i);
      target->address = known->address;
      target->priority = known->priority;
      target->srv_weight = known->srv_weight;
      share_facts(*target, *known);
      made.push_back(std::move(target));
    }
    if (!is_known && peer.targets[i].address) made.push_back(board_target(peer, i));
  }
  return made;
}

TargetBoard::TargetBoard(const SbcConfig& config) : nothing_(make_value<BoardTargets>()) {
  for (std::size_t i = 0; i < peer_places(config); ++i) seats_.push_back(std::make_unique<Seat>());
  adopt(config);
}

TargetBoard::~TargetBoard() = default;

void TargetBoard::adopt(const SbcConfig& next) {
  SALLYPORT_CHECK(next.peers.size() <= seats_.size());
  edition_.fetch_add(1, std::memory_order_release);
  const PeerConfig nobody;
  for (std::size_t i = 0; i < seats_.size(); ++i) {
    const bool is_there = i < next.peers.size() && !next.peers[i].is_retired;
    const PeerConfig& peer = is_there ? next.peers[i] : nobody;
    Seat& seat = *seats_[i];
    if (seat.name == peer.name && seat.transport == peer.transport && seat.targets == peer.targets) continue;
    for (bool is_done = false; !is_done;) {
      const auto old = seat.list.read();
      is_done = seat.list.put_after(old, make_value<BoardTargets>(seat.list_for(peer, *old)));
    }
    seat.name = peer.name;
    seat.transport = peer.transport;
    seat.targets = peer.targets;
  }
  version_.fetch_add(1, std::memory_order_release);
}

SharedValue<BoardTargets> TargetBoard::targets_of(PeerIndex peer) const {
  return to_position(peer) < seats_.size() ? seats_[to_position(peer)]->list.read() : nothing_;
}

// The edition is looked at after the list: who adopts writes them the other way round.
void TargetBoard::publish(PeerIndex peer, const BoardTargets& targets, std::optional<std::uint64_t> edition) {
  if (to_position(peer) >= seats_.size()) return;
  SharedSlot<BoardTargets>& list = seats_[to_position(peer)]->list;
  for (bool is_done = false; !is_done;) {
    const auto old = list.read();
    if (edition && *edition != this->edition()) return;
    auto merged = make_value<BoardTargets>();
    for (const auto& target : targets) {
      const auto known = std::ranges::find_if(*old, [&](const auto& one) { return is_same(*one, *target); });
      if (known != old->end()) share_facts(*target, **known);
      merged->push_back(target);
    }
    is_done = list.put_after(old, std::move(merged));
  }
  version_.fetch_add(1, std::memory_order_release);
}

void TargetBoard::note_failure(PeerIndex peer, const Endpoint& address, Transport transport) const noexcept {
  const auto targets = targets_of(peer);  // held while it is gone through
  for (const auto& target : *targets)
    if (target->address == address && target->transport == transport)
      target->failures.fetch_add(1, std::memory_order_relaxed);
}

bool TargetBoard::is_up(PeerIndex peer) const {
  const auto targets = targets_of(peer);
  return std::ranges::any_of(
      *targets, [](const auto& target) { return target->is_up.load(std::memory_order_relaxed); });
}

}  // namespace sallyport::policy
