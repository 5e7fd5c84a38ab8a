// adjacency_resolver_test.cpp — AdjacencyResolver against a Linux that the test plays, in virtual time.
#include "dataplane/net/adjacency_resolver.h"

#include <gtest/gtest.h>

#include <map>
#include <utility>

namespace sallyport::dataplane {
namespace {

constexpr MacAddress kMac{2, 0, 0, 0, 0, 1}, kNewMac{2, 0, 0, 0, 0, 2};
const IpAddress kGateway = IpAddress::v4(0xC61201FE), kPeer = IpAddress::v4(0xC6120102),
                kFar = IpAddress::v4(0x08080808), kFar2 = IpAddress::v4(0x08080404);

struct PlayedLinux final : LinuxNeighbours {
  std::optional<RouteAnswer> route_to(const IpAddress& destination) override {
    const auto found = routes.find(destination);
    return found == routes.end() ? std::nullopt : std::optional(found->second);
  }
  std::optional<NeighbourMessage> neighbour(const IpAddress& address) override {
    const auto found = neighbours.find(address);
    return found == neighbours.end() ? std::nullopt : std::optional(found->second);
  }
  void use_neighbour(const IpAddress& address, bool keep) override { used.emplace_back(address, keep); }

  std::map<IpAddress, RouteAnswer> routes;
  std::map<IpAddress, NeighbourMessage> neighbours;
  std::vector<std::pair<IpAddress, bool>> used;
};

struct Heard final : NextHopAnswers {
  void answer(std::size_t lcore, const FromStream& message) override { all.emplace_back(lcore, message); }
  std::vector<std::pair<std::size_t, FromStream>> all;
};

NeighbourMessage neighbour(const IpAddress& address, std::uint16_t state, std::optional<MacAddress> mac) {
  NeighbourMessage message;
  message.address = address;
  message.state = state;
  message.mac = mac;
  return message;
}

class AdjacencyResolverTest : public testing::Test {
 protected:
  AdjacencyResolverTest() {
    linux_.routes[kPeer] = {kPeer, 0};
    linux_.routes[kFar] = {kGateway, 1400};
    linux_.routes[kFar2] = {kGateway, 0};
  }
  void set(const IpAddress& address, std::uint16_t state, std::optional<MacAddress> mac) {
    linux_.neighbours[address] = neighbour(address, state, mac);
  }
  // Linux changes its mind and says so.
  void happen(const IpAddress& address, std::uint16_t state, std::optional<MacAddress> mac) {
    set(address, state, mac);
    resolver_.on_neighbour(now_, linux_.neighbours[address]);
  }
  std::vector<std::pair<std::size_t, FromStream>> heard() { return std::exchange(heard_.all, {}); }

  Timestamp now_{1h};
  PlayedLinux linux_;
  Heard heard_;
  AdjacencyResolver resolver_{
      {.port = PortIndex{1}, .capacity = 256, .lcores = 2, .key = {}}, linux_, heard_};
};

TEST_F(AdjacencyResolverTest, KeepsTheNextHopsOfThePeersOfTheDayAndLetsTheOthersGo) {
  resolver_.keep_fresh(now_, kPeer);
  resolver_.keep_fresh(now_, kFar);
  linux_.used.clear();
  resolver_.keep_fresh_only(now_, {kPeer, kFar});
  EXPECT_TRUE(linux_.used.empty()) << "nothing has changed";
  resolver_.keep_fresh_only(now_, {kFar2});
  EXPECT_EQ(linux_.used, (std::vector{std::pair(kGateway, true), std::pair(kPeer, false)}));
  linux_.used.clear();
  resolver_.on_routes_changed(now_);
  EXPECT_EQ(linux_.used, (std::vector{std::pair(kGateway, true)}));
}

TEST_F(AdjacencyResolverTest, AnswersNoRouteAtOnce) {
  resolver_.on_question(now_, 1, IpAddress::v4(0x01010101));
  const auto answers = heard();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].first, 1u);
  EXPECT_EQ(answers[0].second.kind, FromStream::Kind::NoRoute);
  EXPECT_EQ(answers[0].second.port, PortIndex{1});
}

TEST_F(AdjacencyResolverTest, AnswersFromAFreshNeighbourWithoutTroublingLinux) {
  set(kGateway, NUD_REACHABLE, kMac);
  resolver_.on_question(now_, 0, kFar);
  const auto answers = heard();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].second.kind, FromStream::Kind::NextHop);
  EXPECT_EQ(answers[0].second.destination, kFar);
  EXPECT_EQ(answers[0].second.mac, kMac);
  EXPECT_EQ(answers[0].second.mtu, 1400);
  EXPECT_TRUE(linux_.used.empty());
}

