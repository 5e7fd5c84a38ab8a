// subscription_table_test.cpp — numbers, names and timers of subscriptions; full is an answer.
#include "sipalg/exchange/subscription_table.h"

#include <gtest/gtest.h>

namespace sallyport::sip {
namespace {

constexpr Timestamp kNow{std::chrono::hours(1)};

TEST(SubscriptionTable, FullTableMakesNoneUntilOneIsErased) {
  SubscriptionTable table(2);
  ASSERT_NE(table.make(1, kNow), nullptr);
  ASSERT_NE(table.make(2, kNow), nullptr);
  EXPECT_TRUE(table.full());
  EXPECT_EQ(table.make(3, kNow), nullptr);
  table.erase(1);
  table.erase(1);
  EXPECT_NE(table.make(3, kNow), nullptr);
  EXPECT_EQ(table.size(), 2u);
}

TEST(SubscriptionTable, NumberIsTakenOnce) {
  SubscriptionTable table(4);
  ASSERT_NE(table.make(7, kNow), nullptr);
  EXPECT_EQ(table.make(7, kNow), nullptr);
  EXPECT_EQ(table.find(8), nullptr);
  EXPECT_EQ(table.find(0), nullptr);
}

TEST(SubscriptionTable, RenamedOneIsFoundUnderItsNewNumberOnlyAndKeepsItsTimer) {
  SubscriptionTable table(4);
  Subscription* const made = table.make(7, kNow);
  made->until = kNow + 5s;
  table.arm(*made);
  table.rename(*made, 9);
  EXPECT_EQ(table.find(7), nullptr);
  EXPECT_EQ(table.find(9), made);
  EXPECT_EQ(table.pop_due(kNow + 4s), nullptr);
  EXPECT_EQ(table.pop_due(kNow + 6s), made);
}

TEST(SubscriptionTable, TimerIsTheEarlierOfItsEndAndTheWaitForANotify) {
  SubscriptionTable table(4);
  Subscription* const made = table.make(7, kNow);
  made->until = kNow + 50s;
  made->notify_until = kNow + 10s;
  table.arm(*made);
  EXPECT_EQ(table.pop_due(kNow + 9s), nullptr);
  made->notify_until.reset();
  table.arm(*made);
  EXPECT_EQ(table.pop_due(kNow + 49s), nullptr);
  EXPECT_EQ(table.pop_due(kNow + 51s), made);
  table.erase(7);
  EXPECT_FALSE(table.next_deadline());
}

}  // namespace
}  // namespace sallyport::sip
