// peer_budget_watch_test.cpp — a peer in whose name more comes than its calls can need is an alarm, one for
// each peer (threats R1, R2).
#include "mgmt/daemon/peer_budget_watch.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <initializer_list>

namespace sallyport::mgmt {
namespace {

class PeerBudgetWatchTest : public testing::Test {
 protected:
  PeerBudgetWatchTest() {
    for (const char* const name : {"carrier", "pbx"}) config_.peers.emplace_back().name = name;
  }
  WallTime wall() { return WallTime(std::chrono::seconds(++clock_)); }
  void look(std::initializer_list<std::uint64_t> dropped, Timestamp now) {
    const std::vector<std::uint64_t> counts(dropped);
    watch_.look(config_, counts, now);
  }

  std::int64_t clock_ = 0;
  EventLog log_{LogConfig{}, ::open("/dev/null", O_WRONLY | O_CLOEXEC), true, [this] { return wall(); }};
  AlarmRegistry alarms_{log_, [this] { return wall(); }};
  PeerBudgetWatch watch_{alarms_};
  SbcConfig config_;
};

TEST_F(PeerBudgetWatchTest, NobodyIsNamedWhileAllKeepToTheirLimits) {
  look({0, 0}, Timestamp{1s});
  look({0, 0}, Timestamp{6s});
  EXPECT_TRUE(alarms_.active().empty());
}

TEST_F(PeerBudgetWatchTest, ThePeerIsNamedSinceTheFirstTimeAndWithAllThatWasDropped) {
  look({0, 0}, Timestamp{1s});
  look({0, 700}, Timestamp{6s});
  ASSERT_EQ(alarms_.active().size(), 1u);
  const ActiveAlarm first = alarms_.active()[0];
  EXPECT_EQ(first.name, "peer_over_budget");
  EXPECT_EQ(first.subject, "pbx");
  EXPECT_EQ(first.detail, "700 datagrams dropped");
  look({0, 1000}, Timestamp{11s});
  ASSERT_EQ(alarms_.active().size(), 1u) << "one alarm for each peer";
  EXPECT_EQ(alarms_.active()[0].since, first.since);
  EXPECT_EQ(alarms_.active()[0].detail, "1000 datagrams dropped");
  look({1, 1000}, Timestamp{16s});
  EXPECT_EQ(alarms_.active().size(), 2u);
}

TEST_F(PeerBudgetWatchTest, TheAlarmEndsAMinuteAfterTheLastDrop) {
  look({0, 5}, Timestamp{10s});
  look({0, 9}, Timestamp{20s});
  look({0, 9}, Timestamp{79s});
  EXPECT_EQ(alarms_.active().size(), 1u);
  look({0, 9}, Timestamp{80s});
  EXPECT_TRUE(alarms_.active().empty());
  look({0, 12}, Timestamp{90s});
  ASSERT_EQ(alarms_.active().size(), 1u);
  EXPECT_EQ(alarms_.active()[0].detail, "3 datagrams dropped") << "those before were another flood's";
}

TEST_F(PeerBudgetWatchTest, AnotherPeerInTheSamePlaceHasDoneNothing) {
  look({0, 5}, Timestamp{10s});
  config_.peers[1].name = "other";
  look({0, 5}, Timestamp{15s});
  EXPECT_TRUE(alarms_.active().empty());
  look({0, 8}, Timestamp{20s});
  ASSERT_EQ(alarms_.active().size(), 1u);
  EXPECT_EQ(alarms_.active()[0].subject, "other");
  EXPECT_EQ(alarms_.active()[0].detail, "3 datagrams dropped");
}

}  // namespace
}  // namespace sallyport::mgmt