TEST_F(AdjacencyResolverTest, AnswersFromAStaleNeighbourAndHasItVerified) {
  set(kPeer, NUD_STALE, kMac);
  resolver_.on_question(now_, 0, kPeer);
  EXPECT_EQ(heard().size(), 1u);
  EXPECT_EQ(linux_.used, (std::vector{std::pair(kPeer, false)}));
}

TEST_F(AdjacencyResolverTest, HasAnUnknownNeighbourResolvedAndAnswersWhenItComes) {
  resolver_.on_question(now_, 0, kPeer);
  EXPECT_TRUE(heard().empty());
  EXPECT_EQ(linux_.used.size(), 1u);
  happen(kPeer, NUD_INCOMPLETE, std::nullopt);
  EXPECT_TRUE(heard().empty());
  happen(kPeer, NUD_REACHABLE, kMac);
  const auto answers = heard();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].second.mac, kMac);
  EXPECT_FALSE(resolver_.next_deadline() && *resolver_.next_deadline() <= now_);
}

TEST_F(AdjacencyResolverTest, AsksLinuxOnceForAllWhoWaitAndAnswersEachOfThem) {
  resolver_.on_question(now_, 0, kFar);
  resolver_.on_question(now_, 1, kFar);
  resolver_.on_question(now_, 1, kFar2);
  EXPECT_EQ(linux_.used.size(), 1u);
  happen(kGateway, NUD_REACHABLE, kMac);
  EXPECT_EQ(heard().size(), 3u);
}

TEST_F(AdjacencyResolverTest, SaysNoNeighbourWhenLinuxGivesUp) {
  resolver_.on_question(now_, 0, kPeer);
  happen(kPeer, NUD_FAILED, std::nullopt);
  const auto answers = heard();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].second.kind, FromStream::Kind::NoNeighbour);
}

TEST_F(AdjacencyResolverTest, SaysNoNeighbourByTimeWhenLinuxSaysNothing) {
  resolver_.on_question(now_, 0, kPeer);
  ASSERT_TRUE(resolver_.next_deadline());
  now_ = *resolver_.next_deadline() - 1ns;
  resolver_.on_deadline(now_);
  EXPECT_TRUE(heard().empty());
  resolver_.on_deadline(now_ += 1ns);
  const auto answers = heard();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].second.kind, FromStream::Kind::NoNeighbour);
  EXPECT_FALSE(resolver_.next_deadline());
}

TEST_F(AdjacencyResolverTest, TriesANeighbourAnewThatFailedBefore) {
  set(kPeer, NUD_FAILED, std::nullopt);
  resolver_.on_question(now_, 0, kPeer);
  EXPECT_TRUE(heard().empty());
  EXPECT_EQ(linux_.used.size(), 1u);
}

TEST_F(AdjacencyResolverTest, TellsAllWhoAskedWhenTheNeighbourMoves) {
  set(kGateway, NUD_REACHABLE, kMac);
  resolver_.on_question(now_, 0, kFar);
  resolver_.on_question(now_, 1, kFar2);
  heard();
  happen(kGateway, NUD_REACHABLE, kNewMac);
  const auto answers = heard();
  ASSERT_EQ(answers.size(), 2u);
  for (const auto& [lcore, message] : answers) EXPECT_EQ(message.mac, kNewMac);
}

TEST_F(AdjacencyResolverTest, TellsNobodyWhenANeighbourWasOnlyVerified) {
  set(kPeer, NUD_STALE, kMac);
  resolver_.on_question(now_, 0, kPeer);
  heard();
  happen(kPeer, NUD_REACHABLE, kMac);
  EXPECT_TRUE(heard().empty());
}

TEST_F(AdjacencyResolverTest, TellsAllWhoAskedWhenTheNeighbourGoes) {
  set(kGateway, NUD_REACHABLE, kMac);
  resolver_.on_question(now_, 0, kFar);
  heard();
  happen(kGateway, NUD_FAILED, std::nullopt);
  const auto answers = heard();
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].second.kind, FromStream::Kind::NoNeighbour);
}

TEST_F(AdjacencyResolverTest, MakesLcoresAskAgainWhenAnEntryIsDeleted) {
  set(kPeer, NUD_REACHABLE, kMac);
  resolver_.on_question(now_, 0, kPeer);
  heard();
  NeighbourMessage gone = neighbour(kPeer, NUD_REACHABLE, kMac);
  gone.is_deletion = true;
  linux_.neighbours.clear();
  resolver_.on_neighbour(now_, gone);
  const auto answers = heard();
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(answers[0].second.kind, FromStream::Kind::Changed);
  EXPECT_TRUE(linux_.used.empty());  // nobody has asked for it yet
}

