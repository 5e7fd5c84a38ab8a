// observation_test.cpp — busy ratios from growing counters.
#include "mgmt/metrics/observation.h"

#include <gtest/gtest.h>

namespace sallyport::mgmt {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;

double observe(BusyMeter& meter, std::uint64_t busy, std::uint64_t total) {
  return meter.observe({{.lcore = 1, .cpu = -1, .busy_ns = busy, .total_ns = total}}).at(0);
}

TEST(BusyMeter, GivesTheShareSinceTheLastLook) {
  BusyMeter meter;
  EXPECT_DOUBLE_EQ(observe(meter, kSecond / 2, kSecond), 0.5);
  EXPECT_DOUBLE_EQ(observe(meter, kSecond / 2 + kSecond / 4, 2 * kSecond), 0.25);
}

TEST(BusyMeter, LooksCloseTogetherShareOneRatio) {
  BusyMeter meter;
  EXPECT_DOUBLE_EQ(observe(meter, kSecond / 2, kSecond), 0.5);
  EXPECT_DOUBLE_EQ(observe(meter, kSecond, kSecond + kSecond / 2), 0.5);
  EXPECT_DOUBLE_EQ(observe(meter, kSecond, 2 * kSecond), 0.5);
}

TEST(BusyMeter, CountersThatRestartGiveNoNonsense) {
  BusyMeter meter;
  EXPECT_DOUBLE_EQ(observe(meter, kSecond, 4 * kSecond), 0.25);
  EXPECT_DOUBLE_EQ(observe(meter, kSecond, 2 * kSecond), 0.5);
  EXPECT_DOUBLE_EQ(observe(meter, 9 * kSecond, 3 * kSecond), 1.0);
}

TEST(BusyMeter, NothingMeasuredYetIsZero) {
  BusyMeter meter;
  EXPECT_DOUBLE_EQ(observe(meter, 0, 0), 0.0);
  EXPECT_TRUE(meter.observe({}).empty());
}

TEST(Observer, PutsTheConfiguredNamesBesideTheCounters) {
  SbcConfig written;
  written.realms.resize(2);
  written.realms[0].name = "outside";
  written.realms[1].name = "inside";
  const SharedSlot<SbcConfig> config(make_value<SbcConfig>(written));
  Observer observer(config, [] {
    dataplane::DataPlaneSnapshot snapshot;
    snapshot.realms.resize(2);
    snapshot.lcores.resize(1);
    return snapshot;
  });
  const Observation seen = observer.observe();
  EXPECT_EQ(seen.realm_names, (std::vector<std::string>{"outside", "inside"}));
  EXPECT_EQ(seen.busy_ratios.size(), 1u);
}

TEST(Observer, ShowsARealmThatAReloadTookOutOnlyWhileItHasCalls) {
  SbcConfig written;
  for (const char* const name : {"a", "gone", "with a peer", "with media", "b"}) {
    written.realms.emplace_back().name = name;
    written.realms.back().is_retired = name != std::string_view("a") && name != std::string_view("b");
    written.peers.emplace_back().realm = name;
  }
  const SharedSlot<SbcConfig> config(make_value<SbcConfig>(written));
  dataplane::DataPlaneSnapshot snapshot;
  snapshot.peers.resize(6);
  snapshot.peers[2].active[1] = 1;
  snapshot.realms.resize(5);
  snapshot.media.realms.resize(5);
  snapshot.media.realms[3].port_pairs_taken = 1;
  snapshot.connections.handshakes.resize(5);
  for (std::size_t i = 0; i < 5; ++i) {
    snapshot.realms[i].retransmissions_in = snapshot.media.realms[i].in.packets = i;
    snapshot.connections.handshakes[i][0] = i;
  }
  Observer observer(config, [&snapshot] { return snapshot; });
  const Observation seen = observer.observe();
  EXPECT_EQ(seen.realm_names, (std::vector<std::string>{"a", "with a peer", "with media", "b"}));
  ASSERT_EQ(seen.plane.realms.size(), 4u);
  ASSERT_EQ(seen.plane.media.realms.size(), 4u);
  ASSERT_EQ(seen.plane.connections.handshakes.size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) {
    const std::uint64_t place = i == 0 ? 0 : i + 1;
    EXPECT_EQ(seen.plane.realms[i].retransmissions_in, place);
    EXPECT_EQ(seen.plane.media.realms[i].in.packets, place);
    EXPECT_EQ(seen.plane.connections.handshakes[i][0], place);
  }
}

// Each of as many peers as there are places, and all that is no peer, with as many calls that are up.
dataplane::DataPlaneSnapshot peers_with_calls(std::vector<std::uint32_t> calls) {
  dataplane::DataPlaneSnapshot snapshot;
  for (const std::uint32_t active : calls) snapshot.peers.emplace_back().active[1] = active;
  return snapshot;
}

TEST(Observer, ShowsThePeersOfTheDayAndRetiredOnesOnlyWhileTheyHaveCalls) {
  SbcConfig written;
  for (const char* const name : {"a", "gone", "busy", "d"}) written.peers.emplace_back().name = name;
  written.peers[1].is_retired = written.peers[2].is_retired = true;
  written.peers[3].registrar = 0;
  SharedSlot<SbcConfig> config(make_value<SbcConfig>());
  Observer observer(
      config, [] { return peers_with_calls({1, 0, 3, 4, 5, 6, 77}); },
      [](Observation& seen) {
        seen.peers_up = {true, false, false, true};
        seen.media_quality.resize(5);
        seen.media_quality[3].jitter_seconds = 4;
        seen.media_quality[4].jitter_seconds = 77;
      });
  config.put(make_value<SbcConfig>(written));
  const Observation seen = observer.observe();
  EXPECT_EQ(seen.peer_names, (std::vector<std::string>{"a", "busy", "d", kNoPeer}));
  ASSERT_EQ(seen.plane.peers.size(), 4u);
  for (const auto& [place, calls] : {std::pair{0, 1u}, {1, 3u}, {2, 4u}, {3, 77u}})
    EXPECT_EQ(seen.plane.peers[static_cast<std::size_t>(place)].active[1], calls);
  EXPECT_EQ(seen.peers_up, (std::vector<bool>{true, false, true}));
  EXPECT_EQ(seen.are_registrars, (std::vector<bool>{false, false, true}));
  ASSERT_EQ(seen.media_quality.size(), 4u);
  EXPECT_EQ(seen.media_quality[2].jitter_seconds, 4);
  EXPECT_EQ(seen.media_quality[3].jitter_seconds, 77);
}

}  // namespace
}  // namespace sallyport::mgmt
