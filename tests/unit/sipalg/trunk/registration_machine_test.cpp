// When a registration asks, refreshes, gives way and waits: RFC 3261 §10.2.
#include "sipalg/trunk/registration_machine.h"

#include <gtest/gtest.h>

namespace sallyport::sip {
namespace {

using Next = RegistrationMachine::Next;
using State = RegistrationState;
constexpr Timestamp kStart{std::chrono::hours(1)};

class RegistrationMachineTest : public testing::Test {
 protected:
  Next result(RegisterResult result) {
    return machine.on_result(result, 10, kStart);
  }  // 10: a spread of none
  void ask() { machine.on_sent(); }
  RegistrationMachine machine{600s, kStart};
};

TEST_F(RegistrationMachineTest, ASuccessIsRefreshedInTime) {
  EXPECT_TRUE(machine.is_due(kStart));
  ask();
  EXPECT_FALSE(machine.is_due(kStart + 1h));
  EXPECT_EQ(result({.code = 200, .expires_seconds = 600}), Next::Nothing);
  EXPECT_EQ(machine.state(), State::Registered);
  EXPECT_EQ(machine.expires_at(), kStart + 600s);
  EXPECT_EQ(machine.next_at(), kStart + 480s);
  EXPECT_TRUE(machine.is_registered(kStart + 599s));
  EXPECT_FALSE(machine.is_registered(kStart + 600s));
}

TEST_F(RegistrationMachineTest, ARefreshIsHalfAMinuteBeforeTheEndWhereThereIsRoom) {
  for (const std::uint32_t seconds : {1u, 10u, 60u, 61u, 100u, 600u, 86400u}) {
    for (std::uint64_t chance = 0; chance < 20; ++chance) {
      RegistrationMachine one(600s, kStart);
      one.on_sent();
      (void)one.on_result({.code = 200, .expires_seconds = seconds}, chance, kStart);
      const Duration lifetime = std::chrono::seconds(seconds);
      EXPECT_LE(*one.next_at(), kStart + lifetime);
      EXPECT_GE(*one.next_at(), kStart + std::min<Duration>(lifetime / 2, 1s));
      const Duration margin = seconds > 60 ? 30s : 0s;
      EXPECT_LE(*one.next_at(), kStart + lifetime - margin);
    }
  }
}

TEST_F(RegistrationMachineTest, ATooBriefLifetimeIsAskedForAgainOnlySoOften) {
  ask();
  EXPECT_EQ(result({.code = 423, .min_expires = 1800}), Next::Again);
  EXPECT_EQ(machine.lifetime_to_ask(), 1800s);
  EXPECT_EQ(result({.code = 423, .min_expires = 3600}), Next::Again);
  EXPECT_EQ(result({.code = 423, .min_expires = 7200}), Next::Nothing);
  EXPECT_TRUE(machine.has_failed());
  RegistrationMachine other(600s, kStart);
  other.on_sent();
  EXPECT_EQ(other.on_result({.code = 423, .min_expires = 0xffffffff}, 0, kStart), Next::Nothing);
  EXPECT_EQ(other.lifetime_to_ask(), 600s);
}

TEST_F(RegistrationMachineTest, SilenceAndServerFailuresLeadToTheNextTarget) {
  for (const std::uint16_t code : std::initializer_list<std::uint16_t>{408, 500, 503, 504}) {
    ask();
    EXPECT_EQ(result({.code = code}), Next::NextTarget) << code;
  }
  machine.on_none_left(10, kStart);
  EXPECT_TRUE(machine.has_failed());
  EXPECT_EQ(machine.next_at(), kStart + 30s);
}

TEST_F(RegistrationMachineTest, RefusalsWaitLongerEachTimeUpToTenMinutes) {
  Duration last{};
  for (int i = 0; i < 10; ++i) {
    ask();
    EXPECT_EQ(result({.code = 403}), Next::Nothing);
    const Duration pause = *machine.next_at() - kStart;
    EXPECT_GE(pause, last);
    last = pause;
  }
  EXPECT_EQ(last, kLongestBackOff);
  ask();
  (void)result({.code = 200, .expires_seconds = 600});
  EXPECT_FALSE(machine.has_failed());
  ask();
  (void)result({.code = 403});
  EXPECT_EQ(machine.next_at(), kStart + 30s) << "a success begins anew";
  EXPECT_TRUE(machine.is_registered(kStart)) << "the old binding lives until it ends";
}

// RFC 3261 §20.33
TEST_F(RegistrationMachineTest, RetryAfterIsObeyedWithinAnHour) {
  ask();
  (void)result({.code = 480, .retry_after = 120});
  EXPECT_EQ(machine.next_at(), kStart + 120s);
  ask();
  (void)result({.code = 480, .retry_after = 0xffffffff});
  EXPECT_EQ(machine.next_at(), kStart + 1h);
}

TEST_F(RegistrationMachineTest, ALifetimeOfNothingIsNoRegistration) {
  ask();
  EXPECT_EQ(result({.code = 200, .expires_seconds = 0}), Next::Nothing);
  EXPECT_EQ(machine.state(), State::Waiting);
  EXPECT_TRUE(machine.has_failed());
}

TEST_F(RegistrationMachineTest, LeavingTakesTheBindingBackOnceAndIsTheEnd) {
  ask();
  (void)result({.code = 200, .expires_seconds = 600});
  machine.leave(kStart);
  EXPECT_TRUE(machine.is_due(kStart));
  EXPECT_EQ(machine.lifetime_to_ask(), 0s);
  ask();
  EXPECT_EQ(machine.state(), State::Leaving);
  EXPECT_EQ(result({.code = 200}), Next::Nothing);
  EXPECT_EQ(machine.state(), State::Gone);
  machine.hurry(kStart);
  machine.leave(kStart);
  EXPECT_FALSE(machine.next_at());
}

TEST_F(RegistrationMachineTest, WhoWasNeverRegisteredJustLeaves) {
  machine.leave(kStart);
  EXPECT_EQ(machine.state(), State::Gone);
  EXPECT_FALSE(machine.next_at());
}

TEST_F(RegistrationMachineTest, AnAnswerThatNobodyWaitsForChangesNothing) {
  EXPECT_EQ(result({.code = 200, .expires_seconds = 600}), Next::Nothing);
  EXPECT_EQ(machine.state(), State::Waiting);
  EXPECT_FALSE(machine.expires_at());
}

}  // namespace
}  // namespace sallyport::sip
