// named_sources_test.cpp — the addresses of names count as sources of their peer, in its realm only.
#include "sipalg/location/named_sources.h"

#include <gtest/gtest.h>

namespace sallyport::sip {
namespace {

class NamedSourcesTest : public ::testing::Test {
 protected:
  NamedSourcesTest() {
    config.realms.resize(2);
    config.realms[0].name = "outside";
    config.realms[1].name = "inside";
    config.peers.resize(3);
    for (PeerConfig& peer : config.peers) {
      peer.realm = "outside";
      peer.targets.resize(1);
      peer.targets[0].domain = "sip.test";
    }
    config.peers[2].realm = "inside";
  }
  void publish(policy::TargetBoard& board, std::uint16_t peer, std::vector<std::string_view> addresses) {
    policy::BoardTargets targets;
    for (const std::string_view address : addresses) {
      auto target = policy::board_target(config.peers[peer], 0);
      target->address = {*IpAddress::parse(address), 5060};
      targets.push_back(std::move(target));
    }
    board.publish(PeerIndex{peer}, targets);
  }
  static IpAddress ip(std::string_view text) { return *IpAddress::parse(text); }

  SbcConfig config;
  Timestamp now{std::chrono::hours(1)};
};

constexpr RealmIndex kOutside{0}, kInside{1};

TEST_F(NamedSourcesTest, AnAddressIsThePeersInItsRealmAlone) {
  policy::TargetBoard board(config);
  publish(board, 1, {"203.0.113.1", "2001:db9::1"});
  publish(board, 2, {"10.0.0.1"});
  NamedSources sources(config, board);
  EXPECT_EQ(sources.find(now, kOutside, ip("203.0.113.1")), PeerIndex{1});
  EXPECT_EQ(sources.find(now, kOutside, ip("2001:db9::1")), PeerIndex{1});
  EXPECT_EQ(sources.find(now, kInside, ip("203.0.113.1")), PeerIndex::kNone);
  EXPECT_EQ(sources.find(now, kInside, ip("10.0.0.1")), PeerIndex{2});
  EXPECT_EQ(sources.find(now, kOutside, ip("203.0.113.2")), PeerIndex::kNone);
}

TEST_F(NamedSourcesTest, OfTwoPeersTheFirstInTheConfigurationIsMeant) {
  policy::TargetBoard board(config);
  publish(board, 1, {"203.0.113.1"});
  publish(board, 0, {"203.0.113.1"});
  NamedSources sources(config, board);
  EXPECT_EQ(sources.find(now, kOutside, ip("203.0.113.1")), PeerIndex{0});
}

TEST_F(NamedSourcesTest, WhatIsPublishedIsKnownAfterAPause) {
  policy::TargetBoard board(config);
  NamedSources sources(config, board);
  EXPECT_EQ(sources.find(now, kOutside, ip("203.0.113.1")), PeerIndex::kNone);
  publish(board, 0, {"203.0.113.1"});
  now += NamedSources::kPause;
  EXPECT_EQ(sources.find(now, kOutside, ip("203.0.113.1")), PeerIndex{0});
  publish(board, 0, {});
  EXPECT_EQ(sources.find(now, kOutside, ip("203.0.113.1")), PeerIndex{0});
  now += NamedSources::kPause;
  EXPECT_EQ(sources.find(now, kOutside, ip("203.0.113.1")), PeerIndex::kNone);
}

TEST_F(NamedSourcesTest, ANewOneFollowsAnotherConfigurationAtOnce) {
  policy::TargetBoard board(config);
  publish(board, 0, {"203.0.113.1"});
  NamedSources sources(config, board);
  ASSERT_EQ(sources.find(now, kOutside, ip("203.0.113.1")), PeerIndex{0});
  SbcConfig next = config;
  next.peers[0].is_retired = true;
  board.adopt(next);
  sources = NamedSources(next, board);
  EXPECT_EQ(sources.find(now, kOutside, ip("203.0.113.1")), PeerIndex::kNone);
}

}  // namespace
}  // namespace sallyport::sip
