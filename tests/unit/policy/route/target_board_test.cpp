// target_board_test.cpp — what the board keeps when a list is published anew: RFC 3263 §4.3.
#include "policy/route/target_board.h"

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace sallyport::policy {
namespace {

class TargetBoardTest : public ::testing::Test {
 protected:
  TargetBoardTest() {
    config.peers.resize(2);
    config.peers[0].targets.resize(2);
    config.peers[0].targets[0].address = parse_endpoint("203.0.113.1:5060", 0);
    config.peers[0].targets[1].domain = "sip.test";
    config.peers[0].targets[1].domain_port = 5070;
    config.peers[1].targets.resize(1);
    config.peers[1].targets[0].domain = "other.test";
  }
  std::shared_ptr<BoardTarget> named(std::string_view address, std::uint16_t weight = 0) {
    auto target = board_target(config.peers[0], 1);
    target->address = *parse_endpoint(address, 0);
    target->srv_weight = weight;
    return target;
  }
  SbcConfig config;
};

constexpr PeerIndex kPeer{0}, kOther{1};

TEST_F(TargetBoardTest, TargetsByAddressAreThereFromTheStartAndThoseByNameAreNot) {
  const TargetBoard board(config);
  ASSERT_EQ(board.targets_of(kPeer)->size(), 1u);
  EXPECT_EQ(board.targets_of(kPeer)->front()->host, "203.0.113.1:5060");
  EXPECT_TRUE(board.is_up(kPeer));
  EXPECT_TRUE(board.targets_of(kOther)->empty());
  EXPECT_FALSE(board.is_up(kOther));
}

TEST_F(TargetBoardTest, ANameKeepsItsConfiguredPortInWhatIsShown) {
  EXPECT_EQ(named("203.0.113.7:5070")->host, "sip.test:5070");
  EXPECT_EQ(board_target(config.peers[1], 0)->host, "other.test");
}

TEST_F(TargetBoardTest, WhatATargetCountsAndIsStaysWhenItsWeightChanges) {
  TargetBoard board(config);
  board.publish(kPeer, {named("203.0.113.7:5060", 1)});
  const auto before = board.targets_of(kPeer)->front();
  before->calls.fetch_add(3, std::memory_order_relaxed);
  before->is_up.store(false, std::memory_order_relaxed);
  board.publish(kPeer, {named("203.0.113.7:5060", 9), named("203.0.113.8:5060")});
  const auto after = board.targets_of(kPeer);
  EXPECT_EQ((*after)[0]->srv_weight, 9);
  EXPECT_EQ((*after)[0]->calls.load(std::memory_order_relaxed), 3u);
  EXPECT_FALSE((*after)[0]->is_up.load(std::memory_order_relaxed));
  EXPECT_EQ((*after)[1]->calls.load(std::memory_order_relaxed), 0u);
  EXPECT_TRUE((*after)[1]->is_up.load(std::memory_order_relaxed));
}

// A call that holds the old target ends after the new one was published.
TEST_F(TargetBoardTest, ACallIsCountedOffWhereverItWasCounted) {
  TargetBoard board(config);
  board.publish(kPeer, {named("203.0.113.7:5060", 1)});
  const auto before = board.targets_of(kPeer)->front();
  before->calls.fetch_add(1, std::memory_order_relaxed);
  board.publish(kPeer, {named("203.0.113.7:5060", 2)});
  before->calls.fetch_sub(1, std::memory_order_relaxed);
  EXPECT_EQ(board.targets_of(kPeer)->front()->calls.load(std::memory_order_relaxed), 0u);
}

TEST_F(TargetBoardTest, WhoeverHoldsAListMayGoOnUsingIt) {
  TargetBoard board(config);
  const auto held = board.targets_of(kPeer);
  board.publish(kPeer, {});
  EXPECT_EQ(held->size(), 1u);
  EXPECT_TRUE(board.targets_of(kPeer)->empty());
  EXPECT_FALSE(board.is_up(kPeer));
}

TEST_F(TargetBoardTest, EachPublishingHasANumberOfItsOwn) {
  TargetBoard board(config);
  const std::uint64_t before = board.version();
  EXPECT_NE(before, 0u);
  board.publish(kOther, {});
  EXPECT_GT(board.version(), before);
}

class TargetBoardReload : public TargetBoardTest {
 protected:
  TargetBoardReload() {
    config.peers[0].name = "carrier";
    config.peers[1].name = "other";
    config.peer_places = 4;
    board.emplace(config);
    board->publish(kPeer, {board_target(config.peers[0], 0), named("203.0.113.7:5070", 4)});
  }
  [[nodiscard]] std::vector<std::string> shown(PeerIndex peer = kPeer) const {
    std::vector<std::string> all;
    const auto targets = board->targets_of(peer);
    for (const auto& target : *targets)
      all.push_back(std::to_string(target->configured) + " " + to_string(target->address));
    return all;
  }
  using Shown = std::vector<std::string>;
  std::optional<TargetBoard> board;
};

TEST_F(TargetBoardReload, ATargetThatStaysKeepsWhatItCountsAndIsWhereverItStands) {
  const auto before = *board->targets_of(kPeer);
  for (const auto& target : before) {
    target->calls.fetch_add(2, std::memory_order_relaxed);
    target->failures.fetch_add(1, std::memory_order_relaxed);
    target->aside_until_ns.store(5, std::memory_order_relaxed);
    target->is_up.store(false, std::memory_order_relaxed);
  }
  std::swap(config.peers[0].targets[0], config.peers[0].targets[1]);
  config.peers[0].targets[0].weight = 9;
  board->adopt(config);
  EXPECT_EQ(shown(), (Shown{"0 203.0.113.7:5070", "1 203.0.113.1:5060"}));
  const auto after = *board->targets_of(kPeer);
  EXPECT_EQ(after[0]->weight, 9u);
  EXPECT_EQ(after[0]->srv_weight, 4);
  EXPECT_EQ(after[0]->host, "sip.test:5070");
  for (const auto& target : after) {
    EXPECT_EQ(target->calls.load(std::memory_order_relaxed), 2u);
    EXPECT_EQ(target->failures.load(std::memory_order_relaxed), 1u);
    EXPECT_EQ(target->aside_until_ns.load(std::memory_order_relaxed), 5);
    EXPECT_FALSE(target->is_up.load(std::memory_order_relaxed));
  }
  EXPECT_TRUE(is_same_target(*after[0], *before[1]));
  EXPECT_FALSE(is_same_target(*after[0], *before[0]));
  before[1]->calls.fetch_sub(2, std::memory_order_relaxed);
  EXPECT_EQ(after[0]->calls.load(std::memory_order_relaxed), 0u) << "counted off where it is counted now";
}

TEST_F(TargetBoardReload, ATargetThatWasTakenOutVanishesAndANewOneIsUp) {
  (*board->targets_of(kPeer))[0]->is_up.store(false, std::memory_order_relaxed);
  config.peers[0].targets[0].address = parse_endpoint("203.0.113.2:5060", 0);
  board->adopt(config);
  EXPECT_EQ(shown(), (Shown{"0 203.0.113.2:5060", "1 203.0.113.7:5070"}));
  EXPECT_TRUE((*board->targets_of(kPeer))[0]->is_up.load(std::memory_order_relaxed));
  config.peers[0].targets.erase(config.peers[0].targets.begin() + 1);
  board->adopt(config);
  EXPECT_EQ(shown(), Shown{"0 203.0.113.2:5060"});
}

TEST_F(TargetBoardReload, ANameOfAnotherPortOrAnotherTransportIsAskedForAnew) {
  config.peers[0].targets[1].domain_port = 5080;
  board->adopt(config);
  EXPECT_EQ(shown(), Shown{"0 203.0.113.1:5060"});
  const auto before = board->targets_of(kPeer)->front();
  config.peers[0].transport = Transport::Tcp;
  board->adopt(config);
  const auto after = board->targets_of(kPeer)->front();
  EXPECT_EQ(after->transport, Transport::Tcp);
  EXPECT_FALSE(is_same_target(*before, *after));
}

TEST_F(TargetBoardReload, ARetiredPeerHasNoTargetsAndAnotherOneInItsPlaceBeginsAnew) {
  const auto held = board->targets_of(kPeer);
  (*held)[0]->is_up.store(false, std::memory_order_relaxed);
  config.peers[0].is_retired = true;
  board->adopt(config);
  EXPECT_TRUE(board->targets_of(kPeer)->empty());
  EXPECT_FALSE(board->is_up(kPeer));
  EXPECT_EQ(held->size(), 2u);
  config.peers[0].is_retired = false;
  config.peers[0].name = "carrier-2";
  board->adopt(config);
  EXPECT_EQ(shown(), Shown{"0 203.0.113.1:5060"});
  EXPECT_TRUE(board->is_up(kPeer));
  config.peers[0].name = "carrier-3";
  (*board->targets_of(kPeer))[0]->calls.fetch_add(1, std::memory_order_relaxed);
  board->adopt(config);
  EXPECT_EQ((*board->targets_of(kPeer))[0]->calls.load(std::memory_order_relaxed), 0u);
}

TEST_F(TargetBoardReload, ANewPeerHasASeatAndFreePlacesAreEmpty) {
  config.peers.push_back(config.peers[0]);
  config.peers[2].name = "third";
  EXPECT_TRUE(board->targets_of(PeerIndex{2})->empty());
  board->adopt(config);
  EXPECT_EQ(shown(PeerIndex{2}), Shown{"0 203.0.113.1:5060"});
  for (const PeerIndex nobody : {PeerIndex{3}, PeerIndex{4}, PeerIndex::kNone}) {
    EXPECT_TRUE(board->targets_of(nobody)->empty());
    EXPECT_FALSE(board->is_up(nobody));
    board->note_failure(nobody, {}, Transport::Udp);
  }
  board->publish(PeerIndex{4}, *board->targets_of(kPeer));
  EXPECT_TRUE(board->targets_of(PeerIndex{4})->empty());
}

TEST_F(TargetBoardReload, WhatDidNotChangeIsTheSameListUnderANewVersion) {
  const auto list = board->targets_of(kPeer);
  const std::uint64_t version = board->version(), edition = board->edition();
  board->adopt(config);
  EXPECT_EQ(board->targets_of(kPeer), list);
  EXPECT_GT(board->version(), version);
  EXPECT_NE(board->edition(), edition);
}

// The engine that resolves names follows a reload a moment later than the board does.
TEST_F(TargetBoardReload, WhatIsPublishedForAnOlderConfigurationIsVoid) {
  const std::uint64_t before = board->edition();
  const BoardTargets old{named("203.0.113.9:5070")};
  config.peers[0].targets.pop_back();
  board->adopt(config);
  board->publish(kPeer, old, before);
  EXPECT_EQ(shown(), Shown{"0 203.0.113.1:5060"});
  board->publish(kPeer, {}, board->edition());
  EXPECT_TRUE(shown().empty());
}

TEST_F(TargetBoardReload, OthersReadAndPublishMeanwhile) {
  std::atomic<bool> is_over{false};
  std::thread reader([&] {
    while (!is_over.load()) {
      const auto targets = board->targets_of(kPeer);
      for (const auto& target : *targets) target->failures.fetch_add(1, std::memory_order_relaxed);
      board->note_failure(kPeer, *parse_endpoint("203.0.113.7:5070", 0), Transport::Udp);
    }
  });
  std::thread publisher([&] {
    const SbcConfig first = config;
    while (!is_over.load()) {
      auto target = board_target(first.peers[0], 1);
      target->address = *parse_endpoint("203.0.113.7:5070", 0);
      board->publish(kPeer, {target}, board->edition());
    }
  });
  SbcConfig next = config;
  for (unsigned round = 0; round < 500; ++round) {
    next.peers[0].targets[1].weight = round;
    next.peers[0].is_retired = round % 5 == 0;
    board->adopt(next);
  }
  is_over.store(true);
  reader.join();
  publisher.join();
  next.peers[0].is_retired = true;
  board->adopt(next);
  EXPECT_TRUE(shown().empty());
}

}  // namespace
}  // namespace sallyport::policy
