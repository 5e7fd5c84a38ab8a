// device_gate_test.cpp — a device is stopped only when its lcore has left it.
#include "dataplane/dpdk/device_gate.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace sallyport::dataplane {
namespace {

TEST(DeviceGate, IsShutAtFirst) {
  DeviceGate gate;
  EXPECT_FALSE(gate.begin_turn());
  EXPECT_FALSE(gate.may_use());
  EXPECT_TRUE(gate.is_left());
}

TEST(DeviceGate, LetsTheLcoreInAtItsNextTurn) {
  DeviceGate gate;
  gate.open();
  EXPECT_FALSE(gate.may_use()) << "not in the middle of a turn";
  EXPECT_TRUE(gate.begin_turn());
  EXPECT_TRUE(gate.may_use());
  EXPECT_FALSE(gate.is_left());
}

TEST(DeviceGate, IsLeftWhenTheLcoreHasBegunItsNextTurn) {
  DeviceGate gate;
  gate.open();
  gate.begin_turn();
  gate.close();
  EXPECT_TRUE(gate.may_use()) << "until the turn ends";
  EXPECT_FALSE(gate.is_left());
  EXPECT_FALSE(gate.begin_turn());
  EXPECT_TRUE(gate.is_left());
}

TEST(DeviceGate, WaitsForTheLcoreEvenIfItWasOpenForAMomentOnly) {
  DeviceGate gate;
  gate.begin_turn();
  gate.open();
  gate.close();
  EXPECT_FALSE(gate.is_left()) << "the lcore may have seen it open";
  gate.begin_turn();
  EXPECT_TRUE(gate.is_left());
}

TEST(DeviceGate, NeverHasBothInside) {
  DeviceGate gate;
  std::atomic<bool> done{false};
  long uses = 0;  // not atomic: the thread sanitiser sees when both touch it at once
  std::thread lcore([&] {
    while (!done.load(std::memory_order_relaxed))
      if (gate.begin_turn()) ++uses;
  });
  for (int i = 0; i < 100; ++i) {
    gate.open();
    gate.close();
    while (!gate.is_left()) std::this_thread::yield();
    const long before = uses;
    std::this_thread::yield();
    EXPECT_EQ(uses, before);
    uses = 0;
  }
  done = true;
  lcore.join();
}

}  // namespace
}  // namespace sallyport::dataplane
