// certificate_alarms_test.cpp — each certificate has its alarm while it is about to end, and only then.
#include "mgmt/daemon/certificate_alarms.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <vector>

namespace sallyport::mgmt {
namespace {

constexpr std::int64_t kNow = 1'700'000'000, kDay = 86400;
constexpr Duration kThreeWeeks = std::chrono::hours(21 * 24);

WallTime wall() { return WallTime(std::chrono::seconds(kNow)); }

class CertificateAlarmsTest : public testing::Test {
 protected:
  void judge(const std::vector<dataplane::CertificateExpiry>& certificates) {
    watched_.judge(certificates, wall());
  }
  // "subject: detail" of each, in their order.
  [[nodiscard]] std::vector<std::string> up() const {
    std::vector<std::string> out;
    for (const ActiveAlarm& one : alarms_.active()) out.push_back(one.subject + ": " + one.detail);
    return out;
  }
  using Lines = std::vector<std::string>;

  EventLog log_{LogConfig{}, ::open("/dev/null", O_WRONLY | O_CLOEXEC), true, wall};
  AlarmRegistry alarms_{log_, wall};
  CertificateAlarms watched_{alarms_};
};

TEST_F(CertificateAlarmsTest, AlarmComesWithinWarnBeforeAndGoesWithARenewal) {
  judge({{"edge", kNow + 22 * kDay, kThreeWeeks}});
  EXPECT_EQ(up(), Lines{});
  judge({{"edge", kNow + 2 * kDay - 1, kThreeWeeks}});
  EXPECT_EQ(up(), Lines{"edge: expires in 1 day"});
  judge({{"edge", kNow + 90 * kDay, kThreeWeeks}});
  EXPECT_EQ(up(), Lines{});
}

TEST_F(CertificateAlarmsTest, EachHasItsOwnAndItsOwnTime) {
  judge({{"far", kNow + 10 * kDay, std::chrono::hours(24)},
         {"gone", kNow, kThreeWeeks},
         {"near", kNow + 10 * kDay, kThreeWeeks}});
  EXPECT_EQ(up(), (Lines{"gone: has expired", "near: expires in 10 days"}));
  judge({{"near", kNow + 10 * kDay, kThreeWeeks}});
  EXPECT_EQ(up(), Lines{"near: expires in 10 days"}) << "the configuration names the others no more";
}

TEST_F(CertificateAlarmsTest, WhatAnotherJudgesFromNowOnStaysUp) {
  judge({{"edge", kNow + kDay, kThreeWeeks}});
  watched_.leave();
  EXPECT_EQ(up().size(), 1u);
  judge({});
  EXPECT_EQ(up().size(), 1u) << "it is the other's";
}

}  // namespace
}  // namespace sallyport::mgmt
