// rate_limiter_test.cpp — token buckets.
#include "policy/decide/rate_limiter.h"

#include <gtest/gtest.h>

namespace sallyport::policy {
namespace {

int take_all(TokenBucket& bucket, const BucketShape& shape, Timestamp now, int tries = 1000) {
  int taken = 0;
  for (int i = 0; i < tries; ++i) taken += bucket.take(shape, now) ? 1 : 0;
  return taken;
}

TEST(TokenBucket, GivesItsBurstAtOnce) {
  TokenBucket bucket;
  EXPECT_EQ(take_all(bucket, BucketShape::of({{50, 1s}, 100}), Timestamp{}), 100);
}

TEST(TokenBucket, RefillsAtItsRateAndNotAboveItsBurst) {
  const BucketShape shape = BucketShape::of({{50, 1s}, 100});
  TokenBucket bucket;
  Timestamp now{5s};
  take_all(bucket, shape, now);
  EXPECT_EQ(take_all(bucket, shape, now += 1s), 50);
  EXPECT_EQ(take_all(bucket, shape, now += 20ms), 1);
  EXPECT_EQ(take_all(bucket, shape, now += 19ms), 0);
  EXPECT_EQ(take_all(bucket, shape, now += 1h), 100);
}

TEST(TokenBucket, LetsASteadyStreamAtItsRatePassForEver) {
  const BucketShape shape = BucketShape::of({{30, std::chrono::minutes(1)}, 1});
  TokenBucket bucket;
  Timestamp now{};
  for (int i = 0; i < 10000; ++i, now += 2s) ASSERT_TRUE(bucket.take(shape, now)) << i;
  EXPECT_FALSE(bucket.take(shape, now - 1s));
}

TEST(TokenBucket, IsFullBeforeItsFirstUseAndAgainAfterARest) {
  const BucketShape shape = BucketShape::of({{10, 1s}, 10});
  TokenBucket bucket;
  EXPECT_TRUE(bucket.is_full(Timestamp{}));
  EXPECT_TRUE(bucket.take(shape, Timestamp{}));
  EXPECT_FALSE(bucket.is_full(Timestamp{99ms}));
  EXPECT_TRUE(bucket.is_full(Timestamp{100ms}));
}

TEST(BucketShape, GivesNothingAtARateOfNothing) {
  TokenBucket bucket;
  EXPECT_EQ(take_all(bucket, BucketShape::of({{0, 1s}, 100}), Timestamp{1h}), 0);
  EXPECT_EQ(take_all(bucket, BucketShape::of_rate({0, 1s}, 1s), Timestamp{1h}), 0);
}

TEST(BucketShape, HoldsAtLeastOneToken) {
  TokenBucket bucket;
  EXPECT_EQ(take_all(bucket, BucketShape::of({{10, 1s}, 0}), Timestamp{}), 1);
}

TEST(BucketShape, SurvivesTheExtremes) {
  for (const BucketLimit limit :
       {BucketLimit{{UINT64_MAX, 1s}, UINT64_MAX}, BucketLimit{{1, 24h * 365}, UINT64_MAX},
        BucketLimit{{1'000'000'000'000, 1s}, 1}, BucketLimit{{1, 1ns}, UINT64_MAX}}) {
    TokenBucket bucket;
    for (const Timestamp now : {Timestamp{}, Timestamp{24h * 365 * 100}})
      EXPECT_TRUE(bucket.take(BucketShape::of(limit), now));
  }
}

TEST(BucketShape, IsSharedByLcores) {
  TokenBucket one, other;
  const BucketShape shape = BucketShape::of({{2000, 1s}, 400}, 2);
  EXPECT_EQ(take_all(one, shape, Timestamp{}) + take_all(other, shape, Timestamp{}), 400);
  EXPECT_EQ(take_all(one, shape, Timestamp{100ms}) + take_all(other, shape, Timestamp{100ms}), 200);
}

}  // namespace
}  // namespace sallyport::policy
