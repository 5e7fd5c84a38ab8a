// source_latch_test.cpp — ranks, and each line of the table in source_latch.h: RFC 7362; threats M1.
#include "media-relay/flow/source_latch.h"

#include <gtest/gtest.h>

#include <string>

namespace sallyport::media {
namespace {

Endpoint at(const std::string& text) { return *parse_endpoint(text, 0); }

TEST(SourceRank, IsByAddressAndPortThenHostThenPort) {
  LatchRules rules{.mode = LatchMode::Any,
                   .expected = at("192.0.2.1:4000"),
                   .signalled = *IpAddress::parse("198.51.100.9")};
  EXPECT_EQ(rank_of(at("192.0.2.1:4000"), rules), SourceRank::Exact);
  EXPECT_EQ(rank_of(at("192.0.2.1:4001"), rules), SourceRank::Host);
  EXPECT_EQ(rank_of(at("198.51.100.9:1"), rules), SourceRank::Host);
  EXPECT_EQ(rank_of(at("203.0.113.1:4000"), rules), SourceRank::Port);
  EXPECT_EQ(rank_of(at("203.0.113.1:4001"), rules), SourceRank::Anybody);
  rules.mode = LatchMode::Signalled;
  EXPECT_EQ(rank_of(at("198.51.100.9:1"), rules), SourceRank::Host);
  EXPECT_EQ(rank_of(at("203.0.113.1:4000"), rules), SourceRank::Foreign);
  rules.mode = LatchMode::Sdp;
  EXPECT_EQ(rank_of(at("192.0.2.1:4001"), rules), SourceRank::Host);
  EXPECT_EQ(rank_of(at("198.51.100.9:1"), rules), SourceRank::Foreign);
}

TEST(SourceRank, KnowsNobodyByAnAddressThatWasNotSaid) {
  const LatchRules rules{.mode = LatchMode::Signalled, .expected = {}, .signalled = {}};
  EXPECT_EQ(rank_of({}, rules), SourceRank::Foreign);
  EXPECT_EQ(rank_of(at("192.0.2.1:4000"), rules), SourceRank::Foreign);
  const LatchRules any{.mode = LatchMode::Any, .expected = {}, .signalled = {}};
  EXPECT_EQ(rank_of(at("192.0.2.1:4000"), any), SourceRank::Anybody);
}

class SourceLatchTest : public testing::Test {
 protected:
  LatchAnswer hear(const std::string& source, SourceRank rank, int times = 1) {
    LatchAnswer last{};
    for (int i = 0; i < times; ++i) last = latch.on_packet(now, at(source), rank, patience);
    return last;
  }
  SourceLatch latch;
  LatchPatience patience;
  Timestamp now{Timestamp{} + 5s};
};

TEST_F(SourceLatchTest, LocksToTheExactSourceAtOnce) {
  EXPECT_EQ(hear("192.0.2.1:1", SourceRank::Exact), LatchAnswer::Learned);
  EXPECT_TRUE(latch.is_locked());
  EXPECT_EQ(latch.source(), at("192.0.2.1:1"));
}

TEST_F(SourceLatchTest, LocksToAnotherAtItsFifthPacket) {
  EXPECT_EQ(hear("192.0.2.1:1", SourceRank::Host, 4), LatchAnswer::Relay);
  EXPECT_FALSE(latch.is_locked());
  EXPECT_EQ(hear("192.0.2.1:1", SourceRank::Host), LatchAnswer::Learned);
}

TEST_F(SourceLatchTest, RelaysFivePacketsAtMostBeforeItLocks) {
  EXPECT_EQ(hear("192.0.2.1:1", SourceRank::Anybody, 4), LatchAnswer::Relay);
  EXPECT_EQ(hear("192.0.2.2:1", SourceRank::Host), LatchAnswer::Relay);
  EXPECT_EQ(hear("192.0.2.2:1", SourceRank::Host, 3), LatchAnswer::Wait);
  EXPECT_EQ(hear("192.0.2.2:1", SourceRank::Host), LatchAnswer::Learned);
}

TEST_F(SourceLatchTest, TriesABetterSourceInsteadOfAWorse) {
  (void)hear("192.0.2.1:1", SourceRank::Anybody, 4);
  EXPECT_EQ(hear("192.0.2.2:1", SourceRank::Host), LatchAnswer::Relay);
  EXPECT_EQ(hear("192.0.2.1:1", SourceRank::Anybody), LatchAnswer::Foreign);
}

TEST_F(SourceLatchTest, KeepsToTheOneTriedAgainstItsEquals) {
  (void)hear("192.0.2.1:1", SourceRank::Host);
  EXPECT_EQ(hear("192.0.2.2:1", SourceRank::Host, 100), LatchAnswer::Foreign);
  EXPECT_EQ(hear("192.0.2.1:1", SourceRank::Host, 4), LatchAnswer::Learned);
}

TEST_F(SourceLatchTest, ForgetsOneTriedThatWasNotHeardForAWhile) {
  (void)hear("192.0.2.1:1", SourceRank::Host);
  now += patience.forgotten + 1ms;
  EXPECT_EQ(hear("192.0.2.2:1", SourceRank::Anybody), LatchAnswer::Relay);
}

TEST_F(SourceLatchTest, ExactSourceWinsInTheMiddleOfLearning) {
  (void)hear("192.0.2.1:1", SourceRank::Host, 4);
  EXPECT_EQ(hear("192.0.2.9:1", SourceRank::Exact), LatchAnswer::Learned);
  EXPECT_EQ(latch.source(), at("192.0.2.9:1"));
}

TEST_F(SourceLatchTest, OnceLockedOnlyAStrictlyBetterSourceTakesOver) {
  (void)hear("192.0.2.1:1", SourceRank::Port, 5);
  EXPECT_EQ(hear("192.0.2.2:1", SourceRank::Port, 100), LatchAnswer::Foreign);
  EXPECT_EQ(hear("192.0.2.3:1", SourceRank::Anybody, 100), LatchAnswer::Foreign);
  EXPECT_EQ(hear("192.0.2.4:1", SourceRank::Host), LatchAnswer::Learned);
  EXPECT_EQ(hear("192.0.2.5:1", SourceRank::Exact), LatchAnswer::Learned);
  EXPECT_EQ(hear("192.0.2.6:1", SourceRank::Exact), LatchAnswer::Foreign);
}

TEST_F(SourceLatchTest, NeverTriesAForeignSource) {
  EXPECT_EQ(hear("192.0.2.1:1", SourceRank::Foreign, 100), LatchAnswer::Foreign);
  EXPECT_EQ(hear("192.0.2.2:1", SourceRank::Host), LatchAnswer::Relay);
}

TEST_F(SourceLatchTest, LearningAgainPrefersAnybodyElseOfTheSameRankToTheOldSource) {
  (void)hear("192.0.2.1:1", SourceRank::Host, 5);
  latch.learn_again(false);
  EXPECT_EQ(hear("192.0.2.1:1", SourceRank::Host, 3), LatchAnswer::Relay);
  EXPECT_EQ(hear("192.0.2.1:2", SourceRank::Host), LatchAnswer::Relay);
  EXPECT_EQ(hear("192.0.2.1:1", SourceRank::Host), LatchAnswer::Foreign);
}

TEST_F(SourceLatchTest, LearningAgainRelaysFivePacketsAgain) {
  (void)hear("192.0.2.1:1", SourceRank::Host, 5);
  latch.learn_again(false);
  EXPECT_EQ(hear("192.0.2.1:2", SourceRank::Host, 4), LatchAnswer::Relay);
  EXPECT_EQ(hear("192.0.2.1:2", SourceRank::Host), LatchAnswer::Learned);
}

TEST_F(SourceLatchTest, RankAgainLetsABetterOneTakeOver) {
  (void)hear("192.0.2.1:1", SourceRank::Exact);
  latch.rank_again(SourceRank::Foreign);
  EXPECT_EQ(hear("192.0.2.2:1", SourceRank::Host), LatchAnswer::Learned);
}

}  // namespace
}  // namespace sallyport::media
