// turns_test.cpp — whoever waits for the lcores goes on only when none is where it was.
#include "dataplane/dpdk/turns.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace sallyport::dataplane {
namespace {

TEST(Turns, NobodyIsWaitedForWhenNoLcoreRuns) { wait_for_turns(); }

// A memif neighbour that died under load took the whole program with it: its rings were unmapped while the
// lcore read them.
TEST(Turns, WaitingEndsOnlyAfterTheTurnThatWasOn) {
  std::atomic<bool> in_turn{false}, waits{false};
  std::atomic<int> last_use{0};
  std::thread lcore([&] {
    Turns turns(3);
    turns.begin();
    in_turn = true;
    while (!waits) std::this_thread::yield();
    for (int use = 1; use <= 1000; ++use) last_use = use;  // still the same turn
    turns.begin();
    while (waits) std::this_thread::yield();
  });
  while (!in_turn) std::this_thread::yield();
  waits = true;
  wait_for_turns();
  EXPECT_EQ(last_use, 1000);
  waits = false;
  lcore.join();
}

TEST(Turns, AnLcoreThatEndedIsNotWaitedFor) {
  std::atomic<bool> in_turn{false}, waits{false};
  std::thread lcore([&] {
    Turns turns(5);
    turns.begin();
    in_turn = true;
    while (!waits) std::this_thread::yield();
  });
  while (!in_turn) std::this_thread::yield();
  waits = true;
  wait_for_turns();
  lcore.join();
}

}  // namespace
}  // namespace sallyport::dataplane
