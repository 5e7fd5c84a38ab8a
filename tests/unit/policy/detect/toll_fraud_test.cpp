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

TEST_F(TollFraudTest, OtherPrefixesAreTakenFromAReload) {
  config.toll_fraud_prefixes = {"+252"};
  board.adopt(config);
  EXPECT_FALSE(board.is_costly(kCostly));
  EXPECT_TRUE(board.is_costly("+252612345678"));
}

}  // namespace
}  // namespace sallyport::policy
