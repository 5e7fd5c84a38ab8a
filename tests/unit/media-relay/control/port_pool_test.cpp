// port_pool_test.cpp — pairs of ports: unique, in one slice, at random, within the range (threats M9).
#include "media-relay/control/port_pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <thread>
#include <vector>

namespace sallyport::media {
namespace {

constexpr RealmIndex kOutside{0}, kInside{1};
const IpAddress kOutsideAddress = *IpAddress::parse("198.51.100.1");
const IpAddress kInsideAddress = *IpAddress::parse("10.0.0.1");

SbcConfig two_realms(PortRange range) {
  SbcConfig config;
  config.realms.resize(2);
  config.realms[0].media.addresses = {*IpAddress::parse("2001:db8::1"), kOutsideAddress};
  config.realms[1].media.addresses = {kInsideAddress};
  for (RealmConfig& realm : config.realms) realm.media.ports = range;
  return config;
}

class PortPoolTest : public testing::Test {
 protected:
  std::optional<StreamPorts> take() { return pool.take(kOutside, kOutsideAddress, kInside, kInsideAddress); }
  std::vector<StreamPorts> take_all() {
    std::vector<StreamPorts> all;
    while (const auto ports = take()) all.push_back(*ports);
    return all;
  }
  void give_back(const StreamPorts& ports) {
    pool.give_back(kOutside, ports.caller);
    pool.give_back(kInside, ports.callee);
  }
  static constexpr PortRange kRange{20000, 20999};
  PortPool pool{two_realms(kRange), HashKey{1, 2}};
};

TEST_F(PortPoolTest, GivesEvenPortsOfTheRangeInOneSlice) {
  for (const StreamPorts& ports : take_all()) {
    for (const Endpoint& end : {ports.caller, ports.callee}) {
      EXPECT_EQ(end.port % 2, 0);
      EXPECT_GE(end.port, kRange.first);
      EXPECT_LT(end.port, kRange.last);
    }
    EXPECT_EQ(slice_of(ports.caller.port), slice_of(ports.callee.port));
    EXPECT_EQ(ports.caller.address, kOutsideAddress);
    EXPECT_EQ(ports.callee.address, kInsideAddress);
    for (const std::size_t lcores : {1, 2, 3, 7})
      EXPECT_EQ(lcore_of(ports.caller.port, lcores),
                lcore_of(static_cast<std::uint16_t>(ports.callee.port + 1), lcores));
  }
}

TEST_F(PortPoolTest, KnowsWhichPortsAreTakenAndInWhichRealm) {
  const auto ports = take();
  ASSERT_TRUE(ports);
  const Endpoint rtcp{ports->caller.address, static_cast<std::uint16_t>(ports->caller.port + 1)};
  const Endpoint next{ports->caller.address, static_cast<std::uint16_t>(ports->caller.port + 2)};
  EXPECT_TRUE(pool.is_taken(kOutside, ports->caller));
  EXPECT_TRUE(pool.is_taken(kOutside, rtcp));
  EXPECT_TRUE(pool.is_taken(kInside, ports->callee));
  EXPECT_FALSE(pool.is_taken(kOutside, next));
  EXPECT_FALSE(pool.is_taken(kInside, ports->caller)) << "an address of the other realm";
  for (const std::uint16_t port : std::vector<std::uint16_t>{0, 1, 19998, 19999, 21000, 65535})
    EXPECT_FALSE(pool.is_taken(kOutside, {kOutsideAddress, port})) << port;
  give_back(*ports);
  EXPECT_FALSE(pool.is_taken(kOutside, ports->caller));
}

TEST_F(PortPoolTest, GivesEveryPairOnceAndThenNone) {
  std::set<std::uint16_t> caller, callee;
  for (const StreamPorts& ports : take_all()) {
    EXPECT_TRUE(caller.insert(ports.caller.port).second);
    EXPECT_TRUE(callee.insert(ports.callee.port).second);
  }
  EXPECT_EQ(caller.size(), 500u);
  EXPECT_EQ(callee.size(), 500u);
  EXPECT_FALSE(take());
  EXPECT_EQ(pool.use(kOutside).taken, 500u);
  EXPECT_EQ(pool.use(kOutside).capacity, 1000u);  // the IPv6 address has its own
  EXPECT_EQ(pool.use(kInside).taken, pool.use(kInside).capacity);
}

TEST_F(PortPoolTest, TakesNothingOfOneSideWhenTheOtherIsFull) {
  const std::vector<StreamPorts> all = take_all();
  for (const StreamPorts& ports : all) pool.give_back(kOutside, ports.caller);
  EXPECT_FALSE(take());
  EXPECT_EQ(pool.use(kOutside).taken, 0u);
}

TEST_F(PortPoolTest, GivesPortsInAnOrderThatNobodyForesees) {
  std::vector<std::uint16_t> first, second;
  PortPool another(two_realms(kRange), HashKey{3, 4});
  int steps_of_two = 0;
  for (int i = 0; i < 100; ++i) {
    first.push_back(take()->caller.port);
    second.push_back(another.take(kOutside, kOutsideAddress, kInside, kInsideAddress)->caller.port);
    steps_of_two += i > 0 && first[first.size() - 1] - first[first.size() - 2] == 2;
  }
  EXPECT_NE(first, second);
  EXPECT_LT(steps_of_two, 5);
}

TEST_F(PortPoolTest, GivesOutAgainWhatCameBack) {
  const std::vector<StreamPorts> all = take_all();
  give_back(all[17]);
  const auto again = take();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->caller, all[17].caller);
  EXPECT_EQ(again->callee, all[17].callee);
}

TEST_F(PortPoolTest, APortGivenBackTwiceIsCountedOnce) {
  const auto ports = take();
  give_back(*ports);
  give_back(*ports);
  EXPECT_EQ(pool.use(kOutside).taken, 0u);
  EXPECT_EQ(take_all().size(), 500u);
}

// A port beside the range that shares a word with it must not become one that is given out.
TEST_F(PortPoolTest, APortThatIsNotOursDoesNotBecomeOursByGivingItBack) {
  for (unsigned port = 0; port < 65536; ++port) {
    pool.give_back(kOutside, {kOutsideAddress, static_cast<std::uint16_t>(port)});
    pool.give_back(kInside, {kInsideAddress, static_cast<std::uint16_t>(port)});
  }
  pool.give_back(RealmIndex{9}, {kOutsideAddress, 20000});
  pool.give_back(kInside, {kOutsideAddress, 20000});
  EXPECT_EQ(pool.use(kOutside).taken, 0u);
  const std::vector<StreamPorts> all = take_all();
  EXPECT_EQ(all.size(), 500u);
  for (const StreamPorts& ports : all) {
    EXPECT_GE(ports.caller.port, kRange.first);
    EXPECT_LT(ports.callee.port, kRange.last);
  }
}

TEST_F(PortPoolTest, TakesTheSamePortsAgainAfterARestartUnlessTheyAreNotFree) {
  const auto ports = take();
  PortPool next(two_realms(kRange), HashKey{9, 9});
  EXPECT_TRUE(next.take_again(kOutside, kInside, *ports));
  EXPECT_FALSE(next.take_again(kOutside, kInside, *ports));
  EXPECT_EQ(next.use(kOutside).taken, 1u);
  EXPECT_EQ(next.use(kInside).taken, 1u);
}

TEST_F(PortPoolTest, TakesNothingAgainThatIsNotOurs) {
  const Endpoint ours{kOutsideAddress, 20000};
  EXPECT_FALSE(pool.take_again(kOutside, kInside, {ours, {kInsideAddress, 21000}}));
  EXPECT_FALSE(pool.take_again(kOutside, kInside, {ours, {kInsideAddress, 20002}}));
  EXPECT_FALSE(pool.take_again(kOutside, kInside, {ours, {kInsideAddress, 20001}}));
  EXPECT_FALSE(pool.take_again(kOutside, kInside, {ours, {kOutsideAddress, 20128}}));
  EXPECT_FALSE(pool.take_again(kOutside, RealmIndex{5}, {ours, {kInsideAddress, 20000}}));
  EXPECT_EQ(pool.use(kOutside).taken, 0u);
  EXPECT_TRUE(pool.take_again(kOutside, kInside, {ours, {kInsideAddress, 20128}}));
}

TEST_F(PortPoolTest, JoinsTwoPartiesOfOneRealmByTwoPairs) {
  std::set<std::uint16_t> used;
  while (const auto ports = pool.take(kInside, kInsideAddress, kInside, kInsideAddress)) {
    EXPECT_EQ(slice_of(ports->caller.port), slice_of(ports->callee.port));
    EXPECT_TRUE(used.insert(ports->caller.port).second);
    EXPECT_TRUE(used.insert(ports->callee.port).second);
  }
  // A slice with an odd number of pairs keeps one.
  EXPECT_GE(used.size(), 500u - kSlices);
  EXPECT_EQ(pool.use(kInside).taken, used.size());
}

TEST_F(PortPoolTest, KnowsItsAddressesByFamily) {
  EXPECT_EQ(pool.address_of(kOutside, true), kOutsideAddress);
  EXPECT_EQ(pool.address_of(kOutside, false), *IpAddress::parse("2001:db8::1"));
  EXPECT_EQ(pool.address_of(kInside, false), std::nullopt);
  EXPECT_EQ(pool.address_of(RealmIndex{5}, true), std::nullopt);
}

TEST(PortPool, TellsOfTheAddressThatHasTheLeastRoomLeft) {
  SbcConfig config;
  config.realms.resize(1);
  config.realms[0].media.addresses = {*IpAddress::parse("198.51.100.1"), *IpAddress::parse("2001:db8::1")};
  config.realms[0].media.ports = {20000, 20255};
  PortPool pool(config, HashKey{3, 4});
  const IpAddress v4 = config.realms[0].media.addresses[0];
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(pool.take(RealmIndex{0}, v4, RealmIndex{0}, v4));
  EXPECT_EQ(pool.use(RealmIndex{0}).taken, 100u);
  EXPECT_EQ(pool.use(RealmIndex{0}).capacity, 256u);
  EXPECT_EQ(pool.fullest(RealmIndex{0}).taken, 100u);
  EXPECT_EQ(pool.fullest(RealmIndex{0}).capacity, 128u);
}

TEST(PortPool, HoldsExactlyThePairsThatLieWithinTheRange) {
  const auto capacity = [](PortRange range) {
    const PortPool pool(two_realms(range), HashKey{1, 2});
    return pool.use(kInside).capacity;
  };
  EXPECT_EQ(capacity({20000, 20001}), 1u);
  EXPECT_EQ(capacity({20001, 20002}), 0u);
  EXPECT_EQ(capacity({20001, 20003}), 1u);
  EXPECT_EQ(capacity({20000, 20002}), 1u);
  EXPECT_EQ(capacity({20000, 20000}), 0u);
  EXPECT_EQ(capacity({1024, 65535}), 32256u);
}

TEST(PortPool, OpensNeverMoreStreamsThanItSays) {
  PortPool pool(two_realms({20000, 20099}), HashKey{1, 2});
  std::uint32_t streams = 0;
  while (pool.take(kOutside, kOutsideAddress, kInside, kInsideAddress)) ++streams;
  EXPECT_EQ(streams, 50u);
  EXPECT_GE(pool.streams_max(), streams);
}

TEST_F(PortPoolTest, TakesFromAnotherRangeOnceThatIsConfiguredAndTakesBackWhatWasGivenBefore) {
  const auto before = *take();
  SbcConfig next = two_realms({30000, 30999});
  next.realms[0].media.addresses = {kOutsideAddress};
  pool.adopt(next);
  const auto after = *take();
  EXPECT_GE(after.caller.port, 30000);
  EXPECT_GE(after.callee.port, 30000);
  EXPECT_EQ(pool.address_of(kOutside, false), std::nullopt);
  EXPECT_TRUE(pool.is_taken(kOutside, before.caller));
  EXPECT_TRUE(pool.has_taken(kOutsideAddress, kRange));
  EXPECT_EQ(pool.use(kInside).capacity, 500u);
  EXPECT_EQ(pool.use(kInside).taken, 2u);
  give_back(before);
  EXPECT_FALSE(pool.is_taken(kOutside, before.caller));
  EXPECT_FALSE(pool.has_taken(kOutsideAddress, kRange));
  EXPECT_EQ(pool.use(kInside).taken, 1u);
  EXPECT_FALSE(pool.take_again(kOutside, kInside, before)) << "they are not of today's range";
}

// Two realms on one port exchange their ranges: what one still has the other does not get.
TEST(PortPool, GivesNobodyAPairThatAnotherRealmStillHas) {
  SbcConfig config = two_realms({20000, 20127});
  config.realms[1].media.addresses = {kOutsideAddress};
  config.realms[1].media.ports = {30000, 30127};
  PortPool pool(config, HashKey{1, 2});
  std::vector<StreamPorts> held;
  while (const auto ports = pool.take(kOutside, kOutsideAddress, kInside, kOutsideAddress))
    held.push_back(*ports);
  ASSERT_EQ(held.size(), 64u);
  std::swap(config.realms[0].media.ports, config.realms[1].media.ports);
  pool.adopt(config);
  EXPECT_FALSE(pool.take(kOutside, kOutsideAddress, kInside, kOutsideAddress));
  pool.give_back(kOutside, held[0].caller);
  pool.give_back(kInside, held[0].callee);
  const auto again = pool.take(kOutside, kOutsideAddress, kInside, kOutsideAddress);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->caller, held[0].callee);
  EXPECT_EQ(again->callee, held[0].caller);
}

