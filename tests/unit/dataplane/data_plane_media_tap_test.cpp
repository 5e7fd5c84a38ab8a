// data_plane_media_tap_test.cpp — which packets are shown to a capture, and how much of them.
#include "dataplane/data_plane_media_tap.h"

#include <gtest/gtest.h>

#include <vector>

namespace sallyport::dataplane {
namespace {

std::vector<std::uint8_t> packet(std::size_t size, std::uint8_t first, std::uint8_t second) {
  std::vector<std::uint8_t> out(size, 0xaa);
  if (size > 0) out[0] = first;
  if (size > 1) out[1] = second;
  return out;
}

std::size_t kept(const std::vector<std::uint8_t>& payload) {
  MediaTap tap(1);
  tap.add(0, {}, payload);
  MediaHead head;
  EXPECT_TRUE(tap.take(head));
  EXPECT_EQ(head.length, payload.size());
  return head.kept;
}

TEST(MediaTap, WantsThePortsThatItWasToldLast) {
  MediaTap tap(2);
  EXPECT_FALSE(tap.is_wanted());
  tap.want(std::vector<std::uint16_t>{20000, 65535});
  EXPECT_TRUE(tap.is_wanted());
  EXPECT_TRUE(tap.wants(20000) && tap.wants(65535));
  EXPECT_FALSE(tap.wants(20001) || tap.wants(0));
  tap.want({});
  EXPECT_FALSE(tap.is_wanted() || tap.wants(20000));
}

// RFC 3550 §5.1, RFC 5761 §4
TEST(MediaTap, KeepsTheHeaderOfRtpTheBeginningOfReportsAndNothingOfWhatWasSaid) {
  EXPECT_EQ(kept(packet(172, 0x80, 0)), 12u);
  EXPECT_EQ(kept(packet(172, 0x82, 8)), 20u);     // two CSRCs
  EXPECT_EQ(kept(packet(172, 0x81, 200)), 128u);  // a sender's report
  EXPECT_EQ(kept(packet(60, 0x81, 201)), 60u);
  EXPECT_EQ(kept(packet(5, 0x8f, 0)), 5u);
  EXPECT_EQ(kept({}), 0u);
}

TEST(MediaTap, WhatFindsItsMailboxFullIsDroppedAndCounted) {
  MediaTap tap(2);
  for (std::size_t i = 0; i < MediaTap::kHeadsPerLcore + 3; ++i) tap.add(0, {}, {});
  tap.add(1, {}, {});
  EXPECT_EQ(tap.dropped(), 3u);
  std::size_t taken = 0;
  for (MediaHead head; tap.take(head);) ++taken;
  EXPECT_EQ(taken, MediaTap::kHeadsPerLcore + 1);
}

}  // namespace
}  // namespace sallyport::dataplane
