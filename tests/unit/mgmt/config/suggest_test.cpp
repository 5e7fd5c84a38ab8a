// suggest_test.cpp — which slips of the finger are recognised.
#include "mgmt/config/suggest.h"

#include <gtest/gtest.h>

namespace sallyport::mgmt {
namespace {

TEST(Suggest, CountsEditsAndSwaps) {
  EXPECT_EQ(edit_distance("ports", "ports"), 0u);
  EXPECT_EQ(edit_distance("prots", "ports"), 1u);
  EXPECT_EQ(edit_distance("port", "ports"), 1u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
  EXPECT_EQ(edit_distance("", "abc"), 3u);
}

TEST(Suggest, NamesTheNearestWordOnlyWhenItIsNear) {
  EXPECT_EQ(nearest("lisen", {"listen", "limits"}), "listen");
  EXPECT_EQ(nearest("xyz", {"listen", "limits"}), "");
  EXPECT_EQ(nearest(std::string(100'000, 'a'), {std::string(100'000, 'a')}), "");
}

}  // namespace
}  // namespace sallyport::mgmt
