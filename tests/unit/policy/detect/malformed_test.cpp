// malformed_test.cpp — broken messages, as shipped: 30 a minute of a flow.
#include "policy/detect/malformed.h"

#include "tests/unit/policy/detect/board_fixture.h"

namespace sallyport::policy {
namespace {

using MalformedDetectorTest = BoardTest;

TEST_F(MalformedDetectorTest, ThirtyInAMinuteAreLetPassAndOneMoreIsNot) {
  for (int i = 0; i < 30; ++i) ASSERT_FALSE(board.on_malformed(now, stranger())) << i;
  const auto finding = board.on_malformed(now + 59s, stranger());
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->detector, Detector::Malformed);
  EXPECT_EQ(finding->action, DetectorAction::Block);
  EXPECT_EQ(finding->block_for, 10min);
  EXPECT_FALSE(finding->is_flow_only);
  EXPECT_TRUE(finding->is_told);
  EXPECT_EQ(finding->evidence, "31 broken messages within 60 s, 30 allowed");
}

TEST_F(MalformedDetectorTest, WhatCameAMinuteAgoCountsNoMore) {
  for (int i = 0; i < 30; ++i) ASSERT_FALSE(board.on_malformed(now, stranger()));
  EXPECT_FALSE(board.on_malformed(now + 60s, stranger()));
}

TEST_F(MalformedDetectorTest, APhoneThatAlwaysSendsSomethingBrokenIsNeverMet) {
  for (int i = 0; i < 3 * 24 * 3600 / 20; ++i, now += 20s) ASSERT_FALSE(board.on_malformed(now, stranger()));
}

// A false positive: 200 phones of one kind behind one address, just after a restart of Sallyport.
TEST_F(MalformedDetectorTest, TwoHundredSuchPhonesBehindOneAddressAreNotMetEither) {
  for (int minute = 0; minute < 10; ++minute, now += 60s)
    for (std::uint16_t phone = 0; phone < 200; ++phone)
      for (int i = 0; i < 3; ++i)
        ASSERT_FALSE(
            board.on_malformed(now + i * 20s, stranger(1, static_cast<std::uint16_t>(10'000 + phone))));
}

TEST_F(MalformedDetectorTest, AnAddressThatChangesItsPortEachTimeIsMet) {
  for (std::uint16_t port = 0; port < 600; ++port)
    ASSERT_FALSE(board.on_malformed(now, stranger(1, static_cast<std::uint16_t>(10'000 + port))));
  const auto finding = board.on_malformed(now, stranger(1, 9'000));
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->action, DetectorAction::Block);
  EXPECT_EQ(finding->evidence, "601 broken messages of many ports within 60 s, 600 allowed");
}

TEST_F(MalformedDetectorTest, AnIpv6SourceIsCountedAsAny) {
  Actor actor = stranger();
  actor.source.address = *IpAddress::parse("2001:db8::17");
  for (int i = 0; i < 30; ++i) ASSERT_FALSE(board.on_malformed(now, actor));
  EXPECT_EQ(action_of(board.on_malformed(now, actor)), DetectorAction::Block);
}

TEST_F(MalformedDetectorTest, AChallengeIsLeftToTheEngine) {
  config.malformed.action = DetectorAction::Challenge;
  board.adopt(config);
  for (int i = 0; i < 30; ++i) ASSERT_FALSE(board.on_malformed(now, stranger()));
  const auto finding = board.on_malformed(now, stranger());
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->action, DetectorAction::Challenge);
  EXPECT_EQ(finding->block_for, Duration{});
}

}  // namespace
}  // namespace sallyport::policy
