// toll_fraud_test.cpp — calls to costly numbers, as shipped: ten an hour and two at once, to +882 and +979.
#include "policy/detect/toll_fraud.h"

#include "tests/unit/policy/detect/board_fixture.h"

namespace sallyport::policy {
namespace {

using TollFraudTest = BoardTest;
constexpr std::string_view kCostly = "+8821600123456";

TEST_F(TollFraudTest, TenCallsInAnHourAreLetPassAndOneMoreIsNot) {
  for (int i = 0; i < 10; ++i, now += 5min) ASSERT_FALSE(call(endpoint(), kCostly)) << i;
  const auto finding = call(endpoint(), "00882 16 00123457");
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->detector, Detector::TollFraud);
  EXPECT_EQ(finding->action, DetectorAction::Reject);
  EXPECT_EQ(finding->evidence, "11 calls to costly numbers within 3600 s, 10 allowed");
  EXPECT_FALSE(call(endpoint(2), kCostly)) << "another account";
  EXPECT_FALSE(call(endpoint(), "+4930123456")) << "a number that costs nothing";
}

TEST_F(TollFraudTest, AnHourAfterTheFirstItBeginsAnew) {
  for (int i = 0; i < 20; ++i) (void)call(endpoint(), kCostly);
  now += 1h;
  EXPECT_FALSE(call(endpoint(), kCostly));
}

TEST_F(TollFraudTest, AThirdCallAtOnceIsRefused) {
  const std::uint64_t account = endpoint().account;
  for (int i = 0; i < 2; ++i) {
    ASSERT_FALSE(call(endpoint(), kCostly));
    board.begin_costly(account);
  }
  const auto finding = call(endpoint(), kCostly);
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->evidence, "3 calls to costly numbers at once, 2 allowed");
  board.end_costly(account);
  EXPECT_FALSE(call(endpoint(), kCostly));
}

TEST_F(TollFraudTest, CountsOfCallsThatAreUpDoNotDrift) {
  config.toll_fraud_calls = {1'000'000, 1h};
  board.adopt(config);
  const std::uint64_t account = endpoint().account;
  for (int i = 0; i < 100'000; ++i, now += 1s) {
    board.begin_costly(account);
    board.end_costly(account);
  }
  EXPECT_FALSE(call(endpoint(), kCostly));
  for (int i = 0; i < 5; ++i) board.end_costly(account);  // that never began, as after a restart
  board.begin_costly(account);
  board.begin_costly(account);
  EXPECT_TRUE(call(endpoint(), kCostly));
}

// A restart begins at nothing; calls that come back begin again.
TEST_F(TollFraudTest, ANewBoardKnowsOfNoCallsUntilTheyBeginAgain) {
  DetectorBoard other(config, 1000, HashKey{5, 6}, earned);
  const std::uint64_t account = endpoint().account;
  other.end_costly(account);
  EXPECT_FALSE(other.before_call(now, endpoint(), {.called = kCostly}));
  other.begin_costly(account);
  other.begin_costly(account);
  EXPECT_TRUE(other.before_call(now, endpoint(), {.called = kCostly}));
}

TEST_F(TollFraudTest, PeersHaveTheSameLimitAndAreNeverBlocked) {
  config.toll_fraud.action = DetectorAction::Block;
  board.adopt(config);
  std::optional<Finding> finding;
  for (int i = 0; i < 11; ++i) finding = call(proved(peer()), kCostly);
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->action, DetectorAction::Reject);
}

TEST_F(TollFraudTest, NobodysAccountIsCountedByAddress) {
  for (std::uint16_t i = 0; i < 10; ++i)
    ASSERT_FALSE(call(stranger(1, static_cast<std::uint16_t>(1024 + i)), kCostly));
  EXPECT_TRUE(is_refused(call(stranger(1, 4000), kCostly)));
  EXPECT_FALSE(call(stranger(2), kCostly));
}

