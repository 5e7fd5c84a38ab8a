// outboxes_test.cpp — answers to an lcore whose mailbox is full.
#include "dataplane/stream/outboxes.h"

#include <gtest/gtest.h>

namespace sallyport::dataplane {
namespace {

FromStream answer_for(PortIndex port) {
  FromStream message;
  message.kind = FromStream::Kind::NextHop;
  message.port = port;
  return message;
}

TEST(Outboxes, OwesOneChangeForEachPortWhoseAnswersFoundNoRoom) {
  Mailbox<ToStream> inbox(2);
  Mailbox<FromStream> outbox(2);
  Doorbell bell;
  Outboxes outboxes({StreamLcore{&inbox, &outbox, &bell}}, 3);
  for (int i = 0; i < 4; ++i) outboxes.answer(0, answer_for(PortIndex{1}));
  EXPECT_FALSE(outboxes.pay_debts());
  FromStream message;
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(outbox.receive(message));
    EXPECT_EQ(message.kind, FromStream::Kind::NextHop);
  }
  EXPECT_TRUE(outboxes.pay_debts());
  ASSERT_TRUE(outbox.receive(message));
  EXPECT_EQ(message.kind, FromStream::Kind::Changed);
  EXPECT_EQ(message.port, PortIndex{1});
  EXPECT_FALSE(outbox.receive(message));
  EXPECT_TRUE(outboxes.pay_debts());
}

TEST(Outboxes, LeavesAPacketToTheCallerWhenThereIsNoRoom) {
  Mailbox<ToStream> inbox(1);
  Mailbox<FromStream> outbox(1);
  Outboxes outboxes({StreamLcore{&inbox, &outbox, nullptr}}, 1);
  EXPECT_TRUE(outboxes.send_packet(0, {}));
  EXPECT_FALSE(outboxes.send_packet(0, {}));
  EXPECT_TRUE(outboxes.pay_debts());
  outboxes.ring_bells();  // without a bell: nothing to ring
}

}  // namespace
}  // namespace sallyport::dataplane
