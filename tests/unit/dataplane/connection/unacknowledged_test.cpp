// unacknowledged_test.cpp — what is kept of messages that were written, and how much at most.
#include "dataplane/connection/unacknowledged.h"

#include <gtest/gtest.h>

namespace sallyport::dataplane {
namespace {

QueuedMessage message(std::string bytes, std::size_t shard = 0) {
  QueuedMessage made;
  made.shard = shard;
  made.bytes = std::move(bytes);
  return made;
}

TEST(Unacknowledged, ForgetsEachMessageOnceItsLastOctetIsAcknowledged) {
  Unacknowledged kept;
  kept.keep(message("one"), 3);
  kept.keep(message("two"), 6);
  kept.acknowledged(2);
  EXPECT_EQ(kept.octets(), 6U);
  kept.acknowledged(5);
  EXPECT_EQ(kept.octets(), 3U);
  const auto left = kept.take_all();
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].bytes, "two");
  EXPECT_TRUE(kept.empty());
}

TEST(Unacknowledged, KeepsOneWayOfAllThatItHasNoRoomFor) {
  Unacknowledged kept;
  std::uint64_t end = 0;
  for (std::size_t i = 0; i < Unacknowledged::kMessagesMax + 10; ++i) kept.keep(message("x"), ++end);
  kept.acknowledged(Unacknowledged::kMessagesMax + 1);
  const auto left = kept.take_all();
  ASSERT_EQ(left.size(), 1U) << "until the last of them is acknowledged";
  EXPECT_EQ(left[0].bytes, "");
}

TEST(Unacknowledged, KeepsNoMoreOctetsThanItMay) {
  Unacknowledged kept;
  kept.keep(message(std::string(Unacknowledged::kOctetsMax, 'x')), 1);
  kept.keep(message("x"), 2);
  EXPECT_EQ(kept.octets(), Unacknowledged::kOctetsMax);
  kept.acknowledged(1);
  EXPECT_EQ(kept.octets(), 0U);
  EXPECT_FALSE(kept.empty());
  kept.acknowledged(2);
  EXPECT_TRUE(kept.empty());
}

TEST(Unacknowledged, KeepsABoundedNumberOfWays) {
  Unacknowledged kept;
  for (std::size_t i = 0; i < 1000; ++i) kept.keep(message("x", i), i);
  EXPECT_EQ(kept.take_all().size(), Unacknowledged::kMessagesMax + Unacknowledged::kWaysMax);
}

TEST(Unacknowledged, KeepsOnlyTheWayOfWhatWasSentASecondTime) {
  Unacknowledged kept;
  QueuedMessage again = message("x");
  again.is_again = true;
  kept.keep(std::move(again), 1);
  kept.keep(message("pong", QueuedMessage::kNobody), 5);
  const auto left = kept.take_all();
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left[0].bytes, "");
}

}  // namespace
}  // namespace sallyport::dataplane