TEST_F(AdjacencyResolverTest, ResolvesAnewWhatIsDeletedWhileSomebodyWaits) {
  resolver_.on_question(now_, 0, kPeer);
  NeighbourMessage gone = neighbour(kPeer, NUD_INCOMPLETE, std::nullopt);
  gone.is_deletion = true;
  resolver_.on_neighbour(now_, gone);
  EXPECT_EQ(linux_.used.size(), 2u);
  EXPECT_TRUE(heard().empty());
}

TEST_F(AdjacencyResolverTest, IgnoresNeighboursThatNobodyAskedFor) {
  happen(IpAddress::v4(0x0A0A0A0A), NUD_STALE, kMac);
  EXPECT_TRUE(heard().empty());
}

TEST_F(AdjacencyResolverTest, MakesEveryLcoreAskAgainWhenRoutesChange) {
  resolver_.on_routes_changed(now_);
  const auto answers = heard();
  ASSERT_EQ(answers.size(), 2u);
  for (const auto& [lcore, message] : answers) EXPECT_EQ(message.kind, FromStream::Kind::Changed);
}

TEST_F(AdjacencyResolverTest, FollowsARouteToAnotherGateway) {
  const IpAddress other = IpAddress::v4(0xC61201FD);
  set(kGateway, NUD_REACHABLE, kMac);
  set(other, NUD_REACHABLE, kNewMac);
  resolver_.on_question(now_, 0, kFar);
  linux_.routes[kFar] = {other, 0};
  resolver_.on_question(now_, 0, kFar);
  EXPECT_EQ(heard().back().second.mac, kNewMac);
  happen(kGateway, NUD_FAILED, std::nullopt);  // of no concern any more
  EXPECT_TRUE(heard().empty());
}

TEST_F(AdjacencyResolverTest, LooksUpWaitingNeighboursAnewAfterAnOverflow) {
  resolver_.on_question(now_, 0, kPeer);
  set(kPeer, NUD_REACHABLE, kMac);  // the event was lost
  resolver_.on_overflow(now_);
  const auto answers = heard();
  ASSERT_EQ(answers.size(), 3u);
  EXPECT_EQ(answers[0].second.kind, FromStream::Kind::NextHop);
  EXPECT_EQ(answers[1].second.kind, FromStream::Kind::Changed);
  EXPECT_EQ(answers[2].second.kind, FromStream::Kind::Changed);
}

TEST_F(AdjacencyResolverTest, KeepsNextHopsOfPeersFreshAlsoAfterARouteAppears) {
  resolver_.keep_fresh(now_, kFar);
  ASSERT_FALSE(linux_.used.empty());
  for (const auto& use : linux_.used) EXPECT_EQ(use, std::pair(kGateway, true));
  const IpAddress late = IpAddress::v4(0x09090909);
  linux_.used.clear();
  resolver_.keep_fresh(now_, late);
  EXPECT_TRUE(linux_.used.empty());
  linux_.routes[late] = {kPeer, 0};
  resolver_.on_routes_changed(now_);
  EXPECT_NE(std::find(linux_.used.begin(), linux_.used.end(), std::pair(kPeer, true)), linux_.used.end());
}

TEST_F(AdjacencyResolverTest, TellsOneChangeInsteadOfManyUpdatesBehindOneGateway) {
  set(kGateway, NUD_REACHABLE, kMac);
  for (std::uint32_t i = 0; i < 200; ++i) {
    linux_.routes[IpAddress::v4(0x0B000000 + i)] = {kGateway, 0};
    resolver_.on_question(now_, 0, IpAddress::v4(0x0B000000 + i));
  }
  EXPECT_EQ(heard().size(), 200u);
  happen(kGateway, NUD_REACHABLE, kNewMac);
  EXPECT_EQ(heard().size(), AdjacencyResolver::kUpdatesMax + 2);
}

TEST_F(AdjacencyResolverTest, AnswersAllWhoWaitHoweverMany) {
  for (std::uint32_t i = 0; i < 200; ++i) {
    linux_.routes[IpAddress::v4(0x0B000000 + i)] = {kGateway, 0};
    resolver_.on_question(now_, 0, IpAddress::v4(0x0B000000 + i));
  }
  happen(kGateway, NUD_REACHABLE, kMac);
  EXPECT_EQ(heard().size(), 200u + 2);
}

TEST_F(AdjacencyResolverTest, StaysBoundedUnderQuestionsForMoreDestinationsThanItHolds) {
  for (std::uint32_t i = 0; i < 2000; ++i) {
    now_ += 1ms;
    linux_.routes[IpAddress::v4(0x0B000000 + i)] = {IpAddress::v4(0x0B000000 + i), 0};
    resolver_.on_question(now_, 0, IpAddress::v4(0x0B000000 + i));
  }
  happen(IpAddress::v4(0x0B000000 + 1999), NUD_REACHABLE, kMac);
  EXPECT_EQ(heard().size(), 1u);
}

}  // namespace
}  // namespace sallyport::dataplane
