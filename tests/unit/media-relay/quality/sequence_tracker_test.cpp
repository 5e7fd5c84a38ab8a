// sequence_tracker_test.cpp — loss, restarts, wrap and jitter: RFC 3550 §A.1, §A.3, §A.8.
#include "media-relay/quality/sequence_tracker.h"

#include <gtest/gtest.h>

namespace sallyport::media {
namespace {

class SequenceTrackerTest : public testing::Test {
 protected:
  SequenceTrackerTest() { tracker.set_payload(0, 8000); }
  void packet(std::uint16_t sequence, Duration late = 0s) {
    tracker.on_packet(now + late, {.ssrc = ssrc, .sequence = sequence, .timestamp = timestamp}, totals);
    now += 20ms;
    timestamp += 160;
  }
  void packets(int first, int last) {
    for (int i = first; i <= last; ++i) packet(static_cast<std::uint16_t>(i));
  }
  [[nodiscard]] std::uint64_t lost() const { return totals.lost + tracker.lost(); }
  [[nodiscard]] std::uint64_t received() const { return totals.received + tracker.received(); }

  SequenceTracker tracker;
  SequenceTotals totals;
  std::uint32_t ssrc = 7;
  std::uint32_t timestamp = 5000;
  Timestamp now{Timestamp{} + 50s};
};

TEST_F(SequenceTrackerTest, CountsASourceFromItsSecondPacketInOrder) {
  EXPECT_FALSE(tracker.has_source());
  packet(10);
  EXPECT_EQ(tracker.received(), 0u);
  packet(11);
  EXPECT_EQ(tracker.received(), 1u);
  packets(12, 20);
  EXPECT_EQ(tracker.received(), 10u);
  EXPECT_EQ(lost(), 0u);
}

TEST_F(SequenceTrackerTest, CountsMissingNumbersAsLost) {
  packets(1, 50);
  packets(56, 100);
  EXPECT_EQ(lost(), 5u);
}

TEST_F(SequenceTrackerTest, ALatePacketIsNotLost) {
  packets(1, 10);
  packets(12, 13);
  EXPECT_EQ(lost(), 1u);
  packet(11);
  EXPECT_EQ(lost(), 0u);
}

TEST_F(SequenceTrackerTest, RepeatedPacketsNeverMakeLossNegativeNorMakeUpForLostOnes) {
  packets(1, 10);
  for (int i = 0; i < 50; ++i) packet(10);
  EXPECT_EQ(lost(), 0u);
  packets(16, 20);
  for (int i = 0; i < 50; ++i) packet(20);
  EXPECT_EQ(lost(), 5u);
}

TEST_F(SequenceTrackerTest, GoesThroughTheWrapOfTheNumber) {
  packets(65'500, 65'535);
  packets(0, 100);
  EXPECT_EQ(lost(), 0u);
  EXPECT_EQ(tracker.received(), 136u);
  EXPECT_EQ(tracker.highest(), 65'536u + 100u);
}

TEST_F(SequenceTrackerTest, IgnoresASingleWildNumber) {
  packets(1, 10);
  packet(40'000);
  packets(11, 20);
  EXPECT_EQ(lost(), 0u);
}

TEST_F(SequenceTrackerTest, BelievesAJumpWhenTheNextNumberFollowsAndKeepsWhatWasLostBefore) {
  packets(1, 10);
  packets(13, 20);
  packets(40'000, 40'010);
  EXPECT_EQ(lost(), 2u);
  EXPECT_EQ(tracker.expected(), 10u);
}

TEST_F(SequenceTrackerTest, AnotherSourceBeginsAnewAndKeepsTheSums) {
  packets(1, 10);
  packets(14, 20);
  ssrc = 8;
  packets(500, 510);
  packets(512, 520);
  EXPECT_EQ(tracker.ssrc(), 8u);
  EXPECT_EQ(lost(), 3u + 1u);
}

TEST_F(SequenceTrackerTest, ASourceThatChangesWithEveryPacketCountsNothing) {
  for (std::uint16_t i = 0; i < 1000; ++i) {
    ssrc = 1000u + i;
    packet(static_cast<std::uint16_t>(i * 7919));
  }
  EXPECT_EQ(lost(), 0u);
  EXPECT_EQ(received(), 0u);
}

TEST_F(SequenceTrackerTest, SeesNoJitterInEvenArrivals) {
  packets(1, 500);
  EXPECT_LE(tracker.jitter_us(), 125u);
}

TEST_F(SequenceTrackerTest, SeesTheJitterOfUnevenArrivals) {
  for (int i = 1; i < 2000; ++i) packet(static_cast<std::uint16_t>(i), i % 2 == 0 ? 10ms : 0ms);
  EXPECT_NEAR(tracker.jitter_us(), 10'000, 500);
  EXPECT_GE(tracker.jitter_max_us(), tracker.jitter_us());
}

TEST_F(SequenceTrackerTest, ASilenceIsNoJitter) {
  packets(1, 100);
  now += 3600s;
  timestamp += 8000u * 3600u;
  packets(101, 200);
  EXPECT_LE(tracker.jitter_max_us(), 200u);
}

TEST_F(SequenceTrackerTest, ATimestampThatJumpsBySecondsIsNoJitter) {
  packets(1, 100);
  timestamp += 123'456'789;
  packets(101, 200);
  EXPECT_LE(tracker.jitter_max_us(), 200u);
}

TEST_F(SequenceTrackerTest, JitterIsMeasuredByTheClockOfThePayload) {
  tracker.set_payload(96, 48'000);
  for (int i = 1; i < 2000; ++i) {
    tracker.on_packet(now + (i % 2 == 0 ? 10ms : 0ms),
                      {.ssrc = 1, .sequence = static_cast<std::uint16_t>(i), .timestamp = timestamp}, totals);
    now += 20ms;
    timestamp += 960;
  }
  EXPECT_NEAR(tracker.jitter_us(), 10'000, 500);
}

TEST_F(SequenceTrackerTest, WithoutAClockThereIsNoJitter) {
  tracker.set_payload(96, 0);
  for (int i = 1; i < 100; ++i) packet(static_cast<std::uint16_t>(i), i % 2 == 0 ? 10ms : 0ms);
  EXPECT_EQ(tracker.jitter_us(), 0u);
  EXPECT_EQ(tracker.jitter_max_us(), 0u);
}

TEST_F(SequenceTrackerTest, EventsCountInTheSequenceAndNotInTheJitter) {
  packets(1, 100);
  for (std::uint16_t i = 101; i < 110; ++i) {
    now += 50ms;
    tracker.on_sequence({.ssrc = ssrc, .sequence = i, .timestamp = timestamp}, totals);
  }
  EXPECT_EQ(lost(), 0u);
  EXPECT_LE(tracker.jitter_max_us(), 200u);
}

TEST_F(SequenceTrackerTest, ForetellsTheTimestampOfTheSource) {
  std::uint32_t foretold = 0;
  EXPECT_FALSE(tracker.timestamp_at(now, foretold));
  packets(1, 10);
  ASSERT_TRUE(tracker.timestamp_at(now, foretold));
  EXPECT_NEAR(foretold, timestamp, 2);
}

}  // namespace
}  // namespace sallyport::media
