// target_order_test.cpp — in which order targets are tried: balance, SRV (RFC 2782), health, Retry-After.
#include "policy/route/target_order.h"

#include <gtest/gtest.h>

#include <map>

#include "policy/route/chance.h"

namespace sallyport::policy {
namespace {

constexpr Timestamp kNow{1000s};

struct TestTarget {
  std::uint16_t configured = 0;
  std::uint32_t weight = 1;
  std::uint16_t priority = 0, srv_weight = 0;
  std::uint32_t calls = 0;
  bool is_up = true;
};

BoardTargets board(const std::vector<TestTarget>& list) {
  BoardTargets targets;
  for (const TestTarget& one : list) {
    auto target = std::make_shared<BoardTarget>();
    target->configured = one.configured;
    target->weight = one.weight;
    target->priority = one.priority;
    target->srv_weight = one.srv_weight;
    target->calls.store(one.calls, std::memory_order_relaxed);
    target->is_up.store(one.is_up, std::memory_order_relaxed);
    target->host = "t" + std::to_string(one.configured) + ".example.net";
    target->address = {*IpAddress::parse("198.18.1." + std::to_string(targets.size() + 1)), 5060};
    targets.push_back(std::move(target));
  }
  return targets;
}

std::vector<int> order(const BoardTargets& targets, const TargetChoice& choice) {
  std::vector<int> positions;
  for (const std::uint16_t position : order_targets(targets, choice).order) positions.push_back(position);
  return positions;
}

std::vector<int> order(const BoardTargets& targets, Balance balance, std::uint64_t random = 1) {
  return order(targets, {balance, mixed(random, 77), random, kNow});
}

// How often each target is the first of a thousand calls.
std::map<int, int> firsts(const BoardTargets& targets, Balance balance) {
  std::map<int, int> count;
  for (std::uint64_t call = 1; call <= 1000; ++call)
    ++count[order(targets, balance, mixed(4711, call)).front()];
  return count;
}

using Order = std::vector<int>;

TEST(TargetOrder, FailoverKeepsTheOrderOfTheFile) {
  const BoardTargets targets = board({{.configured = 0}, {.configured = 1}, {.configured = 2}});
  for (std::uint64_t random = 0; random < 20; ++random)
    EXPECT_EQ(order(targets, Balance::Failover, random), (Order{0, 1, 2}));
}

// RFC 2782, RFC 3263 §4.2
TEST(TargetOrder, AddressesOfADomainGoByPriorityThenByWeight) {
  const BoardTargets targets = board({{.configured = 0, .priority = 20, .srv_weight = 1},
                                      {.configured = 0, .priority = 10, .srv_weight = 30},
                                      {.configured = 0, .priority = 10, .srv_weight = 10},
                                      {.configured = 1}});
  int heavy_first = 0;
  for (std::uint64_t call = 1; call <= 1000; ++call) {
    const Order tried = order(targets, Balance::Failover, mixed(5, call));
    EXPECT_EQ(tried[2], 0);
    EXPECT_EQ(tried[3], 3) << "the domain's addresses stay together";
    heavy_first += tried[0] == 1 ? 1 : 0;
  }
  EXPECT_NEAR(heavy_first, 750, 60);
}

TEST(TargetOrder, ASrvWeightOfZeroIsAVerySmallChance) {
  const auto count = firsts(board({{.srv_weight = 0}, {.srv_weight = 100}}), Balance::Failover);
  EXPECT_LT(count.contains(0) ? count.at(0) : 0, 5);
}

TEST(TargetOrder, WeightedGivesEachTargetItsShare) {
  const BoardTargets targets =
      board({{.configured = 0, .weight = 1}, {.configured = 1, .weight = 3}, {.configured = 2, .weight = 6}});
  const auto count = firsts(targets, Balance::Weighted);
  EXPECT_NEAR(count.at(0), 100, 45);
  EXPECT_NEAR(count.at(1), 300, 60);
  EXPECT_NEAR(count.at(2), 600, 60);
}

TEST(TargetOrder, ADomainWithManyAddressesHasTheShareOfOneTarget) {
  const BoardTargets targets =
      board({{.configured = 0}, {.configured = 0}, {.configured = 0}, {.configured = 1}});
  EXPECT_NEAR(firsts(targets, Balance::Weighted).at(3), 500, 60);
}

TEST(TargetOrder, HashIsStableAndSharesByWeight) {
  const BoardTargets targets =
      board({{.configured = 0, .weight = 1}, {.configured = 1, .weight = 1}, {.configured = 2, .weight = 2}});
  std::map<int, int> count;
  for (std::uint64_t key = 1; key <= 1000; ++key) {
    const Order first = order(targets, {Balance::Hash, mixed(9, key), 1, kNow});
    EXPECT_EQ(first, order(targets, {Balance::Hash, mixed(9, key), 2, kNow})) << "chance has no part in it";
    ++count[first.front()];
  }
  EXPECT_NEAR(count[0], 250, 60);
  EXPECT_NEAR(count[2], 500, 60);
}

TEST(TargetOrder, ALostTargetMovesOnlyItsOwnShareOfTheHash) {
  const BoardTargets all =
      board({{.configured = 0}, {.configured = 1}, {.configured = 2}, {.configured = 3}});
  const BoardTargets down =
      board({{.configured = 0}, {.configured = 1, .is_up = false}, {.configured = 2}, {.configured = 3}});
  const BoardTargets gone{all[0], all[2], all[3]};
  for (std::uint64_t key = 1; key <= 500; ++key) {
    const TargetChoice choice{Balance::Hash, mixed(3, key), 1, kNow};
    const Order before = order(all, choice);
    EXPECT_EQ(order(down, choice).front(), before[0] == 1 ? before[1] : before[0]);
    const std::uint16_t configured = gone[static_cast<std::size_t>(order(gone, choice).front())]->configured;
    EXPECT_EQ(configured, before[0] == 1 ? before[1] : before[0]);
  }
}

TEST(TargetOrder, LeastCallsLooksAtCallsForTheWeight) {
  const BoardTargets targets = board({{.configured = 0, .weight = 1, .calls = 10},
                                      {.configured = 1, .weight = 4, .calls = 20},
                                      {.configured = 2, .weight = 1, .calls = 7}});
  EXPECT_EQ(order(targets, Balance::LeastCalls), (Order{1, 2, 0}));
  targets[1]->calls.store(60, std::memory_order_relaxed);
  EXPECT_EQ(order(targets, Balance::LeastCalls), (Order{2, 0, 1}));
}

TEST(TargetOrder, LeastCallsBreaksTiesByChance) {
  const BoardTargets targets = board({{.configured = 0, .calls = 2}, {.configured = 1, .calls = 2}});
  EXPECT_NEAR(firsts(targets, Balance::LeastCalls)[0], 500, 60);
}

TEST(TargetOrder, LeastCallsCountsAllAddressesOfADomain) {
  const BoardTargets targets =
      board({{.configured = 0, .calls = 3}, {.configured = 0, .calls = 3}, {.configured = 1, .calls = 4}});
  EXPECT_EQ(order(targets, Balance::LeastCalls).front(), 2);
}

TEST(TargetOrder, TargetsThatAreDownGoLastWithEveryBalance) {
  for (const Balance balance : {Balance::Failover, Balance::Weighted, Balance::Hash, Balance::LeastCalls}) {
    const BoardTargets targets =
        board({{.configured = 0, .is_up = false}, {.configured = 1}, {.configured = 2, .is_up = false}});
    const TargetOrder tried = order_targets(targets, {balance, 1, 1, kNow});
    ASSERT_EQ(tried.order.size(), 3u);
    EXPECT_EQ(tried.usable, 1u);
    EXPECT_EQ(tried.order[0], 1);
  }
}

// RFC 3261 §21.5.4
TEST(TargetOrder, ATargetThatSaidRetryAfterIsLeftAloneForThatTime) {
  const BoardTargets targets = board({{.configured = 0}, {.configured = 1}});
  set_aside(*targets[0], 20s, kNow);
  EXPECT_EQ(order_targets(targets, {Balance::Failover, 1, 1, kNow + 19s}).order[0], 1);
  EXPECT_EQ(order_targets(targets, {Balance::Failover, 1, 1, kNow + 19s}).usable, 1u);
  EXPECT_EQ(order_targets(targets, {Balance::Failover, 1, 1, kNow + 20s}).order[0], 0);
}

TEST(TargetOrder, RetryAfterIsBounded) {
  const BoardTargets targets = board({{}});
  set_aside(*targets[0], std::chrono::seconds(0xffffffffu), kNow);
  EXPECT_FALSE(is_usable(*targets[0], kNow + 299s));
  EXPECT_TRUE(is_usable(*targets[0], kNow + 300s));
  set_aside(*targets[0], 0s, kNow);
  EXPECT_FALSE(is_usable(*targets[0], kNow));
  EXPECT_TRUE(is_usable(*targets[0], kNow + 1s));
}

TEST(TargetOrder, NoTargetsAndTooManyAreAnswersToo) {
  EXPECT_TRUE(order_targets({}, {}).order.empty());
  const BoardTargets many = board(std::vector<TestTarget>(kOrderedTargetsMax + 40));
  EXPECT_EQ(order_targets(many, {Balance::Weighted, 1, 1, kNow}).order.size(), kOrderedTargetsMax);
}

// ---- of a whole call ----

struct Peers {
  SbcConfig config;
  RouteDecision decision;
  Peers() {
    for (int peer = 0; peer < 2; ++peer) {
      PeerConfig& configured = config.peers.emplace_back();
      for (int i = 0; i < 2; ++i)
        configured.targets.emplace_back().address = {
            *IpAddress::parse("198.18." + std::to_string(peer) + "." + std::to_string(i + 1)), 5060};
      (void)decision.targets.push_back(PeerIndex{static_cast<std::uint16_t>(peer)});
    }
  }
  std::vector<std::string> chosen(const TargetBoard& board) const {
    std::vector<std::string> hosts;
    for (const ChosenTarget& one : choose_targets(decision, config, board, {.random = 1, .now = kNow}))
      hosts.push_back(one.target->host);
    return hosts;
  }
};
using Hosts = std::vector<std::string>;

TEST(ChosenTargets, PeersFollowEachOtherInTheOrderOfTheRoute) {
  const Peers peers;
  const TargetBoard board(peers.config);
  EXPECT_EQ(peers.chosen(board),
            (Hosts{"198.18.0.1:5060", "198.18.0.2:5060", "198.18.1.1:5060", "198.18.1.2:5060"}));
}

TEST(ChosenTargets, WhatIsDownIsNotTriedWhileAnotherPeerIsUp) {
  const Peers peers;
  const TargetBoard board(peers.config);
  const auto targets = board.targets_of(PeerIndex{0});
  for (const auto& target : *targets) target->is_up.store(false, std::memory_order_relaxed);
  EXPECT_EQ(peers.chosen(board), (Hosts{"198.18.1.1:5060", "198.18.1.2:5060"}));
}

TEST(ChosenTargets, WhatIsDownIsTheLastResortWhenNothingIsUp) {
  const Peers peers;
  const TargetBoard board(peers.config);
  for (const PeerIndex peer : {PeerIndex{0}, PeerIndex{1}}) {
    const auto listed = board.targets_of(peer);
    for (const auto& target : *listed) target->is_up.store(false, std::memory_order_relaxed);
  }
  EXPECT_EQ(peers.chosen(board).size(), 4u);
}

TEST(ChosenTargets, AnEmergencyTriesAllAndWhatIsUpFirst) {
  Peers peers;
  peers.decision.is_emergency = true;
  peers.decision.emergency_targets = 1;
  const TargetBoard board(peers.config);
  (*board.targets_of(PeerIndex{0}))[0]->is_up.store(false, std::memory_order_relaxed);
  EXPECT_EQ(peers.chosen(board),
            (Hosts{"198.18.0.2:5060", "198.18.1.1:5060", "198.18.1.2:5060", "198.18.0.1:5060"}));
  const auto chosen = choose_targets(peers.decision, peers.config, board, {.now = kNow});
  EXPECT_TRUE(chosen[0].is_emergency_target);
  EXPECT_FALSE(chosen[1].is_emergency_target);
  EXPECT_TRUE(chosen[3].is_emergency_target);
}

}  // namespace
}  // namespace sallyport::policy
