// mailbox_test.cpp — bounded rings between two threads, and the doorbell that wakes the receiver.
#include "dataplane/worker/mailbox.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <thread>

#include "dataplane/worker/doorbell.h"

namespace sallyport::dataplane {
namespace {

TEST(Mailbox, KeepsTheOrderAndRefusesWhenFull) {
  Mailbox<int> mailbox(4);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(mailbox.send(i));
  EXPECT_FALSE(mailbox.send(4));
  EXPECT_EQ(mailbox.used(), 4U);
  int message = -1;
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(mailbox.receive(message));
    EXPECT_EQ(message, i);
  }
  EXPECT_FALSE(mailbox.receive(message));
}

// The sleeper may only sleep when the ringer will see that it sleeps.
TEST(Doorbell, LosesNoMessageBetweenTwoThreads) {
  constexpr int kMessages = 20000;
  Mailbox<int> mailbox(8);
  Doorbell bell;
  ASSERT_TRUE(bell.is_open());
  std::thread sender([&] {
    for (int i = 0; i < kMessages;) {
      if (mailbox.send(i)) {
        ++i;
        bell.ring();
      } else {
        std::this_thread::yield();
      }
    }
  });
  int received = 0, message = 0;
  bool timed_out = false;
  while (received < kMessages && !timed_out) {
    while (mailbox.receive(message)) EXPECT_EQ(message, received++);
    bell.announce_sleep();
    if (mailbox.empty() && received < kMessages) {
      pollfd waiting{bell.fd(), POLLIN, 0};
      timed_out = poll(&waiting, 1, 5000) == 0;
    }
    bell.wake_up();
  }
  EXPECT_FALSE(timed_out) << "after " << received;
  sender.join();
}

}  // namespace
}  // namespace sallyport::dataplane
