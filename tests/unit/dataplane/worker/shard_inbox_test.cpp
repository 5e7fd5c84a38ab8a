// shard_inbox_test.cpp — each class its own way to a signalling thread, and to another lcore.
#include "dataplane/worker/shard_inbox.h"

#include <gtest/gtest.h>

#include <vector>

#include "dataplane/worker/lcore_inbox.h"

namespace sallyport::dataplane {
namespace {

PacketMeta meta_of_class(TrustClass trust, bool is_proved = false) {
  PacketMeta meta;
  meta.trust = trust;
  meta.is_proved = is_proved;
  return meta;
}

int fill(ShardInbox& inbox, Lane lane) {
  int sent = 0;
  while (inbox.send({nullptr, Timestamp{1s}}, lane)) ++sent;
  return sent;
}

TEST(ShardInbox, WhoHasProvedHimselfGoesWithTheTrusted) {
  EXPECT_EQ(lane_of(meta_of_class(TrustClass::Known)), Lane::Known);
  EXPECT_EQ(lane_of(meta_of_class(TrustClass::Trusted)), Lane::Trusted);
  EXPECT_EQ(lane_of(meta_of_class(TrustClass::Untrusted, true)), Lane::Trusted);
  EXPECT_EQ(lane_of(meta_of_class(TrustClass::Untrusted)), Lane::Strangers);
}

TEST(ShardInbox, NoClassCanFillTheShareOfAnother) {
  for (const Lane first : kLanes) {
    ShardInbox inbox(4096);
    EXPECT_EQ(inbox.capacity(), 4096U);
    (void)fill(inbox, first);
    EXPECT_FALSE(inbox.send({}, first));
    for (const Lane lane : kLanes) EXPECT_EQ(inbox.send({}, lane), lane != first);
  }
  ShardInbox inbox(4096);
  EXPECT_EQ(fill(inbox, Lane::Strangers), 1024);
  EXPECT_EQ(fill(inbox, Lane::Trusted), 1024);
  EXPECT_EQ(fill(inbox, Lane::Known), 2048);
  EXPECT_EQ(inbox.used(), inbox.capacity());
}

TEST(ShardInbox, GivesEachClassItsOwnDatagramsAndKnownPeersFirst) {
  ShardInbox inbox(16);
  for (const Lane lane : {Lane::Strangers, Lane::Trusted, Lane::Known})
    for (int i = 0; i < 2; ++i)
      EXPECT_TRUE(inbox.send({nullptr, Timestamp{Duration{int(lane) * 10 + i}}}, lane));
  ShardInput input;
  EXPECT_TRUE(inbox.receive(input, Lane::Trusted));
  EXPECT_EQ(input.since, Timestamp{Duration{int(Lane::Trusted) * 10}}) << "the oldest of its lane";
  std::vector<std::int64_t> order;
  while (inbox.receive(input)) order.push_back(input.since.time_since_epoch().count());
  EXPECT_EQ(order, (std::vector<std::int64_t>{0, 1, 11, 20, 21}));
  EXPECT_TRUE(inbox.empty());
  EXPECT_FALSE(inbox.receive(input, Lane::Known));
}

TEST(ShardInbox, EachLaneHasItsOwnReasonForADrop) {
  EXPECT_EQ(to_string(no_room_in(Lane::Known)), "shard_ring_full");
  EXPECT_EQ(to_string(no_room_in(Lane::Trusted)), "trusted_share_full");
  EXPECT_EQ(to_string(no_room_in(Lane::Strangers)), "stranger_share_full");
}

TEST(ConnectionInbox, NoClassCanFillTheShareOfAnother) {
  ConnectionInbox inbox(1024);
  const auto fill_lane = [&inbox](Lane lane) {
    int sent = 0;
    while (inbox.send({}, lane)) ++sent;
    return sent;
  };
  EXPECT_EQ(fill_lane(Lane::Strangers), 256);
  EXPECT_EQ(fill_lane(Lane::Trusted), 256);
  EXPECT_EQ(fill_lane(Lane::Known), 512);
  EXPECT_EQ(inbox.used(), 1024U);
}

TEST(LcoreInbox, NoLaneCanFillTheShareOfAnother) {
  for (const Passage first : kPassages) {
    LcoreInbox inbox(2048);
    EXPECT_EQ(inbox.capacity(), 2048U);
    while (inbox.send({}, first)) continue;
    for (const Passage passage : kPassages) EXPECT_EQ(inbox.send({}, passage), passage != first);
  }
}

TEST(LcoreInbox, EachLaneHasItsOwnReasonForADrop) {
  EXPECT_EQ(to_string(no_room_in(Passage::Ours)), "lcore_ring_full");
  EXPECT_EQ(to_string(no_room_in(Passage::Known)), "lcore_ring_full");
  EXPECT_EQ(to_string(no_room_in(Passage::Trusted)), "lcore_trusted_share_full");
  EXPECT_EQ(to_string(no_room_in(Passage::Strangers)), "lcore_stranger_share_full");
  EXPECT_EQ(to_string(no_room_in(Passage::Media)), "lcore_media_share_full");
}

TEST(LcoreInbox, ASmallOneHasRoomInEachLane) {
  LcoreInbox inbox(2);
  for (const Passage passage : kPassages) EXPECT_TRUE(inbox.send({}, passage));
}

}  // namespace
}  // namespace sallyport::dataplane
