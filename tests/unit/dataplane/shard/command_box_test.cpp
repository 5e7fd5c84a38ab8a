// command_box_test.cpp — closures on a shard's thread: each runs once or never, and the asker knows which.
#include "dataplane/shard/command_box.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace sallyport::dataplane {
namespace {

// A shard's thread that does nothing but commands.
class CommandBoxThreads : public testing::Test {
 protected:
  void start_shard() {
    shard_ = std::thread([this] {
      while (!is_ending_.load()) {
        if (box_.take_all(Timestamp{7s}) != 0) continue;
        bell_.announce_sleep();
        if (!box_.has_mail() && !is_ending_.load()) {
          pollfd bell{bell_.fd(), POLLIN, 0};
          poll(&bell, 1, -1);
        }
        bell_.wake_up();
      }
    });
  }
  void end_shard() {
    is_ending_.store(true);
    bell_.ring_always();
    if (shard_.joinable()) shard_.join();
  }
  ~CommandBoxThreads() override { end_shard(); }

  Doorbell bell_;
  CommandBox box_{bell_};
  std::atomic<bool> is_ending_{false};
  std::thread shard_;
};

TEST_F(CommandBoxThreads, RunsOnTheShardsThreadWhileTheAskerWaits) {
  start_shard();
  std::thread::id ran_on;
  Timestamp at{};
  ASSERT_TRUE(box_.run(
      [&](Timestamp now) {
        ran_on = std::this_thread::get_id();
        at = now;
      },
      1min));
  EXPECT_EQ(ran_on, shard_.get_id());
  EXPECT_EQ(at, Timestamp{7s});
}

TEST_F(CommandBoxThreads, ManyAskersTakeTurns) {
  start_shard();
  int sum = 0;  // touched by the shard alone
  std::vector<std::thread> askers;
  std::atomic<int> succeeded{0};
  for (int asker = 0; asker < 4; ++asker)
    askers.emplace_back([&] {
      for (int i = 0; i < 250; ++i)
        if (box_.run([&](Timestamp) { ++sum; }, 1min)) succeeded.fetch_add(1);
    });
  for (std::thread& asker : askers) asker.join();
  EXPECT_EQ(succeeded.load(), 1000);
  int seen = 0;
  ASSERT_TRUE(box_.run([&](Timestamp) { seen = sum; }, 1min));
  EXPECT_EQ(seen, 1000);
}

TEST_F(CommandBoxThreads, WhatDidNotBeginInTimeNeverRuns) {
  const auto held = std::make_shared<int>(0);
  EXPECT_FALSE(box_.run([held](Timestamp) { ++*held; }, 1ms)) << "no shard is there";
  EXPECT_EQ(held.use_count(), 2) << "still in the mailbox";
  EXPECT_EQ(box_.take_all(Timestamp{}), 0U);
  EXPECT_EQ(*held, 0);
  EXPECT_EQ(held.use_count(), 1) << "the shard freed it";
}

TEST_F(CommandBoxThreads, WhatHasBegunIsWaitedFor) {
  start_shard();
  std::atomic<bool> has_begun{false}, may_end{false};
  std::thread let_go([&] {
    while (!has_begun.load()) std::this_thread::yield();
    may_end.store(true);
  });
  bool has_ended = false;
  EXPECT_TRUE(box_.run(
      [&](Timestamp) {
        has_begun.store(true);
        while (!may_end.load()) std::this_thread::yield();
        has_ended = true;
      },
      1min));
  EXPECT_TRUE(has_ended);
  let_go.join();
}

TEST_F(CommandBoxThreads, RefusesWhenClosed) {
  start_shard();
  box_.close();
  EXPECT_FALSE(box_.run([](Timestamp) { FAIL(); }, 1min));
}

TEST_F(CommandBoxThreads, AThreadThatWaitsIsToldAtTheEnd) {
  std::atomic<int> outcome{-1};
  std::thread asker([&] { outcome.store(box_.run([](Timestamp) { FAIL(); }, 1h) ? 1 : 0); });
  while (!box_.has_mail()) std::this_thread::yield();
  box_.close();
  box_.refuse_all();
  asker.join();
  EXPECT_EQ(outcome.load(), 0);
}

TEST_F(CommandBoxThreads, GivesUpWhenItIsFull) {
  int refused = 0;
  for (int i = 0; i < 20; ++i) refused += box_.run([](Timestamp) {}, 1ms) ? 0 : 1;
  EXPECT_EQ(refused, 20);
  start_shard();
  bell_.ring_always();
  while (box_.has_mail()) std::this_thread::yield();
  EXPECT_TRUE(box_.run([](Timestamp) {}, 1min)) << "usable again";
}

}  // namespace
}  // namespace sallyport::dataplane
