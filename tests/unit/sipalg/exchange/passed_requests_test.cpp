// passed_requests_test.cpp — requests on their way; full is an answer.
#include "sipalg/exchange/passed_requests.h"

#include <gtest/gtest.h>

namespace sallyport::sip {
namespace {

constexpr Timestamp kNow{std::chrono::hours(1)};

TEST(PassedRequests, FullTableMakesNoneUntilOneIsErased) {
  PassedRequests table(2);
  PassedRequest* const first = table.make(kNow);
  ASSERT_NE(first, nullptr);
  ASSERT_NE(table.make(kNow), nullptr);
  EXPECT_EQ(table.make(kNow), nullptr);
  table.erase(first->slot);
  EXPECT_NE(table.make(kNow), nullptr);
}

// A late answer to an earlier request in the same slot finds nobody.
TEST(PassedRequests, OnlyTheTransactionThatItWaitsForFindsIt) {
  PassedRequests table(2);
  PassedRequest* const one = table.make(kNow);
  const std::uint32_t slot = one->slot;
  EXPECT_EQ(table.find(slot, 0), nullptr);
  one->client = 40;
  EXPECT_EQ(table.find(slot, 40), one);
  EXPECT_EQ(table.find(slot, 41), nullptr);
  EXPECT_EQ(table.find(slot + 1, 40), nullptr);
  table.erase(slot);
  table.erase(slot);
  EXPECT_EQ(table.find(slot, 40), nullptr);
  EXPECT_EQ(table.size(), 0u);
}

TEST(PassedRequests, TimerOfOneThatIsGoneDoesNotFire) {
  PassedRequests table(2);
  PassedRequest* const one = table.make(kNow);
  table.arm(one->slot, kNow + 1s);
  EXPECT_TRUE(table.next_deadline());
  table.erase(one->slot);
  EXPECT_FALSE(table.next_deadline());
  EXPECT_EQ(table.pop_due(kNow + 2s), nullptr);
}

}  // namespace
}  // namespace sallyport::sip
