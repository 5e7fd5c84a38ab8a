// fixed_vector_test.cpp — a vector with its capacity in its type.
#include "policy/base/fixed_vector.h"

#include <gtest/gtest.h>

namespace sallyport {
namespace {

TEST(FixedVector, RefusesOneMoreThanItsCapacity) {
  FixedVector<int, 2> vector;
  EXPECT_TRUE(vector.empty());
  EXPECT_TRUE(vector.push_back(1));
  EXPECT_TRUE(vector.push_back(2));
  EXPECT_TRUE(vector.full());
  EXPECT_FALSE(vector.push_back(3));
  EXPECT_EQ(vector.size(), 2u);
  EXPECT_EQ(vector[1], 2);
}

TEST(FixedVector, IteratesOverWhatItHolds) {
  FixedVector<int, 8> vector;
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(vector.push_back(i));
  int sum = 0;
  for (const int value : vector) sum += value;
  EXPECT_EQ(sum, 10);
}

TEST(FixedVector, CanBeShortenedAndCleared) {
  FixedVector<int, 4> vector;
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(vector.push_back(i));
  vector.truncate(1);
  EXPECT_EQ(vector.size(), 1u);
  EXPECT_EQ(vector[0], 0);
  vector.clear();
  EXPECT_TRUE(vector.empty());
}

TEST(FixedVectorDeathTest, StopsTheProgramWhenItWouldGrowByTruncate) {
  FixedVector<int, 4> vector;
  EXPECT_DEATH(vector.truncate(1), "internal error");
}

}  // namespace
}  // namespace sallyport
