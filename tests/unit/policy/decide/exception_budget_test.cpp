// exception_budget_test.cpp — a stranger's flood starves neither a peer nor, alone, other strangers.
#include "policy/decide/exception_budget.h"

#include <gtest/gtest.h>

namespace sallyport::policy {
namespace {

constexpr PortIndex kOutside{0};
constexpr HashKey kKey{3, 4};

IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }

SbcConfig one_port() {
  SbcConfig config;
  config.ports.resize(1);
  config.ports[0].name = "outside";
  config.ports[0].gateways = {ip("198.18.1.254")};
  config.realms.resize(1);
  config.realms[0].name = config.realms[0].port = "outside";
  config.peers.resize(1);
  config.peers[0].realm = "outside";
  config.peers[0].targets = {{parse_endpoint("198.18.1.2:5060", 0), "", 0, 1}};
  config.peers[0].sources = {parse_prefix("198.18.1.3/32").value(), parse_prefix("203.0.113.0/24").value()};
  return config;
}

class EachKind : public testing::TestWithParam<ExceptionKind> {};

TEST_P(EachKind, KeepsTheNeighboursBudgetFromAFloodOfManyStrangers) {
  ExceptionBudget budget(one_port(), kKey);
  int passed = 0;
  for (std::uint32_t i = 0; i < 100000; ++i)
    passed += budget.take(kOutside, GetParam(), IpAddress::v4(0x0a000000 + i), false, Timestamp{1h}) ? 1 : 0;
  EXPECT_LE(passed, 200);
  for (const char* neighbour : {"198.18.1.254", "198.18.1.2", "198.18.1.3"})
    EXPECT_TRUE(budget.take(kOutside, GetParam(), ip(neighbour), false, Timestamp{1h})) << neighbour;
  EXPECT_TRUE(budget.take(kOutside, GetParam(), ip("192.0.2.1"), true, Timestamp{1h})) << "trusted";
}

TEST_P(EachKind, KeepsAPeersBudgetFromAFloodInAnotherPeersName) {
  ExceptionBudget budget(one_port(), kKey);
  for (int i = 0; i < 1000; ++i)
    (void)budget.take(kOutside, GetParam(), ip("198.18.1.2"), true, Timestamp{1h});
  EXPECT_FALSE(budget.take(kOutside, GetParam(), ip("198.18.1.2"), true, Timestamp{1h}));
  EXPECT_TRUE(budget.take(kOutside, GetParam(), ip("198.18.1.254"), true, Timestamp{1h}));
}

INSTANTIATE_TEST_SUITE_P(ExceptionBudget, EachKind,
                         testing::Values(ExceptionKind::Arp, ExceptionKind::NeighbourDiscovery,
                                         ExceptionKind::Echo, ExceptionKind::Unreachable,
                                         ExceptionKind::PathError));

// Linux takes more of these, so that a busy peer is not slowed down; the floods are bounded all the same.
TEST(ExceptionBudget, KeepsThePeersConnectionsAndServicesFromAFloodOfManyStrangers) {
  for (const auto& [kind, most] :
       {std::pair{ExceptionKind::Handshake, 1000}, std::pair{ExceptionKind::Flow, 4096},
        std::pair{ExceptionKind::Service, 1000}}) {
    ExceptionBudget budget(one_port(), kKey);
    int passed = 0;
    for (std::uint32_t i = 0; i < 100000; ++i)
      passed += budget.take(kOutside, kind, IpAddress::v4(0x0a000000 + i), false, Timestamp{1h}) ? 1 : 0;
    EXPECT_EQ(passed, most);
    for (int i = 0; i < 400; ++i)
      EXPECT_TRUE(budget.take(kOutside, kind, ip("198.18.1.2"), true, Timestamp{1h}));
    EXPECT_TRUE(budget.take(kOutside, kind, ip("192.0.2.1"), true, Timestamp{1h})) << "trusted";
  }
}

TEST(ExceptionBudget, KeepsTheCommonBudgetFromOneStranger) {
  ExceptionBudget budget(one_port(), kKey);
  int passed = 0;
  for (int i = 0; i < 1000; ++i)
    passed += budget.take(kOutside, ExceptionKind::Arp, ip("10.0.0.1"), false, Timestamp{1h}) ? 1 : 0;
  EXPECT_EQ(passed, 10);
  EXPECT_TRUE(budget.take(kOutside, ExceptionKind::Arp, ip("10.0.0.2"), false, Timestamp{1h}));
}

TEST(ExceptionBudget, GivesPingItsConfiguredRate) {
  SbcConfig config = one_port();
  config.ports[0].ping = {3, 1s};
  ExceptionBudget budget(config, kKey);
  int passed = 0;
  for (int i = 0; i < 100; ++i)
    passed += budget.take(kOutside, ExceptionKind::Echo, ip("10.0.0.1"), false, Timestamp{1h}) ? 1 : 0;
  EXPECT_EQ(passed, 3);
}

TEST(ExceptionBudget, KeepsTheKindsApart) {
  ExceptionBudget budget(one_port(), kKey);
  for (int i = 0; i < 1000; ++i)
    (void)budget.take(kOutside, ExceptionKind::Arp, ip("198.18.1.2"), false, Timestamp{1h});
  EXPECT_TRUE(budget.take(kOutside, ExceptionKind::Echo, ip("198.18.1.2"), false, Timestamp{1h}));
}

TEST(ExceptionBudget, KnowsItsNeighbours) {
  const ExceptionBudget budget(one_port(), kKey);
  EXPECT_TRUE(budget.is_neighbour(kOutside, ip("198.18.1.254")));
  EXPECT_TRUE(budget.is_neighbour(kOutside, ip("198.18.1.3")));
  EXPECT_FALSE(budget.is_neighbour(kOutside, ip("203.0.113.1"))) << "a whole network is no neighbour";
}

}  // namespace
}  // namespace sallyport::policy
