// queue_plan_test.cpp — every queue has one owner, and every lcore a way to every device.
#include "dataplane/worker/queue_plan.h"

#include <gtest/gtest.h>

#include <array>
#include <set>

namespace sallyport::dataplane {
namespace {

TEST(QueuePlan, GivesEachQueueToExactlyOneLcore) {
  const std::array<DeviceQueues, 3> devices{{{1, 1}, {4, 4}, {2, 1}}};
  for (std::size_t lcores = 1; lcores <= 5; ++lcores) {
    const QueuePlan plan(devices, lcores);
    std::set<std::pair<std::size_t, unsigned>> received;
    for (std::size_t lcore = 0; lcore < lcores; ++lcore)
      for (const QueueOfDevice& queue : plan.rx_queues_of(lcore))
        EXPECT_TRUE(received.insert({queue.device, queue.queue}).second);
    EXPECT_EQ(received.size(), 7U);
    for (std::size_t device = 0; device < devices.size(); ++device) {
      std::set<unsigned> sending;
      for (std::size_t lcore = 0; lcore < lcores; ++lcore)
        if (const auto queue = plan.tx_queue_of(lcore, device)) {
          EXPECT_TRUE(sending.insert(*queue).second);
        }
      EXPECT_FALSE(sending.empty());
    }
  }
}

TEST(QueuePlan, NamesASenderThatHasATransmitQueue) {
  const std::array<DeviceQueues, 3> devices{{{1, 1}, {4, 4}, {2, 1}}};
  for (std::size_t lcores = 1; lcores <= 5; ++lcores) {
    const QueuePlan plan(devices, lcores);
    for (std::size_t lcore = 0; lcore < lcores; ++lcore)
      for (std::size_t device = 0; device < devices.size(); ++device) {
        const std::size_t sender = plan.sender(lcore, device);
        EXPECT_TRUE(plan.tx_queue_of(sender, device)) << lcores << ' ' << lcore << ' ' << device;
        if (plan.tx_queue_of(lcore, device)) {
          EXPECT_EQ(sender, lcore);
        }
      }
  }
}

}  // namespace
}  // namespace sallyport::dataplane
