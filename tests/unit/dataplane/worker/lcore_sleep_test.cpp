// lcore_sleep_test.cpp — what ends the rest of an lcore.
#include "dataplane/worker/lcore_sleep.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "dataplane/dpdk/clock.h"

namespace sallyport::dataplane {
namespace {

constexpr Duration kLong = 900ms, kShort = 2ms;

class LcoreSleepTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_DGRAM, 0, quiet_.data()), 0);
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_DGRAM, 0, heard_.data()), 0);
  }
  void TearDown() override {
    for (const int socket : {quiet_[0], quiet_[1], heard_[0], heard_[1]}) close(socket);
  }
  static Duration taken(LcoreSleep& lcore, const Rest& rest) {
    const Timestamp before = read_clock();
    lcore.take(rest);
    return read_clock() - before;
  }

  std::array<int, 2> quiet_{}, heard_{};
};

TEST_F(LcoreSleepTest, APacketEndsARestThatIsUntilAPacket) {
  LcoreSleep lcore({quiet_[0], heard_[0]});
  ASSERT_EQ(send(heard_[1], "x", 1, 0), 1);
  EXPECT_LT(taken(lcore, {kLong, true}), kLong / 2);
}

TEST_F(LcoreSleepTest, WithoutAPacketItLastsItsTime) {
  LcoreSleep lcore({quiet_[0], heard_[0]});
  EXPECT_GE(taken(lcore, {kShort, true}), kShort);
}

TEST_F(LcoreSleepTest, NoPacketEndsAPatientRest) {
  LcoreSleep lcore({heard_[0]});
  ASSERT_EQ(send(heard_[1], "x", 1, 0), 1);
  EXPECT_GE(taken(lcore, {kShort, false}), kShort);
}

TEST_F(LcoreSleepTest, NoLengthIsNoRest) {
  LcoreSleep lcore({quiet_[0]});
  EXPECT_LT(taken(lcore, {}), kLong / 2);
}

TEST_F(LcoreSleepTest, AQueueWithoutASocketMustBePolled) {
  EXPECT_TRUE(LcoreSleep({quiet_[0], heard_[0]}).can_packets_wake());
  EXPECT_FALSE(LcoreSleep({quiet_[0], -1}).can_packets_wake());
  EXPECT_FALSE(LcoreSleep({}).can_packets_wake());
}

TEST_F(LcoreSleepTest, AnErrorOfTheInterfaceIsNoPacketSoTheLcoreDoesNotTurnWithoutEnd) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  close(ends[0]);  // the writing end is now in error for good
  LcoreSleep lcore({ends[1]});
  EXPECT_GE(taken(lcore, {kShort, true}), kShort);
  close(ends[1]);
}

}  // namespace
}  // namespace sallyport::dataplane
