// time_span_test.cpp — days and hours of routes.
#include "policy/route/time_span.h"

#include <gtest/gtest.h>

namespace sallyport::policy {
namespace {

// Day 0 is Monday.
constexpr WeekMinute at(int day, int hour, int minute = 0) {
  return {static_cast<std::uint16_t>(day * 1440 + hour * 60 + minute)};
}

bool matches(std::string_view span, WeekMinute when) {
  const auto parsed = TimeSpan::parse(span);
  EXPECT_TRUE(parsed) << span;
  return parsed && parsed->contains(when);
}

TEST(TimeSpan, HoursOnDays) {
  EXPECT_TRUE(matches("mon-fri 08:00-18:00", at(0, 8)));
  EXPECT_TRUE(matches("mon-fri 08:00-18:00", at(4, 17, 59)));
  EXPECT_FALSE(matches("mon-fri 08:00-18:00", at(4, 18)));
  EXPECT_FALSE(matches("mon-fri 08:00-18:00", at(0, 7, 59)));
  EXPECT_FALSE(matches("mon-fri 08:00-18:00", at(5, 12)));
}

TEST(TimeSpan, DaysAloneAreWholeAndHoursAloneAreDaily) {
  EXPECT_TRUE(matches("sat", at(5, 0)));
  EXPECT_TRUE(matches("sat", at(5, 23, 59)));
  EXPECT_FALSE(matches("sat", at(6, 0)));
  for (int day = 0; day < 7; ++day) EXPECT_TRUE(matches("09:00-10:00", at(day, 9, 30)));
  EXPECT_TRUE(matches("09:00-24:00", at(0, 23, 59)));
}

TEST(TimeSpan, HoursRunOverMidnight) {
  EXPECT_TRUE(matches("mon-fri 22:00-06:00", at(4, 23)));
  EXPECT_TRUE(matches("mon-fri 22:00-06:00", at(5, 5, 59)));
  EXPECT_FALSE(matches("mon-fri 22:00-06:00", at(5, 6)));
  EXPECT_FALSE(matches("mon-fri 22:00-06:00", at(0, 5)));  // belongs to Sunday
  EXPECT_TRUE(matches("sun 22:00-06:00", at(0, 5)));
}

TEST(TimeSpan, DaysRunOverTheEndOfTheWeek) {
  for (const int day : {4, 5, 6, 0}) EXPECT_TRUE(matches("fri-mon", at(day, 12)));
  for (const int day : {1, 2, 3}) EXPECT_FALSE(matches("fri-mon", at(day, 12)));
}

TEST(TimeSpan, AnEndThatIsTheBeginningMeansADay) {
  EXPECT_TRUE(matches("mon 08:00-08:00", at(0, 8)));
  EXPECT_TRUE(matches("mon 08:00-08:00", at(1, 7, 59)));
  EXPECT_FALSE(matches("mon 08:00-08:00", at(1, 8)));
}

TEST(TimeSpan, AnUnknownTimeIsInNone) {
  EXPECT_FALSE(matches("mon-sun", WeekMinute{}));
  EXPECT_FALSE(matches("mon-sun", WeekMinute{WeekMinute::kWeekMinutes}));
}

TEST(TimeSpan, RefusesOtherTexts) {
  for (const char* bad : {"", "x", "mon-", "mon-xyz", "mon 8:00-9:00", "mon 08:00", "25:00-26:00",
                          "08:60-09:00", "24:00-24:00", "mon  08:00-09:00", "08:00-09:00 mon", "MON"})
    EXPECT_FALSE(TimeSpan::parse(bad)) << bad;
}

TEST(WeekMinute, CountsFromMonday) {
  EXPECT_EQ(WeekMinute::of_unix(0).value, 3 * 1440);        // Thursday 1970-01-01
  EXPECT_EQ(WeekMinute::of_unix(4 * 86400 + 61).value, 1);  // Monday 00:01:01
  EXPECT_EQ(WeekMinute::of_unix(-1).value, 3 * 1440 - 1);
  EXPECT_EQ(WeekMinute::of_unix(1'792'583'940).value, WeekMinute::of_unix(1'792'583'940 % 604'800).value);
}

}  // namespace
}  // namespace sallyport::policy
