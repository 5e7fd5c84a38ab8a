// repeat_filter_test.cpp — who says again what nobody answers. RFC 3261 §17.1.1.2; threats R1, R2.
#include "policy/decide/repeat_filter.h"

#include <gtest/gtest.h>

#include <string>

namespace sallyport::policy {
namespace {

constexpr Timestamp kNow{1h};
constexpr HashKey kKey{3, 4};

std::string invite(int number) {
  return "INVITE sip:4001@192.0.2.99 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK" +
         std::to_string(number) + "\r\nCall-ID: " + std::to_string(number) + "@192.0.2.1\r\n";
}

// Half a second, then twice as long each time: 64*T1 in all.
TEST(RepeatFilter, KnowsEachRetransmissionOfARequest) {
  RepeatFilter filter(kKey, 1);
  EXPECT_FALSE(filter.is_again(invite(1), kNow));
  for (const Duration after : {500ms, 1500ms, 3500ms, 7500ms, 15'500ms, 31'500ms})
    EXPECT_TRUE(filter.is_again(invite(1), kNow + after)) << after.count();
  EXPECT_FALSE(filter.is_again(invite(2), kNow + 500ms)) << "another request";
}

TEST(RepeatFilter, WhatComesTwiceAtOnceHasNotWaited) {
  RepeatFilter filter(kKey, 1);
  for (int i = 0; i < 99; ++i) EXPECT_FALSE(filter.is_again(invite(1), kNow + i * 1ms)) << i;
  EXPECT_TRUE(filter.is_again(invite(1), kNow + 100ms));
}

// Whoever sends one datagram a hundred thousand times a second has ten of them.
TEST(RepeatFilter, ADatagramPassesTenTimesASecondAtMost) {
  RepeatFilter filter(kKey, 1);
  int passed = 0;
  for (int i = 0; i < 100'000; ++i) passed += filter.is_again(invite(1), kNow + i * 10us) ? 1 : 0;
  EXPECT_EQ(passed, 9);
}

TEST(RepeatFilter, ForgetsAfterARequestIsGivenUp) {
  RepeatFilter filter(kKey, 1);
  EXPECT_FALSE(filter.is_again(invite(1), kNow));
  EXPECT_FALSE(filter.is_again(invite(1), kNow + 33s));
  EXPECT_TRUE(filter.is_again(invite(1), kNow + 33s + 500ms)) << "from then on it is known again";
}

// 300,000 a second, each another: the one that waits half a second is known among them, and next to nothing
// else.
TEST(RepeatFilter, FindsTheOneThatWaitsInAFlood) {
  RepeatFilter filter(kKey, 1);
  constexpr int kPeersCalls = 100, kFlood = 1500;  // each millisecond one call and 1,500 others
  int flood = 0, passed = 0;
  for (int tick = 0; tick < kPeersCalls; ++tick) {
    EXPECT_FALSE(filter.is_again(invite(-1 - tick), kNow + tick * 5ms));
    for (int i = 0; i < kFlood; ++i) passed += filter.is_again(invite(++flood), kNow + tick * 5ms) ? 1 : 0;
  }
  EXPECT_EQ(passed, 0);
  int known = 0;
  for (int tick = 0; tick < kPeersCalls; ++tick)
    known += filter.is_again(invite(-1 - tick), kNow + 500ms + tick * 5ms) ? 1 : 0;
  EXPECT_EQ(known, kPeersCalls);
}

// An empty datagram, one that is shorter than what is looked at, and the clock's first moment.
TEST(RepeatFilter, TakesWhateverComes) {
  RepeatFilter filter(kKey, 3);
  EXPECT_FALSE(filter.is_again({}, Timestamp{}));
  EXPECT_TRUE(filter.is_again({}, Timestamp{} + 500ms));
  EXPECT_FALSE(filter.is_again(std::string(65'000, 'x'), kNow));
  EXPECT_TRUE(filter.is_again(std::string(65'000, 'x'), kNow + 500ms));
}

TEST(RepeatFilter, ItsMemoryIsFixed) {
  EXPECT_EQ(RepeatFilter::memory_for(1), 8u << 20);
  EXPECT_EQ(RepeatFilter::memory_for(2), 8u << 20);
}

}  // namespace
}  // namespace sallyport::policy
