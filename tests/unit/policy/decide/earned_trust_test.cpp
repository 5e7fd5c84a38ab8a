// earned_trust_test.cpp — which flows have proved themselves, and for how long.
#include "policy/decide/earned_trust.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace sallyport::policy {
namespace {

constexpr HashKey kKey{0x0123456789abcdef, 0xfedcba9876543210};
constexpr RealmIndex kRealm{1};
constexpr Timestamp kNow{1h};

Endpoint flow(std::uint32_t number, std::uint16_t port = 5060) {
  return {IpAddress::v4(0x0a000000 + number), port};
}
bool holds(const EarnedTrust& earned, const Endpoint& of, Timestamp now = kNow, RealmIndex realm = kRealm) {
  return earned.holds(earned.name_of(realm, of), now);
}

TEST(EarnedTrust, HoldsForTheFlowThatEarnedItAndItsAddress) {
  EarnedTrust earned(1000, kKey);
  EXPECT_TRUE(earned.is_empty());
  EXPECT_FALSE(holds(earned, flow(1)));
  earned.promote(kRealm, flow(1), kNow, kNow + 10s);
  EXPECT_FALSE(earned.is_empty());
  EXPECT_TRUE(holds(earned, flow(1)));
  EXPECT_TRUE(earned.holds_address(kRealm, flow(1).address, kNow));
  EXPECT_FALSE(holds(earned, flow(1, 5061))) << "another port of that address";
  EXPECT_FALSE(holds(earned, flow(2)));
  EXPECT_FALSE(holds(earned, flow(1), kNow, RealmIndex{2})) << "another realm";
  EXPECT_FALSE(earned.holds_address(RealmIndex{2}, flow(1).address, kNow));
  EXPECT_FALSE(earned.holds_address(kRealm, flow(2).address, kNow));
}

TEST(EarnedTrust, KnowsIpv6FlowsAndNotTheirNeighbours) {
  EarnedTrust earned(1000, kKey);
  const Endpoint phone{*IpAddress::parse("2001:db8::1"), 5060};
  earned.promote(kRealm, phone, kNow, kNow + 10s);
  EXPECT_TRUE(holds(earned, phone));
  EXPECT_FALSE(holds(earned, {*IpAddress::parse("2001:db8::2"), 5060})) << "of the same /64";
  EXPECT_TRUE(earned.holds_address(kRealm, *IpAddress::parse("2001:db8::2"), kNow)) << "the subscriber has";
  EXPECT_FALSE(earned.holds_address(kRealm, *IpAddress::parse("2001:db8:0:1::1"), kNow));
  EXPECT_FALSE(holds(earned, {*IpAddress::parse("::ffff:32.1.13.184"), 5060}));
}

TEST(EarnedTrust, EndsAtItsTime) {
  EarnedTrust earned(1000, kKey);
  earned.promote(kRealm, flow(1), kNow, kNow + 10s);
  EXPECT_TRUE(holds(earned, flow(1), kNow + 9s));
  EXPECT_FALSE(holds(earned, flow(1), kNow + 10s));
  EXPECT_FALSE(earned.holds_address(kRealm, flow(1).address, kNow + 10s));
}

TEST(EarnedTrust, IsProlongedAndNeverCutShortByAPromotion) {
  EarnedTrust earned(1000, kKey);
  earned.promote(kRealm, flow(1), kNow, kNow + 10s);
  earned.promote(kRealm, flow(1), kNow + 5s, kNow + 30s);
  earned.promote(kRealm, flow(1), kNow + 6s, kNow + 7s);
  EXPECT_TRUE(holds(earned, flow(1), kNow + 29s));
  EXPECT_FALSE(holds(earned, flow(1), kNow + 30s));
  earned.promote(kRealm, flow(2), kNow, kNow);
  earned.promote(kRealm, flow(2), kNow, kNow - 5s);
  EXPECT_FALSE(holds(earned, flow(2)));
}

TEST(EarnedTrust, ADemotionEndsTheFlowAndLeavesOthersAtItsAddress) {
  EarnedTrust earned(1000, kKey);
  earned.promote(kRealm, flow(1, 5060), kNow, kNow + 10s);
  earned.promote(kRealm, flow(1, 5062), kNow, kNow + 10s);
  earned.demote(kRealm, flow(1, 5060));
  earned.demote(kRealm, flow(7));
  EXPECT_FALSE(holds(earned, flow(1, 5060)));
  EXPECT_TRUE(holds(earned, flow(1, 5062)));
  EXPECT_TRUE(earned.holds_address(kRealm, flow(1).address, kNow));
  earned.promote(kRealm, flow(1, 5060), kNow, kNow + 5s);
  EXPECT_TRUE(holds(earned, flow(1, 5060), kNow + 4s));
  EXPECT_FALSE(holds(earned, flow(1, 5060), kNow + 5s)) << "not for as long as before";
}

TEST(EarnedTrust, HoldsItsCapacity) {
  constexpr std::uint32_t kFlows = 10000;
  EarnedTrust earned(kFlows, kKey);
  for (std::uint32_t i = 0; i < kFlows; ++i) earned.promote(kRealm, flow(i), kNow, kNow + 1h);
  std::uint32_t held = 0;
  for (std::uint32_t i = 0; i < kFlows; ++i) held += holds(earned, flow(i)) ? 1 : 0;
  EXPECT_GT(held, kFlows * 98 / 100);
  EXPECT_LE(earned.memory_bytes(), EarnedTrust::memory_for(kFlows));
  EXPECT_LE(earned.memory_bytes(), std::size_t{kFlows} * 64);
}

// What ends first goes, so ten times too many leave those that hold longest.
TEST(EarnedTrust, WhenItIsFullTheFlowsWhoseTrustEndsFirstGo) {
  constexpr std::uint32_t kRoom = 1024;
  EarnedTrust earned(kRoom, kKey);
  for (std::uint32_t i = 0; i < 200; ++i) earned.promote(kRealm, flow(i), kNow, kNow + 2h);
  for (std::uint32_t i = 1000; i < 1000 + 10 * kRoom; ++i) earned.promote(kRealm, flow(i), kNow, kNow + 1h);
  std::uint32_t held = 0, later = 0;
  for (std::uint32_t i = 0; i < 200; ++i) held += holds(earned, flow(i)) ? 1 : 0;
  for (std::uint32_t i = 1000; i < 1000 + 10 * kRoom; ++i) later += holds(earned, flow(i)) ? 1 : 0;
  EXPECT_EQ(held, 200u);
  EXPECT_GT(later, kRoom);
  EXPECT_LT(later, 5 * kRoom);
  // What has ended makes room, whatever else is there.
  for (std::uint32_t i = 50000; i < 50200; ++i) earned.promote(kRealm, flow(i), kNow + 90min, kNow + 100min);
  for (std::uint32_t i = 50000; i < 50200; ++i) EXPECT_TRUE(holds(earned, flow(i), kNow + 91min)) << i;
}

// Another flow is taken for a proved one with a chance of 2^-33 at most: 8 ways, 36 bits.
TEST(EarnedTrust, TakesNobodyForAnother) {
  EarnedTrust earned(1024, kKey);
  for (std::uint32_t i = 0; i < 4096; ++i) earned.promote(kRealm, flow(i), kNow, kNow + 1h);
  for (std::uint32_t i = 0; i < 2'000'000; ++i)
    ASSERT_FALSE(holds(earned, flow(1'000'000 + i, static_cast<std::uint16_t>(i)))) << i;
}

TEST(EarnedTrust, AnotherKeyNamesOtherPlaces) {
  const EarnedTrust one(1000, kKey), other(1000, HashKey{1, 2});
  EXPECT_NE(one.name_of(kRealm, flow(1)).hash, other.name_of(kRealm, flow(1)).hash);
}

// Seconds have 28 bits: eight years. After those nobody is promoted any more, and nobody holds for ever.
TEST(EarnedTrust, AClockFarAheadGivesNobodyTrust) {
  EarnedTrust earned(1000, kKey);
  const Timestamp last = Timestamp(std::chrono::seconds((1u << 28) - 1));
  earned.promote(kRealm, flow(1), last - 10s, last + 24h);
  EXPECT_TRUE(holds(earned, flow(1), last - 1s));
  EXPECT_FALSE(holds(earned, flow(1), last));
  EXPECT_FALSE(holds(earned, flow(1), last + 1000h));
  earned.promote(kRealm, flow(2), last + 1h, last + 2h);
  EXPECT_FALSE(holds(earned, flow(2), last + 1h));
}

TEST(EarnedTrust, TwoThreadsPromoteAndAThirdAsks) {
  constexpr std::uint32_t kFlows = 2000;
  EarnedTrust earned(8 * kFlows, kKey);
  const auto promote = [&earned] {
    for (std::uint32_t round = 0; round < 20; ++round)
      for (std::uint32_t i = 0; i < kFlows; ++i)
        earned.promote(kRealm, flow(i), kNow, kNow + 10s + std::chrono::seconds(round));
  };
  std::thread one(promote), other(promote);
  for (int round = 0; round < 20; ++round)
    for (std::uint32_t i = 0; i < kFlows; ++i) EXPECT_FALSE(holds(earned, flow(i, 9)));
  one.join();
  other.join();
  for (std::uint32_t i = 0; i < kFlows; ++i) {
    EXPECT_TRUE(holds(earned, flow(i), kNow + 28s)) << i;
    EXPECT_FALSE(holds(earned, flow(i), kNow + 29s)) << i;
    earned.demote(kRealm, flow(i));
    EXPECT_FALSE(holds(earned, flow(i))) << i;
  }
}

}  // namespace
}  // namespace sallyport::policy
