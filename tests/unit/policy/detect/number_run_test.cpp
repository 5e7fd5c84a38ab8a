// number_run_test.cpp — who dials one number after the next.
#include "policy/detect/number_run.h"

#include <gtest/gtest.h>

#include <string>

namespace sallyport::policy {
namespace {

TEST(NumberRun, CountsNumbersThatFollowOneAnother) {
  NumberRun runs(1000);
  for (unsigned i = 0; i < 10; ++i) EXPECT_EQ(runs.add(1, "+493012345" + std::to_string(10 + i)), i);
  EXPECT_EQ(runs.add(1, "+49301234516"), 10u) << "downwards too";
}

TEST(NumberRun, IsNotBrokenByARedialAndHalvedByAnotherNumber) {
  NumberRun runs(1000);
  for (int i = 0; i < 9; ++i) (void)runs.add(1, "0301234" + std::to_string(10 + i));
  EXPECT_EQ(runs.add(1, "030123418"), 8u);
  EXPECT_EQ(runs.add(1, "0894711"), 4u);
  EXPECT_EQ(runs.add(2, "030123419"), 0u) << "another account";
}

TEST(NumberRun, CountsNoFurtherThanItsRoom) {
  NumberRun runs(1000);
  unsigned run = 0;
  for (int i = 0; i < 1000; ++i) run = runs.add(1, "+4930" + std::to_string(1'000'000 + i));
  EXPECT_EQ(run, NumberRun::kRunMax);
}

TEST(NumberRun, WhatIsNoNumberIsNone) {
  NumberRun runs(1000);
  for (const char* const called : {"", "+", "alice", "112", "1234", "12a4567", "sip:12345678"})
    EXPECT_EQ(runs.add(1, called), 0u) << called;
}

}  // namespace
}  // namespace sallyport::policy
