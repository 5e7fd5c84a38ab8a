// target_order.cpp — every target gets a rank, and one sort makes the order: RFC 2782, RFC 3263 §4.2.
#include "policy/route/target_order.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "policy/base/address_hash.h"
#include "policy/base/keyed_hash.h"
#include "policy/route/chance.h"

namespace sallyport::policy {
namespace {

double load_of(std::uint64_t calls, std::uint32_t weight) noexcept {
  return static_cast<double>(calls + 1) / share_of(weight);
}

struct Ranked {
  bool is_last_resort = false;
  double rank = 0;        // of the configured target that it belongs to
  std::uint64_t tie = 0;  // among configured targets of one rank
  std::uint16_t configured = 0;
  std::uint16_t priority = 0;  // SRV
  double rank_among_same = 0;  // among addresses of one priority
  std::uint16_t position = 0;
  [[nodiscard]] auto key() const noexcept {
    return std::tie(is_last_resort, rank, tie, configured, priority, rank_among_same, position);
  }
};

using Targets = std::span<const SharedValue<BoardTarget>>;

std::uint64_t calls_of(Targets targets, std::uint16_t configured) noexcept {
  std::uint64_t calls = 0;
  for (const auto& target : targets)
    if (target->configured == configured) calls += target->calls.load(std::memory_order_relaxed);
  return calls;
}

void rank_target(const BoardTarget& target, const TargetChoice& choice, Targets all,
                 Ranked& ranked) noexcept {
  const HashKey key{choice.key, 0x7461726765740000u};
  const std::uint64_t random = mixed(choice.random, ranked.position);
  ranked.rank_among_same = rank_of(target.srv_weight, random);
  switch (choice.balance) {
    case Balance::Failover:
      return;
    case Balance::Weighted:
      ranked.rank = rank_of(target.weight, mixed(~choice.random, target.configured));
      return;
    case Balance::Hash:
      ranked.rank = rank_of(target.weight, keyed_hash(key, std::string_view(target.host)));
      ranked.rank_among_same =
          rank_of(target.srv_weight, address_hash16(key, target.address.address, target.address.port));
      return;
    case Balance::LeastCalls:
      ranked.rank = load_of(calls_of(all, target.configured), target.weight);
      ranked.tie = mixed(~choice.random, target.configured);
      return;
  }
}

}  // namespace

TargetOrder order_targets(Targets targets, const TargetChoice& choice) noexcept {
  if (targets.size() == 1) {  // nearly every peer
    TargetOrder only;
    (void)only.order.push_back(0);
    only.usable = is_usable(*targets.front(), choice.now) ? 1 : 0;
    return only;
  }
  std::array<Ranked, kOrderedTargetsMax> ranked{};
  const Targets seen = targets.first(std::min(targets.size(), kOrderedTargetsMax));
  TargetOrder order;
  for (std::size_t i = 0; i < seen.size(); ++i) {
    const BoardTarget& target = *seen[i];
    ranked[i].position = static_cast<std::uint16_t>(i);
    ranked[i].configured = target.configured;
    ranked[i].priority = target.priority;
    ranked[i].is_last_resort = !is_usable(target, choice.now);
    rank_target(target, choice, seen, ranked[i]);
    if (!ranked[i].is_last_resort) ++order.usable;
  }
  const std::span<Ranked> all(ranked.data(), seen.size());
  std::sort(all.begin(), all.end(), [](const Ranked& a, const Ranked& b) { return a.key() < b.key(); });
  for (const Ranked& one : all) (void)order.order.push_back(one.position);
  return order;
}

std::vector<ChosenTarget> choose_targets(const RouteDecision& decision, const SbcConfig& config,
                                         const TargetBoard& board, TargetChoice choice) {
  std::vector<ChosenTarget> chosen, last_resort;
  constexpr std::size_t kUsual = 4;
  chosen.reserve(kUsual);
  const std::uint64_t random = choice.random;
  for (std::size_t i = 0; i < decision.targets.size(); ++i) {
    const PeerIndex peer = decision.targets[i];
    const bool is_emergency_target = i < decision.emergency_targets;
    if (config.peers[to_position(peer)].is_of_registrar()) {
      chosen.push_back({peer, is_emergency_target, nullptr});
      continue;
    }
    const auto targets = board.targets_of(peer);
    choice.balance = config.peers[to_position(peer)].balance;
    choice.random = mixed(random, to_position(peer));
    const TargetOrder order = order_targets(*targets, choice);
    for (std::size_t j = 0; j < order.order.size(); ++j)
      (j < order.usable ? chosen : last_resort)
          .push_back({peer, is_emergency_target, (*targets)[order.order[j]]});
  }
  if (chosen.empty() || decision.is_emergency)
    chosen.insert(chosen.end(), last_resort.begin(), last_resort.end());
  if (chosen.size() > kTargetsMax) chosen.resize(kTargetsMax);
  return chosen;
}

void set_aside(const BoardTarget& target, std::chrono::seconds retry_after, Timestamp now) noexcept {
  const auto wait = std::clamp(retry_after, std::chrono::seconds(1), std::chrono::seconds(300));
  target.aside_until_ns.store((now + wait).time_since_epoch().count(), std::memory_order_relaxed);
}

bool is_usable(const BoardTarget& target, Timestamp now) noexcept {
  return target.is_up.load(std::memory_order_relaxed) &&
         target.aside_until_ns.load(std::memory_order_relaxed) <= now.time_since_epoch().count();
}

}  // namespace sallyport::policy
