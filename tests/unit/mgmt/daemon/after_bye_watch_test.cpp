// after_bye_watch_test.cpp — media that goes on after the end of a call is an alarm (threats D9).
#include "mgmt/daemon/after_bye_watch.h"

#include <fcntl.h>
#include <gtest/gtest.h>

namespace sallyport::mgmt {
namespace {

class AfterByeWatchTest : public testing::Test {
 protected:
  static WallTime wall() { return {}; }
  static CallRecord call(std::uint64_t from_caller, std::uint64_t from_callee) {
    CallRecord out;
    out.peer_in = "carrier";
    out.media.resize(2);
    out.media[0].is_measured = out.media[1].is_measured = true;
    out.media[0].after_bye_packets = from_caller;
    out.media[1].from_caller = false;
    out.media[1].after_bye_packets = from_callee;
    return out;
  }

  EventLog log_{LogConfig{}, ::open("/dev/null", O_WRONLY | O_CLOEXEC), true, wall};
  AlarmRegistry alarms_{log_, wall};
  AfterByeWatch watch_{alarms_};
};

TEST_F(AfterByeWatchTest, WhatWasOnItsWayIsNoAlarm) {
  watch_.on_ended(call(AfterByeWatch::kUsualPackets, 3), Timestamp(1s));
  EXPECT_TRUE(alarms_.active().empty());
}

TEST_F(AfterByeWatchTest, PeerThatGoesOnIsNamedUntilItHasBeenQuietForAMinute) {
  watch_.on_ended(call(150, 0), Timestamp(1s));
  watch_.on_ended(call(0, 151), Timestamp(21s));
  ASSERT_EQ(alarms_.active().size(), 2u);
  EXPECT_EQ(alarms_.active()[0].name, "media_after_bye");
  EXPECT_EQ(alarms_.active()[1].subject, "carrier");
  watch_.tick(Timestamp(60s));
  EXPECT_EQ(alarms_.active().size(), 2u);
  watch_.tick(Timestamp(61s));
  ASSERT_EQ(alarms_.active().size(), 1u);
  EXPECT_EQ(alarms_.active()[0].subject, "");
  watch_.tick(Timestamp(81s));
  EXPECT_TRUE(alarms_.active().empty());
}

}  // namespace
}  // namespace sallyport::mgmt
