// named_peers_watch_test.cpp — when those who judge sources hear that a name leads elsewhere.
#include "dataplane/stream/named_peers_watch.h"

#include <gtest/gtest.h>

#include "dataplane/worker/lcore_rules.h"

namespace sallyport::dataplane {
namespace {

SbcConfig with_named_peer() {
  SbcConfig config;
  config.realms.emplace_back().name = "outside";
  for (const char* name : {"by-address", "by-name"}) {
    PeerConfig& peer = config.peers.emplace_back();
    peer.name = name;
    peer.realm = "outside";
  }
  config.peers[0].targets.emplace_back().address = Endpoint{*IpAddress::parse("198.18.1.2"), 5060};
  config.peers[1].targets.emplace_back().domain = "sip.example.net";
  return config;
}

class NamedPeersWatchTest : public ::testing::Test {
 protected:
  void publish(std::vector<std::string_view> addresses) {
    policy::BoardTargets targets;
    for (const std::string_view address : addresses) {
      auto target = policy::board_target(config.peers[1], 0);
      target->address = {*IpAddress::parse(address), 5060};
      targets.push_back(std::move(target));
    }
    board.publish(PeerIndex{1}, targets);
  }
  void turn(Duration after = {}) {
    now += after;
    EXPECT_FALSE(watch.run_once(now));
  }

  SbcConfig config = with_named_peer();
  policy::TargetBoard board{config};
  Timestamp now{1h};
  int followed = 0;
  bool can_follow = true;
  NamedPeersWatch watch{board, [this](Timestamp) {
                          ++followed;
                          return can_follow;
                        }};
};

TEST_F(NamedPeersWatchTest, TellsOfEachChangeOnce) {
  watch.set_has_names(true);
  turn();
  EXPECT_EQ(followed, 1) << "what stands there at first";
  turn(NamedPeersWatch::kPause);
  EXPECT_EQ(followed, 1);
  publish({"192.0.2.7"});
  turn(NamedPeersWatch::kPause);
  turn(NamedPeersWatch::kPause);
  EXPECT_EQ(followed, 2);
}

TEST_F(NamedPeersWatchTest, TellsAtMostOnceASecondHoweverOftenDnsChangesItsMind) {
  watch.set_has_names(true);
  for (int i = 0; i < 100; ++i) {
    publish({i % 2 == 0 ? "192.0.2.7" : "192.0.2.8"});
    turn(50ms);
  }
  EXPECT_LE(followed, 6);
  EXPECT_GE(followed, 5);
}

TEST_F(NamedPeersWatchTest, TriesAgainWhatCouldNotBeFollowed) {
  watch.set_has_names(true);
  can_follow = false;
  turn();
  turn(NamedPeersWatch::kPause);
  EXPECT_EQ(followed, 2);
  can_follow = true;
  turn(NamedPeersWatch::kPause);
  turn(NamedPeersWatch::kPause);
  EXPECT_EQ(followed, 3);
}

TEST_F(NamedPeersWatchTest, CostsNothingWhereNobodyHasAName) {
  EXPECT_FALSE(watch.next_deadline());
  turn();
  EXPECT_EQ(followed, 0);
  watch.set_has_names(true);
  EXPECT_TRUE(watch.next_deadline());
  watch.begin_stop(now);
  EXPECT_FALSE(watch.next_deadline());
}

TEST_F(NamedPeersWatchTest, AddressesOfNamesAreThoseOfTheBoardEachOnceWithoutConfiguredOnes) {
  EXPECT_TRUE(has_names(config));
  EXPECT_TRUE(named_addresses(config, board).empty());
  publish({"192.0.2.7", "2001:db8::7", "192.0.2.7"});
  const std::vector<policy::NamedAddress> named = named_addresses(config, board);
  ASSERT_EQ(named.size(), 2U);
  EXPECT_EQ(named[0], (policy::NamedAddress{PeerIndex{1}, *IpAddress::parse("192.0.2.7")}));
  EXPECT_EQ(to_string(named[1].address), "2001:db8::7");
  config.peers[1].is_retired = true;
  EXPECT_FALSE(has_names(config));
  EXPECT_TRUE(named_addresses(config, board).empty());
}

}  // namespace
}  // namespace sallyport::dataplane
