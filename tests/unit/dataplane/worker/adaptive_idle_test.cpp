// adaptive_idle_test.cpp — when an lcore rests, for how long, and whether a packet may end it.
#include "dataplane/worker/adaptive_idle.h"

#include <gtest/gtest.h>

namespace sallyport::dataplane {
namespace {

constexpr bool kPolls = false, kPacketsWake = true;

Duration length_of(const Rest& rest) { return rest.length; }

TEST(AdaptiveIdle, DoesNotRestWhileThereIsTraffic) {
  for (const bool can_packets_wake : {kPolls, kPacketsWake}) {
    AdaptiveIdle idle(1, can_packets_wake);
    for (int i = 0; i < 99; i += 3)
      for (const Moved moved : {Moved::Urgent, Moved::Media, Moved::Patient})
        EXPECT_EQ(length_of(idle.after_turn(Timestamp(i * 1s), moved)), Duration::zero());
  }
}

TEST(AdaptiveIdle, SpinsForAMomentAfterWhatMustNotWait) {
  for (const bool can_packets_wake : {kPolls, kPacketsWake}) {
    AdaptiveIdle idle(1, can_packets_wake);
    EXPECT_EQ(length_of(idle.after_turn(Timestamp(1s), Moved::Urgent)), Duration::zero());
    const Timestamp over{1s + AdaptiveIdle::kSpinAfterTraffic};
    EXPECT_EQ(length_of(idle.after_turn(over - 1us, Moved::Nothing)), Duration::zero());
    EXPECT_EQ(length_of(idle.after_turn(over, Moved::Nothing)), AdaptiveIdle::kFirstSleep);
  }
}

TEST(AdaptiveIdle, MediaIsLikeAllThatMustNotWaitWhereNoPacketCanWakeTheLcore) {
  AdaptiveIdle idle(1, kPolls);
  EXPECT_EQ(length_of(idle.after_turn(Timestamp(1s), Moved::Media)), Duration::zero());
  const Timestamp over{1s + AdaptiveIdle::kSpinAfterTraffic};
  EXPECT_EQ(length_of(idle.after_turn(over - 1us, Moved::Nothing)), Duration::zero());
  const Rest rest = idle.after_turn(over, Moved::Nothing);
  EXPECT_EQ(rest.length, AdaptiveIdle::kFirstSleep);
  EXPECT_FALSE(rest.until_packet);
}

TEST(AdaptiveIdle, WaitsForTheNextPacketSoonAfterMediaAndAlmostWithoutATimer) {
  AdaptiveIdle idle(1, kPacketsWake);
  EXPECT_EQ(length_of(idle.after_turn(Timestamp(1s), Moved::Media)), Duration::zero());
  const Timestamp over{1s + AdaptiveIdle::kSpinAfterMedia};
  EXPECT_EQ(length_of(idle.after_turn(over - 1us, Moved::Nothing)), Duration::zero());
  const Rest rest = idle.after_turn(over, Moved::Nothing);
  EXPECT_TRUE(rest.until_packet);
  EXPECT_GT(rest.length, 250us) << "else a timer ends it before the packet";
}

TEST(AdaptiveIdle, ReturnsSoonToWhatAnotherLcoreMayHaveHandedOver) {
  AdaptiveIdle idle(2, kPacketsWake);
  (void)idle.after_turn(Timestamp(1s), Moved::Media);
  const Rest rest = idle.after_turn(Timestamp(1s + 20us), Moved::Nothing);
  EXPECT_TRUE(rest.until_packet);
  EXPECT_EQ(rest.length, AdaptiveIdle::kFirstSleep);
}

TEST(AdaptiveIdle, MediaDoesNotCutShortWhatIsSpentOnTheAnswerOfLinux) {
  AdaptiveIdle idle(1, kPacketsWake);
  (void)idle.after_turn(Timestamp(1s), Moved::Urgent);
  (void)idle.after_turn(Timestamp(1s + 5us), Moved::Media);
  EXPECT_EQ(length_of(idle.after_turn(Timestamp(1s + 30us), Moved::Nothing)), Duration::zero());
  EXPECT_EQ(length_of(idle.after_turn(Timestamp(1s + 60us), Moved::Nothing)), AdaptiveIdle::kFirstSleep);
}

// The longest single rest while nothing moves.
Duration longest_rest(AdaptiveIdle& idle, Timestamp now) {
  Duration before{};
  for (int i = 0; i < 20; ++i) {
    const Duration length = idle.after_turn(now, Moved::Nothing).length;
    EXPECT_GE(length, before);
    before = length;
    now += length;
  }
  return before;
}

TEST(AdaptiveIdle, RestsLongerAndLongerUpToABoundThatKeepsAnswersWithinTwoMilliseconds) {
  for (const bool can_packets_wake : {kPolls, kPacketsWake}) {
    AdaptiveIdle alone(1, can_packets_wake), one_of_two(2, can_packets_wake);
    EXPECT_LE(longest_rest(alone, Timestamp(1s)), 1500us);
    EXPECT_LE(2 * longest_rest(one_of_two, Timestamp(1s)), 1500us) << "a packet may have to wake two";
    EXPECT_EQ(alone.after_turn(Timestamp(2s), Moved::Nothing).until_packet, can_packets_wake);
  }
}

TEST(AdaptiveIdle, BeginsAnewAfterTraffic) {
  AdaptiveIdle idle(1, kPolls);
  (void)longest_rest(idle, Timestamp(1s));
  EXPECT_EQ(length_of(idle.after_turn(Timestamp(2s), Moved::Urgent)), Duration::zero());
  EXPECT_EQ(length_of(idle.after_turn(Timestamp(2s + 1ms), Moved::Nothing)), AdaptiveIdle::kFirstSleep);
}

TEST(AdaptiveIdle, SleepsAtOnceAfterSipAloneAndNoPacketEndsIt) {
  AdaptiveIdle idle(1, kPacketsWake);
  EXPECT_EQ(length_of(idle.after_turn(Timestamp(1s), Moved::Patient)), Duration::zero());
  const Rest rest = idle.after_turn(Timestamp(1s + 2us), Moved::Nothing);
  EXPECT_GT(rest.length, AdaptiveIdle::kPatientSleep / 2);
  EXPECT_LE(rest.length, AdaptiveIdle::kPatientSleep);
  EXPECT_FALSE(rest.until_packet) << "what comes meanwhile is to be one burst";
  EXPECT_TRUE(idle.after_turn(Timestamp(1s + 1ms), Moved::Nothing).until_packet) << "nothing came";
}

// What one nap after SIP takes in at this many datagrams a second, once it has settled.
std::size_t settled_burst(std::size_t rate, std::size_t lcores) {
  AdaptiveIdle idle(lcores, kPacketsWake);
  Timestamp now{1s};
  std::size_t burst = 1;
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(length_of(idle.after_turn(now, Moved::Patient, burst)), Duration::zero());
    const Duration length = idle.after_turn(now, Moved::Nothing).length;
    EXPECT_LE(length, 1ms);
    now += length;
    burst = 1 + rate * static_cast<std::size_t>(length.count()) / 1'000'000'000;
  }
  return burst;
}

TEST(AdaptiveIdle, SleepsShorterTheMoreSipComesSoThatNoQueueFills) {
  for (const std::size_t lcores : {std::size_t{1}, std::size_t{4}}) {
    EXPECT_GE(settled_burst(30'000, lcores), 8U) << "what a nap is for";
    EXPECT_LE(settled_burst(1'000'000, lcores), 256U);
    EXPECT_LE(settled_burst(10'000'000, lcores), 1024U);
  }
}

TEST(AdaptiveIdle, SipIsNotPatientAmongTrafficThatMustNotWait) {
  AdaptiveIdle idle(1, kPolls);
  EXPECT_EQ(length_of(idle.after_turn(Timestamp(1s), Moved::Urgent)), Duration::zero());
  EXPECT_EQ(length_of(idle.after_turn(Timestamp(1s + 20us), Moved::Patient)), Duration::zero());
  EXPECT_EQ(length_of(idle.after_turn(Timestamp(1s + 22us), Moved::Nothing)), Duration::zero());
  EXPECT_EQ(length_of(idle.after_turn(Timestamp(1s + 90us), Moved::Nothing)), AdaptiveIdle::kFirstSleep);
}

TEST(AdaptiveIdle, NothingMustWaitForATimerAmongMedia) {
  AdaptiveIdle idle(1, kPacketsWake);
  (void)idle.after_turn(Timestamp(1s), Moved::Media);
  (void)idle.after_turn(Timestamp(1s + 20us), Moved::Patient);
  EXPECT_TRUE(idle.after_turn(Timestamp(1s + 22us), Moved::Nothing).until_packet)
      << "the next packet may be voice";
}

}  // namespace
}  // namespace sallyport::dataplane
