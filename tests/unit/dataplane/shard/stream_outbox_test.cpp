// stream_outbox_test.cpp — messages for connections behind commands for the relay, and no room for them.
#include "dataplane/shard/stream_outbox.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace sallyport::dataplane {
namespace {

class StreamOutboxTest : public ::testing::Test {
 protected:
  ~StreamOutboxTest() override { (void)taken(); }

  void give(const std::string& text) {
    auto order = std::make_unique<StreamOrder>();
    order->what = StreamOrder::Send{{}, text};
    streams.give(std::move(order));
  }
  // A command for the relay of the one lcore.
  void open_stream() {
    media::MediaCommand command{};
    command.sides[0].local.port = 20000;
    media.give(command);
  }
  std::string taken() {
    std::string all;
    for (ToConnections mail; mailbox.receive(mail);) {
      const std::unique_ptr<StreamOrder> order(mail.order);
      all += std::get<StreamOrder::Send>(order->what).bytes;
    }
    return all;
  }

  Mailbox<ShardOutput> datagrams{4};
  Mailbox<MediaOrder> orders{4};
  MediaProgress progress;
  ShardOutbox media{{{&datagrams, &orders, &progress}}};
  Mailbox<ToConnections> mailbox{4};
  StreamOutbox streams{&mailbox, media};
};

TEST_F(StreamOutboxTest, PassesOnAtOnceWhatFollowsNoCommand) {
  give("a");
  EXPECT_TRUE(streams.take_has_sent());
  EXPECT_FALSE(streams.take_has_sent());
  EXPECT_EQ(taken(), "a");
  EXPECT_TRUE(streams.is_empty());
}

TEST_F(StreamOutboxTest, KeepsAMessageUntilTheRelayHasDoneWhatWasOrderedBeforeIt) {
  open_stream();
  give("a");
  EXPECT_EQ(taken(), "");
  open_stream();
  give("b");
  EXPECT_FALSE(streams.can_go_on());
  progress.done.store(1);
  EXPECT_TRUE(streams.can_go_on());
  EXPECT_EQ(streams.go_on(), 1U);
  EXPECT_EQ(taken(), "a");
  progress.done.store(2);
  EXPECT_EQ(streams.go_on(), 1U);
  EXPECT_EQ(taken(), "b");
}

TEST_F(StreamOutboxTest, LetsNoMessageOvertakeAnother) {
  open_stream();
  give("a");
  progress.done.store(1);
  give("b");  // has nothing to wait for but the one before it
  EXPECT_EQ(taken(), "");
  EXPECT_EQ(streams.go_on(), 2U);
  EXPECT_EQ(taken(), "ab");
}

TEST_F(StreamOutboxTest, WaitsForRoomInTheMailbox) {
  for (const char* text : {"a", "b", "c", "d", "e"}) give(text);
  EXPECT_FALSE(streams.is_empty());
  EXPECT_FALSE(streams.can_go_on());
  EXPECT_EQ(taken(), "abcd");
  EXPECT_TRUE(streams.can_go_on());
  EXPECT_EQ(streams.go_on(), 1U);
  EXPECT_EQ(taken(), "e");
}

TEST_F(StreamOutboxTest, HandsBackWhatIsTooMuchUpToABound) {
  for (std::size_t i = 0; i < 4 + 2 * StreamOutbox::kHeldMax + 10; ++i) give("x");
  std::size_t refused = 0;
  while (streams.take_refused() != nullptr) ++refused;
  EXPECT_EQ(refused, StreamOutbox::kHeldMax);
  EXPECT_FALSE(streams.has_refused());
}

TEST_F(StreamOutboxTest, HandsBackAllWhenThereAreNoConnections) {
  StreamOutbox none(nullptr, media);
  none.give(std::make_unique<StreamOrder>());
  EXPECT_TRUE(none.has_refused());
  EXPECT_NE(none.take_refused(), nullptr);
  EXPECT_TRUE(none.is_empty());
  EXPECT_FALSE(none.can_go_on());
}

}  // namespace
}  // namespace sallyport::dataplane
