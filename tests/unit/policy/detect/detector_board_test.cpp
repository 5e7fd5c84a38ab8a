// detector_board_test.cpp — what holds for all detectors: who is never met, what is told, reloads, threads,
// full tables, time.
#include "policy/detect/detector_board.h"

#include <atomic>
#include <thread>
#include <vector>

#include "tests/unit/policy/detect/board_fixture.h"

namespace sallyport::policy {
namespace {

using DetectorBoardTest = BoardTest;

TEST_F(DetectorBoardTest, AnEmergencyCallIsNeverLimitedAndCountsNowhere) {
  for (int i = 0; i < 10'000; ++i)
    ASSERT_FALSE(board.before_call(now, stranger(), {.called = "112", .is_emergency = true}));
  EXPECT_FALSE(call(stranger(), "+4930123456"));
}

TEST_F(DetectorBoardTest, APeerIsNeverBlockedNorLimitedByWhatItHasLimitsOfItsOwnFor) {
  std::size_t findings = 0;
  for (int i = 0; i < 10'000; ++i) {
    const std::string name = std::to_string(i);
    for (const auto& finding :
         {board.on_malformed(now, proved(peer())), board.on_unheard(now, proved(peer()), name),
          board.on_login_failure(now, proved(peer()), name), call(proved(peer()), name + "0000000")}) {
      ASSERT_FALSE(is_refused(finding));
      findings += finding ? 1 : 0;
    }
  }
  EXPECT_GT(findings, 10'000u);
  EXPECT_FALSE(board.is_punished(now, peer()));
}

// Threats I10: whoever forges the source of a datagram must not silence a telephone.
TEST_F(DetectorBoardTest, WhatCanBeForgedBlocksNobodyWhoHasEarnedTrust) {
  earn(stranger(1, 5060));
  std::optional<Finding> finding;
  for (int i = 0; i < 1000; ++i) finding = board.on_malformed(now, stranger(1, 5060));
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->action, DetectorAction::Reject);
  EXPECT_FALSE(board.is_punished(now, stranger(1, 5060)));
}

TEST_F(DetectorBoardTest, AFlowThatWasPunishedUnprovedIsFreeOnceItHasEarnedTrust) {
  earn(stranger(1, 30'000));
  const Actor actor = stranger(1, 30'001);
  std::optional<Finding> finding;
  for (int i = 0; i < 31; ++i) finding = board.on_malformed(now, actor);
  ASSERT_TRUE(finding && finding->is_flow_only);
  EXPECT_TRUE(board.is_punished(now, actor));
  EXPECT_FALSE(board.is_punished(now, proved(actor))) << "a connection, which was not forged";
  EXPECT_FALSE(board.is_punished(now, stranger(1, 30'000)));
  EXPECT_FALSE(board.is_punished(now, stranger(1, 30'002)));
  earn(actor);
  EXPECT_FALSE(board.is_punished(now, actor));
}

TEST_F(DetectorBoardTest, WhatWasProvedPunishesTheFlowWhateverItHasEarned) {
  const Actor actor = proved(stranger(1, 30'001));
  earn(actor);
  for (int i = 0; i < 31; ++i) (void)board.on_malformed(now, actor);
  EXPECT_TRUE(board.is_punished(now, actor));
  EXPECT_TRUE(board.is_punished(now + 9min, stranger(1, 30'001)));
  EXPECT_FALSE(board.is_punished(now + 11min, actor));
  Actor elsewhere = actor;
  elsewhere.realm = RealmIndex{1};
  EXPECT_FALSE(board.is_punished(now, elsewhere));
}

TEST_F(DetectorBoardTest, OfOneSourceTheSameIsToldOnceInTenSeconds) {
  int told = 0, found = 0;
  for (int i = 0; i < 2000; ++i, now += 10ms)
    if (const auto finding = board.on_malformed(now, stranger())) {
      ++found;
      told += finding->is_told ? 1 : 0;
      ASSERT_EQ(finding->is_told, !finding->evidence.empty());
      ASSERT_EQ(finding->action, DetectorAction::Block) << "done all the same";
    }
  EXPECT_EQ(found, 1970);
  EXPECT_EQ(told, 2);
}

TEST_F(DetectorBoardTest, ManySourcesTogetherAreToldSoManyTimesASecond) {
  config.malformed = {DetectorAction::Reject, 10min};
  config.malformed_rate = {1, 1min};
  board.adopt(config);
  int told = 0;
  for (std::uint32_t host = 0; host < 10'000; ++host, now += 1ms) {
    (void)board.on_malformed(now, stranger(host));
    const auto finding = board.on_malformed(now, stranger(host));
    ASSERT_TRUE(finding);
    told += finding->is_told ? 1 : 0;
  }
  EXPECT_LE(told, 20 * 10 + 41);
  EXPECT_GE(told, 20 * 10);
}

TEST_F(DetectorBoardTest, AReloadKeepsWhatWasCounted) {
  for (int i = 0; i < 25; ++i) ASSERT_FALSE(board.on_malformed(now, stranger()));
  config.malformed_rate = {20, 1min};
  board.adopt(config);
  const auto finding = board.on_malformed(now, stranger());
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->evidence, "26 broken messages within 60 s, 20 allowed");
  config.malformed.action = DetectorAction::Log;
  board.adopt(config);
  EXPECT_EQ(action_of(board.on_malformed(now, stranger())), DetectorAction::Log);
}

TEST_F(DetectorBoardTest, RealmsAreCountedApart) {
  for (int i = 0; i < 31; ++i) (void)board.on_malformed(now, stranger());
  Actor other = stranger();
  other.realm = RealmIndex{1};
  EXPECT_FALSE(board.on_malformed(now, other));
}

// The clock never steps back; should it, or should days pass, nobody is met for it.
TEST_F(DetectorBoardTest, JumpsOfTimeErrOnTheSideOfLettingPass) {
  const auto flood = [this] {
    for (int i = 0; i < 400; ++i) {
      (void)call(stranger(), std::to_string(1'000'000 + i * 1000));
      (void)board.on_malformed(now, stranger());
    }
  };
  for (const Duration step : {Duration(-1h), Duration(48h), Duration(-90h), Duration(30 * 24h)}) {
    flood();
    now += step;
    EXPECT_FALSE(call(stranger(), "+4930123456")) << step.count();
    EXPECT_FALSE(board.on_malformed(now, stranger())) << step.count();
  }
}

// Threats R2: whoever invents a million sources, users and targets puts out nobody who is near a limit, meets
// nobody who is not, and takes no memory.
TEST_F(DetectorBoardTest, AMillionOfEverythingTakesNoMemoryAndMeetsNobodyElse) {
  DetectorBoard small(config, 10'000, kKey, earned);
  for (int i = 0; i < 30; ++i) ASSERT_FALSE(small.on_malformed(now, stranger()));
  int met = 0;
  for (std::uint32_t i = 0; i < 1'000'000; ++i) {
    const Actor actor = stranger(4096 + i, static_cast<std::uint16_t>(i * 31));
    const std::string name = std::to_string(i);
    const Timestamp at = now + i * 50us;
    met += small.on_malformed(at, actor) ? 1 : 0;
    met += small.on_unheard(at, actor, name) ? 1 : 0;
    met += small.before_call(at, endpoint(4096 + i), {.called = name}) ? 1 : 0;
    const auto failed = small.on_login_failure(at, actor, name);  // 3,906 networks of 256 each
    met += failed && failed->action == DetectorAction::Block ? 1 : 0;
    met += small.is_punished(at, actor) ? 1 : 0;
  }
  EXPECT_EQ(met, 0);
  EXPECT_TRUE(small.on_malformed(now + 50s, stranger())) << "what was near its limit is still known";
}

TEST_F(DetectorBoardTest, ItsMemoryIsKnownBeforehand) {
  EXPECT_LE(DetectorBoard::memory_for(1'000'000), 32'000'000u);
  EXPECT_LE(DetectorBoard::memory_for(1024), 500'000u);
}

TEST_F(DetectorBoardTest, ThreadsCountTogether) {
  config.malformed_rate = {2000, 1min};
  board.adopt(config);
  std::atomic<int> met{0};
  const auto send = [&] {
    for (int i = 0; i < 1500; ++i)
      if (board.on_malformed(now, stranger())) ++met;
  };
  std::thread other(send);
  send();
  other.join();
  EXPECT_EQ(met, 1000) << "of 3,000";
}

// For the thread sanitizer: all that may happen at once.
TEST_F(DetectorBoardTest, ThreadsAskWhileAnotherChangesTheConfiguration) {
  std::atomic<bool> is_over{false};
  std::vector<std::thread> threads;
  for (std::uint32_t thread = 0; thread < 3; ++thread)
    threads.emplace_back([&, thread] {
      for (std::uint32_t i = 0; i < 4000; ++i) {
        const Timestamp at = now + i * 1ms;
        const Actor actor = i % 3 == 0 ? endpoint(i % 17) : proved(stranger(i % 13));
        const std::string name = "+88216" + std::to_string(1'000'000 + i % 40);
        (void)board.is_punished(at, actor);
        (void)board.on_malformed(at, actor);
        (void)board.on_unheard(at, actor, name);
        (void)board.on_login_failure(at, actor, name);
        board.on_login(at, actor, name);
        if (!board.before_call(at, actor, {.called = name}) && board.is_costly(name)) {
          board.begin_costly(actor.account);
          board.on_answered(at, actor, name);
          board.end_costly(actor.account);
        }
        if (i % 100 == thread) earned.promote(kRealm, actor.source, at, at + 10s);
      }
      is_over = true;
    });
  for (std::uint32_t i = 1; !is_over; ++i) {
    config.malformed_rate = {10 + i % 50, 1min};
    config.scanner.action = i % 2 == 0 ? DetectorAction::Block : DetectorAction::Log;
    config.toll_fraud_prefixes = {i % 2 == 0 ? "+882" : "+88216"};
    board.adopt(config);
  }
  for (std::thread& thread : threads) thread.join();
  // Every begin had its end.
  now += 24h;
  for (std::uint32_t host = 0; host < 17; ++host)
    EXPECT_FALSE(is_refused(call(endpoint(host), "+8821600000001")));
}

}  // namespace
}  // namespace sallyport::policy
