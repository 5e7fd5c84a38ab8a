// observation_test.cpp — busy ratios from growing counters.
#include "mgmt/metrics/observation.h"

#include <gtest/gtest.h>

namespace sallyport::mgmt {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

double observe(BusyMeter& meter, std::uint64_t busy, std::uint64_t total) {
  return meter.observe({{.lcore = 1, .cpu = -1, .busy_ns = busy, .total_ns = total}}).at(0);
}

TEST(BusyMeter, GivesTheShareSinceTheLastLook) {
  BusyMeter meter;
  EXPECT_DOUBLE_EQ(observe(meter, kSecond / 2, kSecond), 0.5);
  EXPECT_DOUBLE_EQ(observe(meter, kSecond / 2 + kSecond / 4, 2 * kSecond), 0.25);
}

TEST(BusyMeter, LooksCloseTogetherShareOneRatio) {
  BusyMeter meter;
  EXPECT_DOUBLE_EQ(observe(meter, kSecond / 2, kSecond), 0.5);
  EXPECT_DOUBLE_EQ(observe(meter, kSecond, kSecond + kSecond / 2), 0.5);
  EXPECT_DOUBLE_EQ(observe(meter, kSecond, 2 * kSecond), 0.5);
}

TEST(BusyMeter, CountersThatRestartGiveNoNonsense) {
  BusyMeter meter;
  EXPECT_DOUBLE_EQ(observe(meter, kSecond, 4 * kSecond), 0.25);
  EXPECT_DOUBLE_EQ(observe(meter, kSecond, 2 * kSecond), 0.5);
  EXPECT_DOUBLE_EQ(observe(meter, 9 * kSecond, 3 * kSecond), 1.0);
}

TEST(BusyMeter, NothingMeasuredYetIsZero) {
  BusyMeter meter;
  EXPECT_DOUBLE_EQ(observe(meter, 0, 0), 0.0);
  EXPECT_TRUE(meter.observe({}).empty());
}

TEST(Observer, PutsTheConfiguredNamesBesideTheCounters) {
  SbcConfig config;
  config.realms.resize(2);
  config.realms[0].name = "outside";
  config.realms[1].name = "inside";
  Observer observer(config, [] {
    dataplane::DataPlaneSnapshot snapshot;
    snapshot.realms.resize(2);
    snapshot.lcores.resize(1);
    return snapshot;
  });
  const Observation seen = observer.observe();
  EXPECT_EQ(seen.realm_names, (std::vector<std::string>{"outside", "inside"}));
  EXPECT_EQ(seen.busy_ratios.size(), 1u);
}

}  // namespace
}  // namespace sallyport::mgmt
