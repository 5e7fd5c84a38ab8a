// media_quality_test.cpp — whose media was how good, from the records of calls.
#include "mgmt/metrics/media_quality.h"

#include <gtest/gtest.h>

#include <numeric>

namespace sallyport::mgmt {
namespace {

SbcConfig two_peers() {
  SbcConfig config;
  config.peers.resize(2);
  config.peers[0].name = "carrier";
  config.peers[1].name = "pbx";
  return config;
}

MediaRecord direction(bool from_caller) {
  MediaRecord out;
  out.stream = 1;
  out.from_caller = from_caller;
  out.codec = "PCMA/8000";
  out.is_measured = true;
  out.packets = 990;
  out.lost = 10;
  out.jitter_us = 3000;
  out.mos_times_100 = 421;
  return out;
}

CallRecord call_between(const char* peer_in, const char* peer_out) {
  CallRecord out;
  out.peer_in = peer_in;
  out.peer_out = peer_out;
  out.media = {direction(true), direction(false)};
  return out;
}

std::uint64_t sum_of(const std::array<std::uint64_t, PeerMediaQuality::kBuckets>& buckets) {
  return std::accumulate(buckets.begin(), buckets.end(), std::uint64_t{0});
}

TEST(MediaQuality, EachDirectionCountsForThePeerThatSentIt) {
  MediaQuality quality(two_peers());
  CallRecord call = call_between("carrier", "pbx");
  call.media[0].jitter_us = 150'000;
  call.media[0].mos_times_100 = 250;
  call.media[1].lost = 0;
  quality.add(call);
  const auto peers = quality.peers();
  ASSERT_EQ(peers.size(), 3u);
  EXPECT_EQ(peers[0].jitter[5], 1u);  // up to 0.2 s
  EXPECT_EQ(peers[0].loss[2], 1u);    // 1 %
  EXPECT_EQ(peers[0].mos[1], 1u);     // up to 2.6
  EXPECT_DOUBLE_EQ(peers[0].jitter_seconds, 0.15);
  EXPECT_DOUBLE_EQ(peers[0].loss_ratios, 0.01);
  EXPECT_DOUBLE_EQ(peers[0].mos_sum, 2.5);
  EXPECT_EQ(peers[1].jitter[0], 1u);
  EXPECT_EQ(peers[1].loss[0], 1u);  // none lost
  EXPECT_EQ(peers[1].mos[5], 1u);   // up to 4.3
  EXPECT_EQ(sum_of(peers[2].jitter), 0u);
}

// A name that is no peer's adds no series. Threats R13
TEST(MediaQuality, WhatIsNoConfiguredPeerCountsTogether) {
  MediaQuality quality(two_peers());
  quality.add(call_between("", "gone"));
  EXPECT_EQ(quality.peers().size(), 3u);
  EXPECT_EQ(sum_of(quality.peers()[2].loss), 2u);
}

TEST(MediaQuality, WhatWasNotMeasuredOrNeverCameOrIsFaxCountsNowhere) {
  MediaQuality quality(two_peers());
  CallRecord call = call_between("carrier", "pbx");
  call.media[0].is_measured = false;
  call.media[1].packets = 0;
  call.media.push_back(direction(true));
  call.media.back().codec = "t38";
  quality.add(call);
  for (const PeerMediaQuality& peer : quality.peers()) EXPECT_EQ(sum_of(peer.jitter) + sum_of(peer.mos), 0u);
}

TEST(MediaQuality, UnknownMosIsLeftOut) {
  MediaQuality quality(two_peers());
  CallRecord call = call_between("carrier", "pbx");
  call.media[0].mos_times_100 = 0;
  quality.add(call);
  EXPECT_EQ(sum_of(quality.peers()[0].mos), 0u);
  EXPECT_EQ(sum_of(quality.peers()[0].jitter), 1u);
}

CallRecord one_way(const std::string& from, const std::string& to) {
  CallRecord out;
  out.peer_in = from;
  out.peer_out = to;
  out.media = {direction(true)};
  return out;
}

TEST(MediaQuality, FiguresFollowThePeersNameOverAReload) {
  MediaQuality quality(two_peers());
  quality.add(one_way("carrier", "pbx"));
  quality.add(one_way("stranger", "pbx"));
  SbcConfig next = two_peers();
  next.peers.insert(next.peers.begin(), PeerConfig{});
  next.peers[0].name = "new";
  quality.adopt(next);
  ASSERT_EQ(quality.peers().size(), 4u);
  EXPECT_EQ(sum_of(quality.peers()[0].jitter), 0u);
  EXPECT_EQ(sum_of(quality.peers()[1].jitter), 1u);
  EXPECT_EQ(sum_of(quality.peers()[3].jitter), 1u);
}

TEST(MediaQuality, APeerInTheOldPlaceOfAnotherBeginsAtNothing) {
  MediaQuality quality(two_peers());
  quality.add(one_way("carrier", "pbx"));
  SbcConfig next = two_peers();
  next.peers[0].name = "new";
  quality.adopt(next);
  EXPECT_EQ(sum_of(quality.peers()[0].jitter), 0u);
  quality.add(one_way("carrier", "pbx"));  // its last call ends late
  EXPECT_EQ(sum_of(quality.peers()[0].jitter), 0u);
  EXPECT_EQ(sum_of(quality.peers()[2].jitter), 1u);
  quality.adopt(two_peers());
  EXPECT_EQ(sum_of(quality.peers()[0].jitter), 0u) << "it was forgotten";
}

}  // namespace
}  // namespace sallyport::mgmt
