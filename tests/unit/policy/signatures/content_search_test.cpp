// content_search_test.cpp — finding octets in a text, overlapping and without regard to case.
#include "policy/signatures/content_search.h"

#include <gtest/gtest.h>

namespace sallyport::policy {
namespace {

std::vector<std::size_t> starts(const ContentSearch& search, std::string_view text) {
  std::vector<std::size_t> out;
  search.each(text, [&out](std::size_t start) {
    out.push_back(start);
    return true;
  });
  return out;
}

TEST(ContentSearch, FindsOverlappingOccurrences) {
  EXPECT_EQ(starts({"aba", false}, "ababababa"), (std::vector<std::size_t>{0, 2, 4, 6}));
  EXPECT_EQ(starts({"aaa", false}, "aaaaa"), (std::vector<std::size_t>{0, 1, 2}));
  EXPECT_EQ(starts({"abcabd", false}, "abcabcabd"), (std::vector<std::size_t>{3}));
}

TEST(ContentSearch, CaseCountsUnlessToldOtherwise) {
  EXPECT_EQ(ContentSearch("friendly", false).find("FRIENDLY"), ContentSearch::kNone);
  EXPECT_EQ(ContentSearch("friendly", true).find("a FrIeNdLy one"), 2u);
  EXPECT_TRUE(ContentSearch("ab", true).is_at("xAB", 1));
  EXPECT_FALSE(ContentSearch("ab", true).is_at("xAB", 2));
}

TEST(ContentSearch, FindsOctetsOfAnyValue) {
  const std::string text(
      "a\0b\xff"
      "c",
      5);
  EXPECT_EQ(ContentSearch(std::string("\0b\xff", 3), false).find(text), 1u);
  EXPECT_EQ(ContentSearch(std::string("\0", 1), true).find(text), 1u);
}

TEST(ContentSearch, AShorterTextHoldsNothing) {
  EXPECT_EQ(ContentSearch("abc", false).find("ab"), ContentSearch::kNone);
  EXPECT_EQ(ContentSearch("abc", true).find(""), ContentSearch::kNone);
}

}  // namespace
}  // namespace sallyport::policy
