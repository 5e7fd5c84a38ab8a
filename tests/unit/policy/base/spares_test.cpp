// spares_test.cpp — memory that is used again: the last one first, and no more of it than was said.
#include "policy/base/spares.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace sallyport {
namespace {

TEST(Spares, GiveBackTheLastOneFirstAndThenNewOnes) {
  Spares<std::string> spares(4);
  spares.give("one");
  spares.give("two");
  EXPECT_EQ(spares.take(), "two");
  EXPECT_EQ(spares.take(), "one");
  EXPECT_EQ(spares.take(), "");
}

TEST(Spares, KeepNoMoreThanWasSaid) {
  const auto counted = std::make_shared<int>(0);
  Spares<std::shared_ptr<int>> spares(2);
  for (int i = 0; i < 5; ++i) spares.give(std::shared_ptr<int>(counted));
  EXPECT_EQ(spares.size(), 2u);
  EXPECT_EQ(counted.use_count(), 3);
}

}  // namespace
}  // namespace sallyport
