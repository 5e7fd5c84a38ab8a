// call_order_test.cpp — why messages of one call can't overtake each other on the way through the threads:
// the rule of worker/source_owner.h on real mailboxes, with numbers in place of packets. With whole lcores
// and shards it is shown by tests/dpdk/call_order_vdev_test.cpp.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <set>
#include <thread>
#include <vector>

#include "dataplane/worker/mailbox.h"
#include "dataplane/worker/source_owner.h"

namespace sallyport::dataplane {
namespace {

constexpr std::size_t kLcores = 2, kShards = 4;
constexpr std::uint32_t kCalls = 40, kMessages = 200;

struct Numbered {
  std::uint32_t call = 0, number = 0;
};
using Box = Mailbox<Numbered>;

// The callee of each call lives in a prefix of its own, and so does the caller.
IpAddress callee_of(std::uint32_t call) { return IpAddress::v4(0x0a000001 + (call << 8)); }
IpAddress caller_of(std::uint32_t call) { return IpAddress::v4(0x0b000001 + (call << 8)); }

class ThreadsOfCalls {
 public:
  ThreadsOfCalls() {
    const auto make = [](auto& boxes) {
      for (auto& row : boxes)
        for (auto& box : row) box = std::make_unique<Box>(16);  // small, so that they are often full
    };
    make(hand_over_);
    make(to_shard_);
    make(from_shard_);
  }

  void run() {
    std::vector<std::thread> threads;
    for (std::size_t lcore = 0; lcore < kLcores; ++lcore)
      threads.emplace_back([this, lcore] { run_lcore(lcore); });
    for (std::size_t shard = 0; shard < kShards; ++shard)
      threads.emplace_back([this, shard] { run_shard(shard); });
    for (std::thread& thread : threads) thread.join();
  }

  std::array<std::vector<Numbered>, kLcores> sent;

 private:
  [[nodiscard]] bool is_done() const { return sent_.load() == kCalls * kMessages; }

  // What arrives on its device comes from callees of all lcores: call after call, message after message.
  void run_lcore(std::size_t own) {
    std::uint32_t next = 0;
    Numbered message;
    while (!is_done()) {
      for (; next < kCalls * kMessages; ++next) {
        message = {next % kCalls, next / kCalls};
        if (message.call % kLcores != own) continue;  // arrives on the other device
        const std::size_t owner = owner_.of(callee_of(message.call));
        Box& box = owner == own ? *to_shard_[own][message.call % kShards] : *hand_over_[own][owner];
        if (!box.send(message)) break;
      }
      for (std::size_t other = 0; other < kLcores; ++other) forward(*hand_over_[other][own], own);
      for (std::size_t shard = 0; shard < kShards; ++shard)
        while (from_shard_[shard][own]->receive(message)) {
          sent[own].push_back(message);
          sent_.fetch_add(1);
        }
      std::this_thread::yield();
    }
  }
  // Without room for one more, it stays where it is.
  void forward(Box& from, std::size_t own) {
    for (Numbered message; !held_[own] && from.receive(message);) held_[own] = message;
    if (held_[own] && to_shard_[own][held_[own]->call % kShards]->send(*held_[own])) held_[own].reset();
  }
  void run_shard(std::size_t own) {
    std::optional<Numbered> held;
    while (!is_done()) {
      for (std::size_t lcore = 0; lcore < kLcores; ++lcore) {
        Numbered message;
        if (!held && to_shard_[lcore][own]->receive(message)) held = message;
        if (held && from_shard_[own][owner_.of(caller_of(held->call))]->send(*held)) held.reset();
      }
      std::this_thread::yield();
    }
  }

  const SourceOwner owner_{PrefixLimit{}, HashKey{1, 2}, kLcores};
  std::array<std::array<std::unique_ptr<Box>, kLcores>, kLcores> hand_over_;
  std::array<std::array<std::unique_ptr<Box>, kShards>, kLcores> to_shard_;
  std::array<std::array<std::unique_ptr<Box>, kLcores>, kShards> from_shard_;
  std::array<std::optional<Numbered>, kLcores> held_;
  std::atomic<std::size_t> sent_{0};
};

TEST(ThreadsOfCalls, NoMessageOvertakesAnotherOfItsCall) {
  ThreadsOfCalls threads;
  threads.run();
  std::array<std::uint32_t, kCalls> next{};
  for (const auto& lcore : threads.sent) {
    EXPECT_FALSE(lcore.empty());
    for (const Numbered& message : lcore) ASSERT_EQ(message.number, next[message.call]++) << message.call;
  }
}

TEST(SourceOwner, IsTheSameForAWholePrefixAndSpreadsOverAll) {
  const SourceOwner owner(PrefixLimit{}, HashKey{3, 4}, 5);
  std::set<std::size_t> owners;
  for (std::uint32_t net = 0; net < 200; ++net) {
    const std::size_t one = owner.of(IpAddress::v4(net << 8));
    EXPECT_EQ(owner.of(IpAddress::v4((net << 8) + 255)), one);
    owners.insert(one);
  }
  EXPECT_EQ(owners.size(), 5U);
  EXPECT_EQ(SourceOwner().of(IpAddress::v4(1)), 0U);
}

}  // namespace
}  // namespace sallyport::dataplane
