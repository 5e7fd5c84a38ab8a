// busy_shed_test.cpp — a signalling thread that is nearly always at work leaves strangers' messages undone
// first, then new calls of those who earned trust, and never those of known peers.
#include "dataplane/shard/busy_shed.h"

#include <gtest/gtest.h>

namespace sallyport::dataplane {
namespace {

constexpr double kLimit = 0.85;

unsigned shed_of_a_hundred(BusyShed& shed, Lane lane) {
  unsigned count = 0;
  for (int i = 0; i < 100; ++i) count += shed.sheds(lane) ? 1 : 0;
  return count;
}

// For so many tenths of a second.
void keep(BusyShed& shed, double busy, int tenths) {
  for (int i = 0; i < tenths; ++i) shed.note(busy, kLimit);
}

TEST(BusyShed, NothingIsShedUpToTheLimit) {
  BusyShed shed;
  keep(shed, kLimit, 1000);
  for (const Lane lane : kLanes) EXPECT_EQ(shed_of_a_hundred(shed, lane), 0U);
}

TEST(BusyShed, OfStrangersMoreIsShedTheLongerTheThreadIsTooBusy) {
  BusyShed shed;
  keep(shed, 0.95, 2);
  const unsigned first = shed_of_a_hundred(shed, Lane::Strangers);
  EXPECT_GT(first, 10U);
  EXPECT_LT(first, 30U);
  keep(shed, 0.95, 4);
  EXPECT_GT(shed_of_a_hundred(shed, Lane::Strangers), first + 30);
  EXPECT_EQ(shed_of_a_hundred(shed, Lane::Trusted), 0U);
}

TEST(BusyShed, StrangersAreNeverShutOutWhollyAndWithinASecondNearly) {
  BusyShed shed;
  keep(shed, 1, 10);
  EXPECT_EQ(shed_of_a_hundred(shed, Lane::Strangers), 90U);
}

TEST(BusyShed, ThoseWithTrustComeAfterStrangersAndKnownPeersNever) {
  BusyShed shed;
  keep(shed, 1, 6);
  EXPECT_EQ(shed_of_a_hundred(shed, Lane::Trusted), 0U);
  keep(shed, 1, 4);
  EXPECT_GT(shed_of_a_hundred(shed, Lane::Trusted), 20U);
  keep(shed, 1, 1000);
  EXPECT_EQ(shed_of_a_hundred(shed, Lane::Trusted), 90U);
  EXPECT_EQ(shed_of_a_hundred(shed, Lane::Known), 0U);
}

TEST(BusyShed, ItEndsSomeSecondsAfterTheThreadHasTimeAgain) {
  BusyShed shed;
  keep(shed, 1, 1000);
  keep(shed, 0.2, 10);
  EXPECT_EQ(shed_of_a_hundred(shed, Lane::Strangers), 90U);  // not at once: it would come back as soon
  keep(shed, 0.2, 30);
  for (const Lane lane : kLanes) EXPECT_EQ(shed_of_a_hundred(shed, lane), 0U);
}

TEST(BusyShed, WhatIsShedIsSpreadEvenly) {
  BusyShed shed;
  keep(shed, 0.95, 5);  // half of it
  unsigned in_a_row = 0;
  for (int i = 0; i < 100; ++i) {
    in_a_row = shed.sheds(Lane::Strangers) ? in_a_row + 1 : 0;
    ASSERT_LE(in_a_row, 1U);
  }
}

}  // namespace
}  // namespace sallyport::dataplane
