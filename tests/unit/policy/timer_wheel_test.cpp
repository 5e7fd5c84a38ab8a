// timer_wheel_test.cpp — timers in virtual time, against a plain list as the model.
#include "policy/base/timer_wheel.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace sallyport {
namespace {

Timestamp at(Duration since_start) { return Timestamp(since_start); }

TEST(TimerWheel, FiresAtItsDeadlineAndNotBefore) {
  TimerWheel wheel(4);
  wheel.arm(2, at(500ms));
  EXPECT_FALSE(wheel.pop_due(at(499ms)));
  EXPECT_EQ(wheel.pop_due(at(500ms)), 2u);
  EXPECT_FALSE(wheel.pop_due(at(1h)));
  EXPECT_EQ(wheel.armed(), 0u);
}

TEST(TimerWheel, FractionOfATickRoundsUp) {
  TimerWheel wheel(1);
  wheel.arm(0, at(500ms + 1ns));
  EXPECT_FALSE(wheel.pop_due(at(500ms + 1ns)));
  EXPECT_TRUE(wheel.pop_due(at(501ms)));
}

TEST(TimerWheel, DeadlineInThePastIsDueAtOnce) {
  TimerWheel wheel(2);
  EXPECT_FALSE(wheel.pop_due(at(10s)));
  wheel.arm(1, at(9s));
  EXPECT_LE(*wheel.next_deadline(), at(10s));
  EXPECT_EQ(wheel.pop_due(at(10s)), 1u);
}

TEST(TimerWheel, ArmingAnewMovesTheDeadline) {
  TimerWheel wheel(1);
  wheel.arm(0, at(1s));
  wheel.arm(0, at(2s));
  EXPECT_EQ(wheel.armed(), 1u);
  EXPECT_FALSE(wheel.pop_due(at(1999ms)));
  EXPECT_TRUE(wheel.pop_due(at(2s)));
}

TEST(TimerWheel, RoomForMoreTimersLeavesThoseThatAreArmed) {
  TimerWheel wheel(1);
  wheel.arm(0, at(5s));
  wheel.grow(1000);
  wheel.grow(2);
  wheel.arm(999, at(1s));
  EXPECT_EQ(wheel.pop_due(at(1s)), 999u);
  EXPECT_FALSE(wheel.pop_due(at(4s)));
  EXPECT_EQ(wheel.pop_due(at(5s)), 0u);
}

TEST(TimerWheel, DisarmedTimerNeverFires) {
  TimerWheel wheel(3);
  wheel.arm(0, at(1s));
  wheel.arm(1, at(1s));
  wheel.arm(2, at(1s));
  wheel.disarm(1);
  wheel.disarm(1);
  EXPECT_FALSE(wheel.is_armed(1));
  EXPECT_TRUE(wheel.pop_due(at(1s)));
  EXPECT_TRUE(wheel.pop_due(at(1s)));
  EXPECT_FALSE(wheel.pop_due(at(1s)));
  EXPECT_FALSE(wheel.next_deadline());
}

TEST(TimerWheel, NextDeadlineIsNeverLateAndIsReachedInFewSteps) {
  TimerWheel wheel(1);
  const Timestamp deadline = at(std::chrono::hours(24 * 365));
  wheel.arm(0, deadline);
  Timestamp now = at(0ns);
  int steps = 0;
  while (true) {
    const auto next = wheel.next_deadline();
    ASSERT_TRUE(next);
    ASSERT_LE(*next, deadline);
    ASSERT_GE(*next, now);
    now = *next;
    if (wheel.pop_due(now)) break;
    ASSERT_LT(++steps, 12);
  }
  EXPECT_EQ(now, deadline);
}

TEST(TimerWheel, AgreesWithAPlainListOverAMillionSteps) {
  constexpr std::uint32_t kTimers = 50;
  TimerWheel wheel(kTimers);
  std::map<std::uint32_t, Timestamp> model;
  std::mt19937_64 random(20261121);
  Timestamp now = at(0ns);
  for (int step = 0; step < 200000; ++step) {
    const auto timer = static_cast<std::uint32_t>(random() % kTimers);
    switch (random() % 3) {
      case 0: {  // from a millisecond to half a day, in whole ticks
        const Timestamp deadline =
            now + TimerWheel::kTick * static_cast<std::int64_t>(random() >> (38 + random() % 26));
        const auto ticks = deadline.time_since_epoch() / TimerWheel::kTick;
        model[timer] = at(ticks * TimerWheel::kTick);
        wheel.arm(timer, model[timer]);
        break;
      }
      case 1:
        model.erase(timer);
        wheel.disarm(timer);
        break;
      default:
        now += TimerWheel::kTick * static_cast<std::int64_t>(random() >> (40 + random() % 24));
        while (const auto due = wheel.pop_due(now)) {
          ASSERT_TRUE(model.contains(*due));
          ASSERT_LE(model[*due], now);
          model.erase(*due);
        }
        for (const auto& [id, deadline] : model) ASSERT_GT(deadline, now) << id;
    }
    ASSERT_EQ(wheel.armed(), model.size());
  }
}

}  // namespace
}  // namespace sallyport
