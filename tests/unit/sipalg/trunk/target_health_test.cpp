// Up and down of one target, whatever it is that asks it: RFC 3263 §4.3.
#include "sipalg/trunk/target_health.h"

#include <gtest/gtest.h>

namespace sallyport::sip {
namespace {

constexpr HealthConfig kHealth{.ping = 30s, .down_after = 3, .up_after = 2};

TEST(TargetHealth, IsDownAfterSoManyFailuresInARow) {
  TargetHealth target;
  EXPECT_FALSE(target.on_failure(kHealth));
  EXPECT_FALSE(target.on_failure(kHealth));
  EXPECT_FALSE(target.on_success(kHealth));
  EXPECT_FALSE(target.on_failure(kHealth));
  EXPECT_FALSE(target.on_failure(kHealth));
  EXPECT_TRUE(target.is_up());
  EXPECT_TRUE(target.on_failure(kHealth));
  EXPECT_FALSE(target.is_up());
  EXPECT_FALSE(target.on_failure(kHealth)) << "it was down before";
}

TEST(TargetHealth, IsUpAfterSoManySuccessesInARow) {
  TargetHealth target(false);
  EXPECT_FALSE(target.on_success(kHealth));
  EXPECT_FALSE(target.on_failure(kHealth));
  EXPECT_FALSE(target.on_success(kHealth));
  EXPECT_TRUE(target.on_success(kHealth));
  EXPECT_TRUE(target.is_up());
}

TEST(TargetHealth, IsAskedFasterWhileItFails) {
  TargetHealth target;
  EXPECT_EQ(target.interval(kHealth), 30s);
  (void)target.on_failure(kHealth);
  EXPECT_EQ(target.interval(kHealth), kAnxiousPing);
  EXPECT_EQ(target.interval({.ping = 2s}), 2s);
}

TEST(TargetHealth, FailedCallsNeverTakeTheLastStep) {
  for (const std::uint32_t down_after : {1u, 2u, 3u, 100u}) {
    const HealthConfig health{.ping = 30s, .down_after = down_after, .up_after = 1};
    TargetHealth target;
    for (int i = 0; i < 500; ++i) target.on_failed_calls(health, 0xffffffff);
    EXPECT_TRUE(target.is_up());
    EXPECT_EQ(target.failures(), down_after - 1);
    EXPECT_TRUE(target.on_failure(health));
    target.on_failed_calls(health, 5);
    EXPECT_FALSE(target.is_up());
    EXPECT_TRUE(target.on_success(health));
    EXPECT_EQ(target.failures(), 0u);
  }
}

TEST(TargetHealth, AnyAnswerButNotNowIsASignOfLife) {
  EXPECT_TRUE(is_sign_of_life(200) && is_sign_of_life(404) && is_sign_of_life(500) && is_sign_of_life(603));
  EXPECT_FALSE(is_sign_of_life(100) || is_sign_of_life(408) || is_sign_of_life(503));
}

}  // namespace
}  // namespace sallyport::sip
