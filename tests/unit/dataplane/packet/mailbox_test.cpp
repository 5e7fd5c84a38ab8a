// mailbox_test.cpp — a ring between two threads loses nothing, doubles nothing and keeps the order.
#include "dataplane/worker/mailbox.h"

#include <gtest/gtest.h>

#include <thread>

namespace sallyport::dataplane {
namespace {

struct Numbered {
  std::uint64_t number = 0, copy = 0;
};

TEST(Mailbox, IsFullAtItsCapacityAndKeepsWhatItHolds) {
  Mailbox<int> mailbox(3);
  EXPECT_EQ(mailbox.capacity(), 4u);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(mailbox.send(i));
  EXPECT_FALSE(mailbox.send(4));
  EXPECT_EQ(mailbox.used(), 4u);
  int value = -1;
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(mailbox.receive(value));
    EXPECT_EQ(value, i);
  }
  EXPECT_FALSE(mailbox.receive(value));
  EXPECT_TRUE(mailbox.empty());
}

TEST(Mailbox, GoesRoundManyTimes) {
  Mailbox<int> mailbox(2);
  int value = 0;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(mailbox.send(i));
    ASSERT_TRUE(mailbox.receive(value));
    ASSERT_EQ(value, i);
  }
}

TEST(Mailbox, CarriesEveryMessageOnceAndInOrderBetweenTwoThreads) {
  constexpr std::uint64_t kMessages = 200'000;
  Mailbox<Numbered> mailbox(64);
  std::thread sender([&] {
    for (std::uint64_t i = 0; i < kMessages;) {
      if (mailbox.send({i, ~i})) {
        ++i;
      } else {
        std::this_thread::yield();
      }
    }
  });
  std::uint64_t expected = 0, wrong = 0;
  while (expected < kMessages) {
    Numbered message;
    if (!mailbox.receive(message)) {
      std::this_thread::yield();
      continue;
    }
    wrong += message.number != expected || message.copy != ~expected ? 1 : 0;
    ++expected;
  }
  sender.join();
  EXPECT_EQ(wrong, 0u);
  EXPECT_TRUE(mailbox.empty());
}

}  // namespace
}  // namespace sallyport::dataplane
