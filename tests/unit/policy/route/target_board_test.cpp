// target_board_test.cpp — what the board keeps when a list is published anew: RFC 3263 §4.3.
#include "policy/route/target_board.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace sallyport::policy
