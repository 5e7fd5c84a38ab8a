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

TEST(AlignPeers, ANewPeerTakesThePlaceOfOneThatWasRemovedBeforeAndHasNoCalls) {
  SbcConfig running = config_with({"a", "b", "c"});
  EXPECT_EQ(aligned(running, config_with({"a", "c", "new"}), {false, true, false}), "a b! c new")
      << "a call may come until all threads have followed";
  running.peers[1].is_retired = true;
  EXPECT_EQ(aligned(running, config_with({"a", "c", "new"}), {false, true, false}), "a new c");
}

TEST(AlignPeers, APeerIsKnownWhereItWasForAsLongAsItHasCalls) {
  const auto with_target = [](const char* target) {
    SbcConfig config = config_with({"a"});
    config.peers[0].targets.resize(1);
    config.peers[0].targets[0].address = parse_endpoint(target, 5060);
    return config;
  };
  const std::vector<Prefix> old{*parse_prefix("198.18.1.2/32")};
  SbcConfig next = with_target("198.18.1.3");
  ASSERT_TRUE(align_peers(with_target("198.18.1.2"), {true}, next));
  EXPECT_EQ(next.peers[0].former_sources, old);
  SbcConfig after = with_target("198.18.1.3");
  ASSERT_TRUE(align_peers(next, {false}, after));
  EXPECT_EQ(after.peers[0].former_sources, old) << "it has a call";
  ASSERT_TRUE(align_peers(next, {true}, after = with_target("198.18.1.3")));
  EXPECT_TRUE(after.peers[0].former_sources.empty());
  ASSERT_TRUE(align_peers(next, {false}, after = with_target("198.18.1.2")));
  EXPECT_EQ(after.peers[0].former_sources, std::vector<Prefix>{*parse_prefix("198.18.1.3/32")})
      << "where it is again it is no stranger";
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

TEST(AlignPeers, SourcesOfARemovedPeerAreForgottenByTheNextReloadThatFindsItWithoutCalls) {
  SbcConfig running = config_with({"a", "b"});
  running.peers[1].sources = {*parse_prefix("198.18.1.0/24")};
  SbcConfig next = config_with({"a"});
  ASSERT_TRUE(align_peers(running, {true, true}, next));
  EXPECT_EQ(next.peers[1].sources.size(), 1u);
  SbcConfig after = config_with({"a"});
  ASSERT_TRUE(align_peers(next, {true, true}, after));
  EXPECT_TRUE(after.peers[1].sources.empty());
  ASSERT_TRUE(align_peers(next, {true, false}, after = config_with({"a"})));
  EXPECT_EQ(after.peers[1].sources.size(), 1u) << "it has a call";
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
