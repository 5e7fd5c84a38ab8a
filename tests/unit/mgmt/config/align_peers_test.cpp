// Numbers of peers over a reload.
#include "mgmt/config/align_peers.h"

#include <gtest/gtest.h>

#include <initializer_list>

namespace sallyport::mgmt {
namespace {

SbcConfig config_with(std::initializer_list<const char*> names, std::size_t places = 8) {
  SbcConfig config;
  config.peer_places = places;
  for (const char* name : names) config.peers.emplace_back().name = name;
  return config;
}

// "a b! -": b is retired.
std::string shown(const SbcConfig& config) {
  std::string text;
  for (const PeerConfig& peer : config.peers) {
    if (!text.empty()) text += ' ';
    text += peer.name;
    if (peer.is_retired) text += '!';
  }
  return text;
}

std::string aligned(const SbcConfig& running, SbcConfig next, const std::vector<bool>& is_idle = {}) {
  const auto done = align_peers(running, is_idle, next);
  return done ? shown(next) : done.error();
}

TEST(AlignPeers, APeerKeepsItsNumberWhateverItsPlaceInTheNewFile) {
  EXPECT_EQ(aligned(config_with({"a", "b", "c"}), config_with({"c", "a", "b"})), "a b c");
}

TEST(AlignPeers, ANewPeerComesBehindTheOthers) {
  EXPECT_EQ(aligned(config_with({"a", "b"}), config_with({"new", "b", "a"})), "a b new");
}

TEST(AlignPeers, ARemovedPeerWithCallsStaysRetired) {
  EXPECT_EQ(aligned(config_with({"a", "b", "c"}), config_with({"a", "c"})), "a b! c");
}

TEST(AlignPeers, ANewPeerTakesThePlaceOfARemovedOneWithoutCalls) {
  EXPECT_EQ(aligned(config_with({"a", "b", "c"}), config_with({"a", "c", "new"}), {false, true, false}),
            "a new c");
}

TEST(AlignPeers, ANewPeerNeverTakesThePlaceOfOneWithCalls) {
  EXPECT_EQ(aligned(config_with({"a", "b"}), config_with({"a", "new"}), {true, false}), "a b! new");
}

TEST(AlignPeers, APeerThatComesBackIsNoLongerRetired) {
  SbcConfig running = config_with({"a", "b"});
  running.peers[1].is_retired = true;
  EXPECT_EQ(aligned(running, config_with({"b", "a"})), "a b");
}

TEST(AlignPeers, NumbersBehindARemovedPeerWithoutCallsDoNotMove) {
  EXPECT_EQ(aligned(config_with({"a", "b", "c"}), config_with({"c"}), {true, true, false}), "a! b! c");
}

TEST(AlignPeers, MorePeersThanPlacesAreRefused) {
  EXPECT_NE(aligned(config_with({"a", "b"}, 3), config_with({"a", "x", "y"})).find("room for 3 peers"),
            std::string::npos);
}

TEST(AlignPeers, TheNumberOfPlacesStays) {
  const SbcConfig running = config_with({"a"}, 5);
  SbcConfig next = config_with({"a"}, 0);
  ASSERT_TRUE(align_peers(running, {}, next));
  EXPECT_EQ(next.peer_places, 5u);
}

}  // namespace
}  // namespace sallyport::mgmt
