// peer_budget_test.cpp — what a configured peer may send is bounded by its own limits, and by nobody else's.
#include "policy/decide/peer_budget.h"

#include <gtest/gtest.h>

namespace sallyport::policy {
namespace {

constexpr Timestamp kNow{1h};
constexpr PeerIndex kFirst{0}, kSecond{1};

SbcConfig two_peers() {
  SbcConfig config;
  RealmConfig& realm = config.realms.emplace_back();
  realm.name = "outside";
  realm.limits = {10'000, {1000, 1s}};
  for (const char* const name : {"first", "second"}) {
    PeerConfig& peer = config.peers.emplace_back();
    peer.name = name;
    peer.realm = realm.name;
  }
  config.peers[1].limits_in = config.peers[1].limits_out = CallLimits{8, {1, 1s}};
  return config;
}

int admitted(PeerBudget& budget, PeerIndex peer, int asked, Timestamp now) {
  int count = 0;
  for (int i = 0; i < asked; ++i) count += budget.take(peer, now) ? 1 : 0;
  return count;
}

// 1000 for what belongs to no call, 20 for each new call a second, one in four seconds for each that is up.
// Asked for twice as much: too much, but no flood.
TEST(PeerBudget, IsWhatTheLimitsOfItsCallsCanNeed) {
  PeerBudget budget(two_peers());
  constexpr int kFirstMay = 1000 + 2 * (20 * 1000 + 10'000 / 4), kSecondMay = 1000 + 2 * (20 * 1 + 8 / 4);
  int first = 0, second = 0;
  for (int tenth = 1; tenth <= 100; ++tenth) {
    const Timestamp now = kNow + tenth * 10ms;
    first += admitted(budget, kFirst, kFirstMay * 2 / 100, now);
    second += admitted(budget, kSecond, kSecondMay * 2 / 100, now);
  }
  EXPECT_NEAR(first, kFirstMay + kFirstMay / 20, kFirstMay / 50);
  EXPECT_NEAR(second, kSecondMay + 500, kSecondMay / 50);
}

// What came at once filled the way to the signalling thread.
TEST(PeerBudget, AllowsATwentiethOfASecondAtOnce) {
  PeerBudget budget(two_peers());
  EXPECT_EQ(admitted(budget, kFirst, 4000, kNow), 46'000 / 20);
  EXPECT_EQ(admitted(budget, kSecond, 900, kNow), 500);
  EXPECT_EQ(admitted(budget, kFirst, 900, kNow + 10ms), 460);
  EXPECT_EQ(admitted(budget, kFirst, 4000, kNow + 1h), 46'000 / 20);
}

TEST(PeerBudget, OfOnePeerIsNotTakenByAnother) {
  PeerBudget budget(two_peers());
  (void)admitted(budget, kFirst, 100'000, kNow);
  EXPECT_TRUE(budget.take(kSecond, kNow));
}

TEST(PeerBudget, OfWhatShowsATokenIsApart) {
  PeerBudget budget(two_peers());
  (void)admitted(budget, kFirst, 100'000, kNow);
  int proved = 0;
  while (budget.take_proved(kFirst, kNow)) ++proved;
  EXPECT_EQ(proved, 46'000 / 20);
  EXPECT_FALSE(budget.take(kFirst, kNow));
}

// What is new has no budget while somebody floods in its name, and has it again two seconds after the last
// datagram that was too many.
TEST(PeerBudget, OfWhatIsNewIsNothingWhileThereIsAFlood) {
  PeerBudget budget(two_peers());
  int passed = 0;
  for (int tick = 0; tick < 1000; ++tick)
    passed += admitted(budget, kFirst, 300, kNow + tick * 1ms);  // 300,000 a second
  EXPECT_LE(passed, 2 * 46'000 / 20) << "what came before it was known for a flood";
  const Timestamp last = kNow + 999ms;
  EXPECT_TRUE(budget.is_flooded(kFirst, last));
  EXPECT_FALSE(budget.take(kFirst, last + 1900ms));
  EXPECT_FALSE(budget.is_flooded(kSecond, last));
  EXPECT_TRUE(budget.take(kSecond, last)) << "the other peer notices nothing";
  EXPECT_TRUE(budget.take(kFirst, last + 2s));
  EXPECT_FALSE(budget.is_flooded(kFirst, last + 2s));
}

TEST(PeerBudget, OfWhatHasComeBeforeIsAsLargeAndApart) {
  PeerBudget budget(two_peers());
  for (int tick = 0; tick < 100; ++tick) (void)admitted(budget, kFirst, 300, kNow + tick * 1ms);
  int again = 0, proved = 0;
  while (budget.take_again(kFirst, kNow + 100ms)) ++again;
  while (budget.take_proved(kFirst, kNow + 100ms)) ++proved;
  EXPECT_EQ(again, 46'000 / 20);
  EXPECT_EQ(proved, 46'000 / 20);
}

TEST(PeerBudget, SaysNothingOfWhoIsNoPeer) {
  PeerBudget budget(two_peers());
  EXPECT_EQ(admitted(budget, PeerIndex{2}, 100'000, kNow), 100'000);
  EXPECT_EQ(admitted(budget, PeerIndex::kNone, 100'000, kNow), 100'000);
  EXPECT_FALSE(budget.is_flooded(PeerIndex::kNone, kNow));
}

}  // namespace
}  // namespace sallyport::policy
