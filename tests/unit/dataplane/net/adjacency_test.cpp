// adjacency_test.cpp — AdjacencyCache, state by state, in virtual time.
#include "dataplane/net/adjacency.h"

#include <gtest/gtest.h>

namespace sallyport::dataplane {
namespace {

constexpr PortIndex kPort{0}, kOtherPort{1};
constexpr MacAddress kMac{2, 0, 0, 0, 0, 1}, kNewMac{2, 0, 0, 0, 0, 2};
const IpAddress kDestination = IpAddress::v4(0xC6120102);

FromStream message(FromStream::Kind kind, const IpAddress& destination = kDestination,
                   PortIndex port = kPort) {
  FromStream result;
  result.kind = kind;
  result.port = port;
  result.destination = destination;
  return result;
}

FromStream next_hop(const MacAddress& mac, std::uint16_t mtu = 0,
                    const IpAddress& destination = kDestination) {
  FromStream result = message(FromStream::Kind::NextHop, destination);
  result.mac = mac;
  result.mtu = mtu;
  return result;
}

class AdjacencyCacheTest : public testing::Test {
 protected:
  NextHop look_up(PortIndex port = kPort) { return cache_.look_up(now_, port, kDestination); }
  void resolve() {
    static_cast<void>(look_up());
    cache_.on_message(now_, next_hop(kMac, 1400));
  }
  Timestamp now_{1h};
  AdjacencyCache cache_{4, 2, HashKey{1, 2}};
};

TEST_F(AdjacencyCacheTest, AsksOnceForAnUnknownDestinationAndHoldsItsPackets) {
  const NextHop first = look_up();
  EXPECT_EQ(first.verdict, NextHop::Verdict::Hold);
  EXPECT_TRUE(first.ask);
  now_ += 1ms;
  const NextHop second = look_up();
  EXPECT_EQ(second.verdict, NextHop::Verdict::Hold);
  EXPECT_FALSE(second.ask);
}

TEST_F(AdjacencyCacheTest, AsksAgainByTimeWhenAQuestionWasLost) {
  static_cast<void>(look_up());
  now_ += AdjacencyCache::kAskAgainAfter - 1ns;
  EXPECT_FALSE(look_up().ask);
  now_ += 1ns;
  EXPECT_TRUE(look_up().ask);
  EXPECT_FALSE(look_up().ask);
}

TEST_F(AdjacencyCacheTest, SendsToTheMacOfTheAnswer) {
  resolve();
  const NextHop hop = look_up();
  EXPECT_EQ(hop.verdict, NextHop::Verdict::Send);
  EXPECT_EQ(hop.mac, kMac);
  EXPECT_EQ(hop.mtu, 1400);
  EXPECT_FALSE(hop.ask);
}

TEST_F(AdjacencyCacheTest, KeepsPortsApart) {
  resolve();
  EXPECT_EQ(look_up(kOtherPort).verdict, NextHop::Verdict::Hold);
}

TEST_F(AdjacencyCacheTest, RefreshesAKnownNextHopNowAndThenWhileUsingIt) {
  resolve();
  now_ += AdjacencyCache::kRefreshAfter;
  const NextHop hop = look_up();
  EXPECT_EQ(hop.verdict, NextHop::Verdict::Send);
  EXPECT_TRUE(hop.ask);
  EXPECT_FALSE(look_up().ask);
  cache_.on_message(now_, next_hop(kMac));
  now_ += AdjacencyCache::kAskAgainAfter;
  EXPECT_FALSE(look_up().ask);
}

TEST_F(AdjacencyCacheTest, FollowsANeighbourThatMoved) {
  resolve();
  cache_.on_message(now_, next_hop(kNewMac));
  EXPECT_EQ(look_up().mac, kNewMac);
}

TEST_F(AdjacencyCacheTest, RemembersForAMomentThatThereIsNoRouteAndThenAsksAgain) {
  static_cast<void>(look_up());
  cache_.on_message(now_, message(FromStream::Kind::NoRoute));
  now_ += AdjacencyCache::kNegativeFor - 1ns;
  EXPECT_EQ(look_up().verdict, NextHop::Verdict::NoRoute);
  EXPECT_FALSE(look_up().ask);
  now_ += 1ns;
  const NextHop again = look_up();
  EXPECT_EQ(again.verdict, NextHop::Verdict::Hold);
  EXPECT_TRUE(again.ask);
}

TEST_F(AdjacencyCacheTest, RemembersForAMomentThatTheNeighbourDoesNotAnswer) {
  resolve();
  cache_.on_message(now_, message(FromStream::Kind::NoNeighbour));
  EXPECT_EQ(look_up().verdict, NextHop::Verdict::NoNeighbour);
  now_ += AdjacencyCache::kNegativeFor;
  EXPECT_EQ(look_up().verdict, NextHop::Verdict::Hold);
}

TEST_F(AdjacencyCacheTest, UsesTheOldMacAfterAChangeUntilTheAnswerComes) {
  resolve();
  now_ += 1s;
  cache_.on_message(now_, message(FromStream::Kind::Changed));
  const NextHop hop = look_up();
  EXPECT_EQ(hop.verdict, NextHop::Verdict::Send);
  EXPECT_EQ(hop.mac, kMac);
  EXPECT_TRUE(hop.ask);
  cache_.on_message(now_, next_hop(kNewMac));
  now_ += AdjacencyCache::kAskAgainAfter;
  EXPECT_EQ(look_up().mac, kNewMac);
  EXPECT_FALSE(look_up().ask);
}

TEST_F(AdjacencyCacheTest, AsksAgainAtOnceForAnUnreachableDestinationAfterAChange) {
  static_cast<void>(look_up());
  cache_.on_message(now_, message(FromStream::Kind::NoRoute));
  cache_.on_message(now_, message(FromStream::Kind::Changed));
  const NextHop hop = look_up();
  EXPECT_EQ(hop.verdict, NextHop::Verdict::Hold);
  EXPECT_TRUE(hop.ask);
}

TEST_F(AdjacencyCacheTest, LeavesOtherPortsAloneWhenOneChanges) {
  resolve();
  now_ += 1s;
  cache_.on_message(now_, message(FromStream::Kind::Changed, {}, kOtherPort));
  EXPECT_FALSE(look_up().ask);
}

TEST_F(AdjacencyCacheTest, IgnoresAnswersToWhatItDidNotAskAndUnknownPorts) {
  cache_.on_message(now_, next_hop(kMac));
  EXPECT_EQ(cache_.size(), 0u);
  cache_.on_message(now_, message(FromStream::Kind::Changed, {}, PortIndex::kNone));
  EXPECT_EQ(look_up().verdict, NextHop::Verdict::Hold);
}

TEST_F(AdjacencyCacheTest, MakesRoomByForgettingWhatWasNotUsedForLongest) {
  resolve();
  for (std::uint32_t i = 0; i < 3; ++i) {
    now_ += 1s;
    static_cast<void>(cache_.look_up(now_, kPort, IpAddress::v4(0x0A000001 + i)));
  }
  now_ += 1s;
  EXPECT_EQ(look_up().verdict, NextHop::Verdict::Send);  // used again: now 10.0.0.1 is the oldest
  now_ += 1s;
  static_cast<void>(cache_.look_up(now_, kPort, IpAddress::v4(0x0A000099)));
  EXPECT_EQ(cache_.size(), cache_.capacity());
  EXPECT_EQ(look_up().verdict, NextHop::Verdict::Send);
  cache_.on_message(now_, next_hop(kMac, 0, IpAddress::v4(0x0A000001)));
  EXPECT_EQ(cache_.look_up(now_, kPort, IpAddress::v4(0x0A000001)).verdict, NextHop::Verdict::Hold);
}

}  // namespace
}  // namespace sallyport::dataplane