TEST_F(TollFraudTest, NumbersInARowMakeItSurer) {
  std::optional<Finding> same, row;
  for (int i = 0; i < 11; ++i) same = call(endpoint(1), kCostly);
  for (int i = 0; i < 11; ++i) row = call(endpoint(2), "+88216001234" + std::to_string(10 + i));
  ASSERT_TRUE(same && row);
  EXPECT_GT(row->confidence, same->confidence);
  EXPECT_EQ(row->evidence,
            "11 calls to costly numbers within 3600 s, 10 allowed; 10 of the numbers in a row");
}

TEST_F(TollFraudTest, OneNumberAfterTheNextIsToldAndNotRefused) {
  std::optional<Finding> finding;
  for (int i = 0; i < 40; ++i, now += 10s) {
    const auto found = call(endpoint(), "+49301234" + std::to_string(500 + i));
    ASSERT_FALSE(is_refused(found));
    if (found) finding = found;
  }
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->detector, Detector::TollFraud);
  EXPECT_EQ(finding->action, DetectorAction::Log);
}

// 100 h after the clock's zero is what the engine says it is: here 04:00 of a Monday, or noon.
TEST_F(TollFraudTest, OutsideTheHoursFewerCallsAreLetPass) {
  config.toll_fraud_hours = {"mon-fri 08:00-18:00", "sat 10:00-12:00"};
  config.toll_fraud_off_hours_calls = {3, 1h};
  config.toll_fraud_off_hours_concurrent = 1;
  board.adopt(config);
  const auto call_at = [&](std::uint16_t minute, std::uint32_t host) {
    return board.before_call(now, endpoint(host), {.called = kCostly, .time = WeekMinute{minute}});
  };
  constexpr std::uint16_t kNight = 4 * 60, kNoon = 12 * 60, kSunday = 6 * 24 * 60 + kNoon;
  for (int i = 0; i < 3; ++i) ASSERT_FALSE(call_at(kNight, 1)) << i;
  const auto night = call_at(kNight, 1);
  ASSERT_TRUE(night);
  EXPECT_EQ(night->evidence, "4 calls to costly numbers outside the hours within 3600 s, 3 allowed");
  for (int i = 0; i < 10; ++i) ASSERT_FALSE(call_at(kNoon, 2)) << i;
  EXPECT_TRUE(call_at(kNoon, 2));
  board.begin_costly(endpoint(3).account);
  const auto sunday = call_at(kSunday, 3);
  ASSERT_TRUE(sunday);
  EXPECT_EQ(sunday->evidence, "2 calls to costly numbers at once outside the hours, 1 allowed");
  EXPECT_FALSE(call_at(kNoon, 3)) << "two at once are allowed by day";
}

TEST_F(TollFraudTest, WithoutHoursOrAClockEveryTimeIsTheSame) {
  config.toll_fraud_off_hours_calls = {1, 1h};
  config.toll_fraud_off_hours_concurrent = 0;
  board.adopt(config);
  for (int i = 0; i < 10; ++i)
    ASSERT_FALSE(board.before_call(now, endpoint(1), {.called = kCostly, .time = WeekMinute{240}}));
  config.toll_fraud_hours = {"mon-fri 08:00-18:00"};
  board.adopt(config);
  for (int i = 0; i < 10; ++i) ASSERT_FALSE(call(endpoint(2), kCostly)) << "nobody knows what time it is";
}

TEST_F(TollFraudTest, WhatWasCountedSurvivesAReloadOfTheLimits) {
  for (int i = 0; i < 8; ++i) ASSERT_FALSE(call(endpoint(), kCostly));
  config.toll_fraud_calls = {5, 1h};
  board.adopt(config);
  EXPECT_TRUE(is_refused(call(endpoint(), kCostly))) << "eight were counted before";
  config.toll_fraud_calls = {20, 1h};
  board.adopt(config);
  for (int i = 0; i < 11; ++i) ASSERT_FALSE(is_refused(call(endpoint(), kCostly))) << i;
  EXPECT_TRUE(is_refused(call(endpoint(), kCostly)));
}

TEST_F(TollFraudTest, OtherPrefixesAreTakenFromAReload) {
  config.toll_fraud_prefixes = {"+252"};
  board.adopt(config);
  EXPECT_FALSE(board.is_costly(kCostly));
  EXPECT_TRUE(board.is_costly("+252612345678"));
}

}  // namespace
}  // namespace sallyport::policy
