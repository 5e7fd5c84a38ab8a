// wake_latency_test.cpp — when idle processors are kept awake, and what is written for it.
#include "dataplane/worker/wake_latency.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <thread>
#include <vector>

namespace sallyport::dataplane {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr Timestamp kStart{1s};

// What MediaPace says at the end of each window with so many packets in it, one a turn.
std::vector<bool> judged(std::initializer_list<std::size_t> windows) {
  MediaPace pace;
  Timestamp begin = kStart;
  (void)pace.after_turn(begin, 0);
  std::vector<bool> found;
  for (const std::size_t packets : windows) {
    for (std::size_t i = 0; i < packets; ++i) (void)pace.after_turn(begin + 1ms, 1);
    begin += MediaPace::kWindow;
    found.push_back(pace.after_turn(begin, 0));
  }
  return found;
}

TEST(MediaPace, IsMuchFromTwoThousandPacketsASecondOn) {
  EXPECT_THAT(judged({499, 500}), ElementsAre(false, true));
}

TEST(MediaPace, StaysMuchUntilHalfOfItIsGone) {
  EXPECT_THAT(judged({500, 251, 250, 249, 251}), ElementsAre(true, true, true, false, false));
}

TEST(MediaPace, EndsWithTheMedia) { EXPECT_THAT(judged({5000, 0}), ElementsAre(true, false)); }

TEST(MediaPace, SaysTheSameWithinAWindow) {
  MediaPace pace;
  (void)pace.after_turn(kStart, 0);
  EXPECT_FALSE(pace.after_turn(kStart + MediaPace::kWindow - 1ns, 100000));
  EXPECT_TRUE(pace.after_turn(kStart + MediaPace::kWindow, 0));
}

class WakeLatencyTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(pipe2(ends_.data(), O_CLOEXEC | O_NONBLOCK), 0); }
  void TearDown() override { close(ends_[0]); }
  WakeLatency made() { return WakeLatency(UniqueFd(ends_[1])); }
  // All that has been written since the last question.
  std::vector<std::int32_t> written() {
    std::vector<std::int32_t> found;
    for (std::int32_t one = 0; read(ends_[0], &one, sizeof one) == sizeof one;) found.push_back(one);
    return found;
  }

  std::array<int, 2> ends_{};
};

TEST_F(WakeLatencyTest, AsksOnceAndTakesItBackOnce) {
  WakeLatency latency = made();
  latency.keep_awake(false);
  EXPECT_THAT(written(), IsEmpty());
  for (int i = 0; i < 3; ++i) latency.keep_awake(true);
  EXPECT_THAT(written(), ElementsAre(0));
  for (int i = 0; i < 3; ++i) latency.keep_awake(false);
  EXPECT_THAT(written(), ElementsAre(2'000'000'000));
}

TEST_F(WakeLatencyTest, WhatLinuxRefusesIsNotTriedWithEveryPacket) {
  WakeLatency latency = made();
  std::array<char, 65536> full{};
  while (write(ends_[1], full.data(), full.size()) > 0) {
  }
  latency.keep_awake(true);
  while (read(ends_[0], full.data(), full.size()) > 0) {
  }
  latency.keep_awake(true);
  EXPECT_THAT(written(), IsEmpty());
}

TEST(WakeLatency, WithoutADeviceNothingIsAsked) {
  WakeLatency latency;
  latency.keep_awake(true);
  latency.keep_awake(false);
}

// Of a thread of its own, as the other tests keep their slices.
TEST(ShortSlices, ChangeNeitherPolicyNorNiceness) {
  int nice_before = -99, nice_after = -98, policy = -1;
  bool is_granted = false;
  std::thread([&] {
    (void)nice(3);
    nice_before = getpriority(PRIO_PROCESS, 0);
    is_granted = ask_for_short_slices();
    nice_after = getpriority(PRIO_PROCESS, 0);
    policy = sched_getscheduler(0);
  }).join();
  EXPECT_TRUE(is_granted);
  EXPECT_EQ(nice_after, nice_before);
  EXPECT_EQ(policy, SCHED_OTHER);
}

}  // namespace
}  // namespace sallyport::dataplane