// The relays have room for as many streams as there were ports at the start.
TEST_F(PortPoolTest, GivesNoMorePairsThanTheFirstConfigurationHad) {
  pool.adopt(two_realms({20000, 39999}));
  EXPECT_EQ(pool.use(kInside).capacity, 10000u);
  // One address in IPv6 and one in IPv4 outside, one inside: 1500 pairs, two of them a stream.
  const std::size_t streams = take_all().size();
  EXPECT_GT(streams, 500u) << "what one range had before";
  EXPECT_LE(streams, 750u);
}

TEST(PortPool, GivesNothingOfARealmThatIsRetired) {
  SbcConfig config = two_realms({20000, 20999});
  PortPool pool(config, HashKey{1, 2});
  const auto held = *pool.take(kOutside, kOutsideAddress, kInside, kInsideAddress);
  config.realms[0].is_retired = true;
  pool.adopt(config);
  EXPECT_FALSE(pool.take(kOutside, kOutsideAddress, kInside, kInsideAddress));
  EXPECT_EQ(pool.address_of(kOutside, true), std::nullopt);
  pool.give_back(kOutside, held.caller);
  EXPECT_FALSE(pool.is_taken(kOutside, held.caller));
}

TEST_F(PortPoolTest, GivesNoPairTwiceToThreadsThatTakeAtTheSameTime) {
  constexpr std::size_t kThreads = 4;
  std::vector<std::vector<StreamPorts>> taken(kThreads);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < kThreads; ++i)
    threads.emplace_back([&, i] {
      for (int round = 0; round < 2000; ++round) {
        const auto ports = take();
        if (!ports) break;
        if (round % 3 != 0 && !taken[i].empty()) {  // an older one goes back, as when a call ends
          give_back(taken[i].front());
          taken[i].front() = *ports;
        } else {
          taken[i].push_back(*ports);
        }
      }
    });
  for (std::thread& thread : threads) thread.join();
  std::set<std::uint16_t> caller, callee;
  std::size_t count = 0;
  for (const auto& list : taken) {
    for (const StreamPorts& ports : list) {
      EXPECT_TRUE(caller.insert(ports.caller.port).second);
      EXPECT_TRUE(callee.insert(ports.callee.port).second);
      ++count;
    }
  }
  EXPECT_EQ(pool.use(kOutside).taken, count);
  EXPECT_EQ(pool.use(kInside).taken, count);
}

}  // namespace
}  // namespace sallyport::media
