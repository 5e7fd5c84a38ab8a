// Whole worlds by seed: each must keep to every rule. RFC 3261; `sip_sim` replays any seed by hand.
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/sim/run_worlds.h"

namespace sallyport::sim {
namespace {

void expect_good(const RunResult& result) {
  EXPECT_EQ(result.bad_worlds, 0u) << result.report;
  EXPECT_GT(result.counts.calls, 0u);
}

TEST(Simulator, SetsUpEveryCallInACalmWorld) {
  WorldWishes wishes;
  wishes.loss = 0;
  wishes.simple = true;
  const RunResult result = run_worlds(1, 400, wishes);
  expect_good(result);
  EXPECT_EQ(result.counts.answered, result.counts.calls);
}

TEST(Simulator, KeepsTheRulesInACalmWorldWhateverThePartiesDo) {
  WorldWishes wishes;
  wishes.loss = 0;
  expect_good(run_worlds(1000, 1000, wishes));
  expect_good(run_worlds(1100601, 20, wishes));  // an early fork's later answer outlives another fork's
  expect_good(run_worlds(7801488, 20, wishes));  // an early UPDATE is answered behind the call
  expect_good(run_worlds(7801208, 20, wishes));  // a BYE of the past meets the one that ends the call
}

TEST(Simulator, KeepsTheRulesWhileTheNetworkLosesAndReorders) { expect_good(run_worlds(2000, 1000, {})); }

TEST(Simulator, KeepsTheRulesAtTenPercentLoss) {
  WorldWishes wishes;
  wishes.loss = 0.1;
  const RunResult result = run_worlds(3000, 1000, wishes);
  expect_good(result);
  EXPECT_GT(result.counts.answered, result.counts.calls / 3);
}

TEST(Simulator, LosesNothingWhenItIsSavedAndRestoredBehindEveryStep) {
  WorldWishes wishes;
  wishes.snapshot = true;
  expect_good(run_worlds(4000, 400, wishes));
  expect_good(run_worlds(50051, 20, wishes));  // a session timer comes due in the middle of a transfer
}

TEST(Simulator, KeepsTheRulesWithTablesForAFewCalls) {
  WorldWishes wishes;
  wishes.tight = true;
  expect_good(run_worlds(7000, 400, wishes));
  expect_good(run_worlds(7000057, 20, wishes));  // an INVITE that found no room is taken when it comes again
  expect_good(run_worlds(7000102, 20, wishes));  // a refusal that was not kept, behind the end of its call
  wishes.snapshot = true;
  expect_good(run_worlds(8000, 100, wishes));
}

TEST(Simulator, HasEveryKindOfTrafficInItsWorlds) {
  const RunResult result = run_worlds(1500, 200, {});
  expect_good(result);
  EXPECT_GT(result.counts.exchanges, 20u);
  EXPECT_GT(result.counts.subscriptions, 10u);
  EXPECT_GT(result.counts.registrations, 20u);
  EXPECT_GT(result.counts.stale, 10u);
}

TEST(Simulator, LosesNothingWhenItIsReloadedAgainAndAgain) {
  WorldWishes wishes;
  wishes.reloads = true;
  expect_good(run_worlds(5000, 600, wishes));
  wishes.snapshot = true;
  expect_good(run_worlds(6000, 200, wishes));
}

// 100,000 calls in ten parts, with SALLYPORT_TESTS_FULL set; every fourth part with snapshots.
class FullSimulation : public ::testing::TestWithParam<unsigned> {};
TEST_P(FullSimulation, KeepsTheRules) {
  if (std::getenv("SALLYPORT_TESTS_FULL") == nullptr) GTEST_SKIP() << "only with --full";
  WorldWishes wishes;
  wishes.snapshot = GetParam() % 4 == 3;
  const RunResult result = run_worlds(1'000'000 * (GetParam() + 1), 10'000, wishes);
  expect_good(result);
  EXPECT_GT(result.counts.steps, 100'000u);
}
INSTANTIATE_TEST_SUITE_P(Parts, FullSimulation, ::testing::Range(0u, 10u));

}  // namespace
}  // namespace sallyport::sim
