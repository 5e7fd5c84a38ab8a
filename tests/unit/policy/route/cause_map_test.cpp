// cause_map_test.cpp — causes of Q.850 and the status codes that they stand for.
#include "policy/route/cause_map.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <utility>

namespace sallyport::policy {
namespace {

TEST(CauseMap, TheFirstEntryForACauseWins) {
  const CauseMap map[] = {{34, 503}, {34, 480}, {17, 486}};
  EXPECT_EQ(code_by_cause(map, 34, 480), 503);
  EXPECT_EQ(code_by_cause(map, 17, 480), 486);
  EXPECT_EQ(code_by_cause(map, 16, 480), 480) << "nothing is said of it";
  EXPECT_EQ(code_by_cause(map, 0, 480), 480) << "no cause came";
  EXPECT_EQ(code_by_cause({}, 34, 480), 480);
}

TEST(CauseMap, SuccessAndProgressAreNeverChangedNorMade) {
  const CauseMap map[] = {{34, 200}, {16, 486}, {17, 700}};
  EXPECT_EQ(code_by_cause(map, 34, 480), 480);
  EXPECT_EQ(code_by_cause(map, 17, 480), 480);
  EXPECT_EQ(code_by_cause(map, 16, 200), 200);
  EXPECT_EQ(code_by_cause(map, 16, 183), 183);
}

// RFC 3398 §8.2.6.1
TEST(CauseMap, EachCodeOfTheTableHasItsCause) {
  const std::pair<std::uint16_t, int> table[] = {
      {400, 41},  {401, 21},  {402, 21},  {403, 21},  {404, 1},   {405, 63}, {406, 79},
      {407, 21},  {408, 102}, {410, 22},  {413, 127}, {414, 127}, {415, 79}, {416, 127},
      {420, 127}, {421, 127}, {423, 127}, {480, 18},  {481, 41},  {482, 25}, {483, 25},
      {484, 28},  {485, 1},   {486, 17},  {500, 41},  {501, 79},  {502, 38}, {503, 41},
      {504, 102}, {505, 127}, {513, 127}, {600, 17},  {603, 21},  {604, 1}};
  for (const auto& [code, cause] : table) EXPECT_EQ(int{cause_of_code(code)}, cause) << code;
}

TEST(CauseMap, TheNeighboursOwnCausesGoBeforeTheTable) {
  const CauseMap map[] = {{34, 503}, {42, 503}, {19, 480}, {31, 200}};
  EXPECT_EQ(int{cause_of_code(503, map)}, 34) << "the first one for the code";
  EXPECT_EQ(int{cause_of_code(480, map)}, 19);
  EXPECT_EQ(int{cause_of_code(486, map)}, 17) << "the table";
  EXPECT_EQ(int{cause_of_code(200, map)}, 0) << "no failure";
}

TEST(CauseMap, WhatIsNoFailureOrWasGivenUpHasNone) {
  for (const std::uint16_t code : std::initializer_list<std::uint16_t>{0, 100, 180, 200, 302, 487, 700})
    EXPECT_EQ(int{cause_of_code(code)}, 0) << code;
  EXPECT_EQ(int{cause_of_code(499)}, 127) << "a code that the table does not know";
}

}  // namespace
}  // namespace sallyport::policy
