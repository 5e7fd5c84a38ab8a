// loaded_values_test.cpp — what is written arrives in the values.
#include <gmock/gmock.h>

#include "dataplane/data_plane_memory.h"
#include "mgmt/config/capacity_memory.h"
#include "tests/unit/mgmt/config/config_text.h"

namespace sallyport::mgmt {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(LoadedValues, FillAddressesThatWereLeftOutFromThePort) {
  const SbcConfig config = load_text(joined(kGoodLines)).config;
  ASSERT_EQ(config.realms[0].listen.size(), 1u);
  EXPECT_EQ(config.realms[0].listen[0].addresses.size(), 2u);
  EXPECT_EQ(to_string(config.realms[0].listen[0].addresses[1]), "fd18:1::1");
  EXPECT_EQ(config.realms[0].media.addresses.size(), 2u);
  EXPECT_EQ(config.realms[1].trust, RealmTrust::Trusted);
  EXPECT_EQ(to_string(config.management.listen), "127.0.0.1:8080");
  EXPECT_FALSE(config.management.metrics_listen.has_value());
}

TEST(LoadedValues, LayAPeersKeysOverItsProfileKeyByKey) {
  std::vector<std::string> lines = kGoodLines;
  lines[9] =
      "  - { name: carrier, realm: outside, profile: p, timers: { t1: 200ms }, media: { codecs: [PCMA] }, "
      "targets: [{ address: \"198.18.1.2:5060\" }] }";
  lines.push_back(
      "profiles: [{ name: p, strictness: lenient, timers: { t1: 1s, ring: 20s }, media: { dtmf: info } }]");
  const LoadedConfig loaded = load_text(joined(lines));
  EXPECT_THAT(errors_of(loaded), IsEmpty());
  const ProfileConfig& profile = loaded.config.peers[0].profile;
  EXPECT_EQ(profile.name, "p");
  EXPECT_EQ(profile.strictness, Strictness::Lenient);
  EXPECT_EQ(profile.timers.t1, Duration(200ms));
  EXPECT_EQ(profile.timers.ring, Duration(20s));
  EXPECT_EQ(profile.timers.session, Duration(30min));
  EXPECT_EQ(profile.media.dtmf, DtmfMode::Info);
  EXPECT_THAT(profile.media.codecs, ElementsAre("PCMA"));
  EXPECT_EQ(loaded.config.peers[1].profile.strictness, Strictness::Normal);
}

TEST(LoadedValues, LetAFileRedefineTheDefaultProfile) {
  const LoadedConfig loaded =
      load_text(with_line(13, "profiles: [{ name: default, responses: { to: source } }]"));
  EXPECT_EQ(loaded.config.peers[0].profile.responses_to, ResponsesTo::Source);
}

TEST(LoadedValues, KeepTheOrderOfRouteTargets) {
  const LoadedConfig loaded =
      load_text(with_line(12,
                          "routes: [{ name: r, match: { called: [\"^1\", \"^2\"], header: { X-A: b } }, to: "
                          "[pbx, { reject: 404 }, carrier, { redirect: \"sip:a@b\" }] }]"));
  EXPECT_THAT(errors_of(loaded), IsEmpty());
  const RouteConfig& route = loaded.config.routes[0];
  ASSERT_EQ(route.to.size(), 4u);
  EXPECT_EQ(std::get<RouteToPeer>(route.to[0]).name, "pbx");
  EXPECT_EQ(std::get<RouteReject>(route.to[1]).code, 404);
  EXPECT_EQ(std::get<RouteToPeer>(route.to[2]).name, "carrier");
  EXPECT_EQ(std::get<RouteRedirect>(route.to[3]).uri, "sip:a@b");
  EXPECT_THAT(route.match.called, ElementsAre("^1", "^2"));
  EXPECT_EQ(route.match.headers[0].first, "X-A");
}

TEST(LoadedValues, CarryThreadsPortsAndAccessRules) {
  std::vector<std::string> lines = kGoodLines;
  lines[4] =
      "  - { name: inside, device: \"af_packet:s-in\", vlan: 7, mtu: 9000, checksums: verify, addresses: "
      "[198.18.2.1/24], "
      "gateways: [198.18.2.254], linux: { ping: 5/s } }";
  lines.push_back(
      "dataplane: { lcores: \"2-3\", signalling_threads: 4, idle: poll, processor_sleep: deep, hugepages: "
      "never, capacity: { "
      "sources: 5000 } }");
  lines.push_back(
      "security: { access: [{ source: 192.0.2.0/24, realm: outside, action: deny }, { source: "
      "\"2001:db8::/32\", action: trusted }] }");
  lines.push_back(
      "management: { metrics: { listen: \"127.0.0.1:9090\" }, log: { level: debug, mask_numbers: last4 } }");
  const LoadedConfig loaded = load_text(joined(lines));
  EXPECT_THAT(errors_of(loaded), IsEmpty());
  const SbcConfig& config = loaded.config;
  EXPECT_EQ(config.ports[1].vlan, 7);
  EXPECT_EQ(config.ports[1].mtu, 9000);
  EXPECT_EQ(config.ports[1].checksums, ChecksumMode::Verify);
  EXPECT_EQ(to_string(config.ports[1].gateways[0]), "198.18.2.254");
  EXPECT_EQ(config.ports[1].ping, (Rate{5, 1s}));
  EXPECT_THAT(config.dataplane.lcore_cpus, ElementsAre(2u, 3u));
  EXPECT_EQ(config.dataplane.signalling_threads, 4u);
  EXPECT_EQ(config.dataplane.idle, IdleMode::Poll);
  EXPECT_EQ(config.dataplane.processor_sleep, ProcessorSleep::Deep);
  EXPECT_EQ(config.dataplane.hugepages, HugepageMode::Never);
  EXPECT_EQ(config.dataplane.capacity.sources, 5000u);
  EXPECT_EQ(config.security.access[0].action, AccessAction::Deny);
  EXPECT_EQ(config.security.access[0].realm, "outside");
  EXPECT_EQ(config.security.access[1].action, AccessAction::Trusted);
  EXPECT_EQ(config.security.access[1].realm, "");
  EXPECT_EQ(config.management.metrics_listen->port, 9090);
  EXPECT_EQ(config.management.log.level, LogLevel::Debug);
  EXPECT_EQ(config.management.log.mask_numbers, NumberMask::Last4);
}

TEST(LoadedValues, NeedMoreMemoryForMoreCapacity) {
  const auto small =
      load_text(with_line(13, "dataplane: { capacity: { sources: 5000, transactions: 1000 } }"));
  const auto large =
      load_text(with_line(13, "dataplane: { capacity: { sources: 5000000, transactions: 1000 } }"));
  EXPECT_GT(large.memory_bytes_needed, small.memory_bytes_needed + 100'000'000);
}

// Each of calls, transactions of both kinds and the ring of messages counts.
TEST(LoadedValues, NeedMemoryForCallsTransactionsAndMessages) {
  SbcConfig config = load_text(joined(kGoodLines)).config;
  const std::uint64_t before = memory_bytes_needed(config, 2);
  config.dataplane.capacity.calls += 1000;
  const std::uint64_t with_calls = memory_bytes_needed(config, 2);
  EXPECT_GE(with_calls - before, 6'000'000u);
  EXPECT_LT(with_calls - before, 12'000'000u);
  config.dataplane.capacity.transactions += 1000;
  const std::uint64_t with_transactions = memory_bytes_needed(config, 2);
  EXPECT_GE(with_transactions - with_calls, 2u * 2'400'000u);
  config.management.messages_keep.bytes += 100'000'000;
  EXPECT_GE(memory_bytes_needed(config, 2) - with_transactions, 100'000'000u);
}

// Every media port may be in use: streams are counted by ports.
TEST(LoadedValues, NeedMemoryForTheStreamsThatTheMediaPortsCarry) {
  SbcConfig config = load_text(joined(kGoodLines)).config;
  const std::uint64_t before = memory_bytes_needed(config, 2);
  for (RealmConfig& realm : config.realms) realm.media.ports = {20000, 20999};
  EXPECT_LT(memory_bytes_needed(config, 2), before - 1'000'000);
}

// What `check` says and what a start asks DPDK for come from one plan.
TEST(LoadedValues, NeedThePacketMemoryThatAStartTakes) {
  const SbcConfig config = load_text(joined(kGoodLines)).config;
  const auto small = dataplane::data_plane_memory(config, 2),
             large = dataplane::data_plane_memory(config, 64);
  ASSERT_GT(large.lcores, small.lcores);
  ASSERT_GT(large.packet_bytes, small.packet_bytes);
  EXPECT_GT(memory_bytes_needed(config, 2), small.packet_bytes);
  EXPECT_GT(memory_bytes_needed(config, 64) - large.packet_bytes,
            memory_bytes_needed(config, 2) - small.packet_bytes)
      << "each lcore has tables of its own, too";
}

TEST(LoadedValues, HavePlacesForPeersThatAReloadBrings) {
  EXPECT_EQ(load_text(joined(kGoodLines)).config.peer_places, 1024u);
  EXPECT_EQ(peer_places_for(600), 1200u);
  EXPECT_EQ(peer_places_for(20'000), 40'000u) << "still a PeerIndex";
}

TEST(LoadedValues, KeepTheTreeThatTheyWereMadeFrom) {
  const WrittenConfig written = load_text(joined(kGoodLines)).written;
  ASSERT_TRUE(written.root.is_map());
  EXPECT_EQ(written.root.find("peers")->value.items.size(), 2u);
  ASSERT_EQ(written.files.size(), 1u);
  EXPECT_TRUE(written.files[0].ends_with("c.yaml"));
  EXPECT_FALSE(load_text("a: [").written.root.is_map());
}

}  // namespace
}  // namespace sallyport::mgmt
