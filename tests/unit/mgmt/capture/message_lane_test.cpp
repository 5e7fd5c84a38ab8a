// message_lane_test.cpp — whose messages are copied, what a full lane does, and that two threads may use it.
#include "mgmt/capture/message_lane.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

namespace sallyport::mgmt {
namespace {

sip::RingMessage message(std::uint64_t call, std::string_view bytes = "INVITE",
                         const char* remote = "198.18.1.2") {
  sip::RingMessage out;
  out.path.realm = RealmIndex(0);
  out.path.remote = {*IpAddress::parse(remote), 5060};
  out.path.peer = PeerIndex(3);
  out.call = call;
  out.bytes = bytes;
  return out;
}

std::size_t count(MessageLane& lane) {
  std::size_t out = 0;
  while (lane.take() != nullptr) ++out;
  return out;
}

TEST(MessageLane, IsWantedOnlyWhileSomebodyLooks) {
  MessageLane lane;
  EXPECT_FALSE(lane.is_wanted());
  lane.open(0, {}, nullptr);
  lane.open(1, {}, nullptr);
  EXPECT_TRUE(lane.is_wanted());
  lane.close(0);
  EXPECT_TRUE(lane.is_wanted());
  lane.close(1);
  EXPECT_FALSE(lane.is_wanted());
  lane.on_message(message(1));
  EXPECT_EQ(lane.take(), nullptr);
}

TEST(MessageLane, CopiesWhatTheFiltersTakeAndSaysForWhom) {
  MessageLane lane;
  lane.open(0, {.call = 7}, nullptr);
  lane.open(1, {.address = IpAddress::parse("198.18.1.9")}, nullptr);
  lane.open(2, {.peer = PeerIndex(3)}, nullptr);
  lane.open(3, {.realms = {RealmIndex(1)}}, nullptr);
  lane.on_message(message(7));
  lane.on_message(message(8, "BYE", "198.18.1.9"));
  const auto first = lane.take(), second = lane.take();
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->takers, 0b101u);
  EXPECT_EQ(first->bytes, "INVITE");
  EXPECT_EQ(second->takers, 0b110u);
  EXPECT_EQ(lane.take(), nullptr);
}

TEST(MessageLane, OfACallThePastGoesFirstAndToTheNewTakerAlone) {
  sip::MessageRing ring(100'000);
  for (const char* const word : {"one", "two"}) ring.add(message(7, word));
  ring.add(message(8, "other"));
  MessageLane lane;
  lane.open(0, {}, &ring);  // not of a call: only what comes
  lane.open(1, {.call = 7}, &ring);
  lane.on_message(message(7, "three"));
  for (const auto& [word, takers] : {std::pair{"one", 0b10u}, {"two", 0b10u}, {"three", 0b11u}}) {
    const auto taken = lane.take();
    ASSERT_TRUE(taken);
    EXPECT_EQ(taken->bytes, word);
    EXPECT_EQ(taken->takers, takers);
  }
  EXPECT_EQ(lane.take(), nullptr);
}

TEST(MessageLane, WhatFindsItFullIsDroppedAndCountedForThoseWhoWantedIt) {
  MessageLane lane(MessageLane::Bounds{.messages = 2, .bytes = 1000});
  lane.open(0, {}, nullptr);
  lane.open(1, {.call = 9}, nullptr);
  for (int i = 0; i < 5; ++i) lane.on_message(message(7));
  EXPECT_EQ(lane.dropped(0), 3u);
  EXPECT_EQ(lane.dropped(1), 0u);
  EXPECT_EQ(count(lane), 2u);
  lane.on_message(message(7, std::string(999, 'a')));
  lane.on_message(message(7, "ab"));
  EXPECT_EQ(lane.dropped(0), 4u);
  EXPECT_EQ(count(lane), 1u);
  lane.on_message(message(7));
  EXPECT_EQ(count(lane), 1u);
}

TEST(MessageLane, EngineAndManagementMayUseItAtOnce) {
  MessageLane lane(MessageLane::Bounds{.messages = 16, .bytes = 1000});
  lane.open(0, {}, nullptr);
  constexpr std::uint64_t kMessages = 20'000;
  std::thread engine([&] {
    for (std::uint64_t i = 1; i <= kMessages; ++i) lane.on_message(message(i, std::to_string(i)));
    lane.on_message(message(0, "last"));
  });
  std::uint64_t taken = 0, last = 0;
  const auto take_all = [&] {
    while (const auto one = lane.take()) {
      if (one->call == 0) continue;
      ++taken;
      EXPECT_GT(one->call, last);
      EXPECT_EQ(one->bytes, std::to_string(one->call));
      last = one->call;
    }
  };
  while (taken + lane.dropped(0) < kMessages) take_all();
  engine.join();
  take_all();
  EXPECT_GE(taken + lane.dropped(0), kMessages);
}

}  // namespace
}  // namespace sallyport::mgmt
