// log_rate_limit_test.cpp — a flood of one event does not flood the log (threats R11).
#include "mgmt/log/log_rate_limit.h"

#include <gtest/gtest.h>

namespace sallyport::mgmt {
namespace {

constexpr WallTime kStart{std::chrono::hours(500000)};

std::uint64_t write_many(LogRateLimit& limit, std::string_view event, int lines, WallTime now) {
  std::uint64_t written = 0;
  for (int i = 0; i < lines; ++i) written += limit.allow(event, now) ? 1u : 0u;
  return written;
}

TEST(LogRateLimit, WritesSomeLinesAndCountsTheRest) {
  LogRateLimit limit;
  EXPECT_EQ(write_many(limit, "flood", 1000, kStart), LogRateLimit::kLinesPerWindow);
  EXPECT_EQ(write_many(limit, "other", 1, kStart), 1u);
  EXPECT_TRUE(limit.take_suppressed(kStart).empty());
  const auto told = limit.take_suppressed(kStart + LogRateLimit::kWindow);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].event, "flood");
  EXPECT_EQ(told[0].lines, 1000 - LogRateLimit::kLinesPerWindow);
  EXPECT_FALSE(limit.holds_back());
}

TEST(LogRateLimit, NextWindowIsFreeAgain) {
  LogRateLimit limit;
  write_many(limit, "a", 5, kStart);
  EXPECT_EQ(write_many(limit, "a", 100, kStart + LogRateLimit::kWindow), LogRateLimit::kLinesPerWindow);
}

TEST(LogRateLimit, ClockSetBackDoesNotSilenceAnEvent) {
  LogRateLimit limit;
  write_many(limit, "a", 100, kStart);
  EXPECT_EQ(limit.take_suppressed(kStart - std::chrono::hours(1)).size(), 1u);
  EXPECT_TRUE(limit.allow("a", kStart - std::chrono::hours(1)));
}

TEST(LogRateLimit, MoreEventsThanItHoldsShareOneEntry) {
  LogRateLimit limit;
  for (int i = 0; i < 10000; ++i) write_many(limit, "event" + std::to_string(i), 1, kStart);
  EXPECT_TRUE(limit.holds_back());
  const auto told = limit.take_suppressed(std::nullopt);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].event, "other");
}

}  // namespace
}  // namespace sallyport::mgmt
