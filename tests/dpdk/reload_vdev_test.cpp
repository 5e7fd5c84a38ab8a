// reload_vdev_test.cpp — lcores and shards follow another configuration while packets flow.
#include <gtest/gtest.h>
#include <malloc.h>

#include <atomic>
#include <thread>

#include "tests/dpdk/frames.h"
#include "tests/dpdk/running_rig.h"

namespace sallyport::dataplane {
namespace {

constexpr std::size_t kOutside = 0, kInside = 1;
constexpr const char* kNewcomer = "198.18.1.7";

Flow flow_from(const LcoreRig& rig, std::string_view source) {
  Flow flow = flow_to(rig, kOutside);
  flow.source = {*IpAddress::parse(source), 5060};
  return flow;
}

// The port's answer to one OPTIONS; empty: none.
std::string answer_to(LcoreRig& rig, const Flow& flow, int number) {
  rig.arrive(kOutside, udp_frame(flow, options(flow, number)));
  rig.turn();
  const auto frames = rig.sent(kOutside);
  return frames.empty() ? "" : datagram_of(frames).payload;
}

SbcConfig with_newcomer(SbcConfig config) {
  PeerConfig& peer = config.peers.emplace_back(config.peers[kOutside]);
  peer.name = "newcomer";
  peer.targets = {{Endpoint{*IpAddress::parse(kNewcomer), 5060}, "", 0, 1}};
  return config;
}

SbcConfig that_denies(SbcConfig config, const char* prefix) {
  config.security.access.push_back({*parse_prefix(prefix), "", AccessAction::Deny});
  return config;
}

TEST(Reload, ANewPeerIsKnownAndARemovedOneIsAStranger) {
  LcoreRig rig;
  const Flow newcomer = flow_from(rig, kNewcomer), old = flow_to(rig, kOutside);
  const std::string to_stranger = answer_to(rig, newcomer, 1);
  EXPECT_FALSE(to_stranger.starts_with("SIP/2.0 200 ")) << to_stranger;
  EXPECT_TRUE(answer_to(rig, old, 2).starts_with("SIP/2.0 200 "));
  SbcConfig next = with_newcomer(rig.config);
  rig.adopt(next);
  EXPECT_TRUE(answer_to(rig, newcomer, 3).starts_with("SIP/2.0 200 "));
  EXPECT_TRUE(answer_to(rig, old, 4).starts_with("SIP/2.0 200 "));
  next.peers[kOutside] = next.peers[2];
  next.peers.resize(2);
  rig.adopt(next);
  EXPECT_TRUE(answer_to(rig, newcomer, 5).starts_with("SIP/2.0 200 "));
  EXPECT_EQ(answer_to(rig, old, 6), to_stranger.empty() ? "" : answer_to(rig, old, 7));
}

// Else a flood of strangers starves a carrier that is configured by its name.
TEST(Reload, APeerIsKnownAtTheGuardWhereItsNameLeads) {
  RigSettings settings;
  PeerConfig& named = settings.config.peers.emplace_back(settings.config.peers[kOutside]);
  named.name = "named";
  named.targets = {{std::nullopt, "sip.example.net", 5060, 1}};
  settings.config.security.limits.source = {{1, 1s}, 1};
  LcoreRig rig(std::move(settings));
  const Flow flow = flow_from(rig, kNewcomer);
  const auto flood = [&](int first) {
    int answers = 0;
    for (int i = 0; i < 10; ++i) answers += answer_to(rig, flow, first + i).empty() ? 0 : 1;
    return answers;
  };
  EXPECT_EQ(flood(0), 0);
  EXPECT_GT(rig.dropped(kOutside, DropReason::SourceRate), 5U);
  policy::BoardTargets targets;
  auto target = policy::board_target(rig.config.peers[2], 0);
  target->address = {*IpAddress::parse(kNewcomer), 5060};
  targets.push_back(std::move(target));
  rig.policy->targets.publish(PeerIndex{2}, targets);
  rig.adopt(rig.config);
  const std::uint64_t before = rig.dropped(kOutside, DropReason::SourceRate);
  EXPECT_EQ(flood(10), 10);
  EXPECT_EQ(rig.dropped(kOutside, DropReason::SourceRate), before);
  rig.adopt(that_denies(rig.config, "198.18.1.7/32"));
  EXPECT_EQ(flood(20), 0);
}

TEST(Reload, ADeniedSourceIsDroppedAndCountedFromThenOn) {
  LcoreRig rig({.lcores = 2, .shards = 2});
  const Flow flow = flow_to(rig, kOutside);
  EXPECT_FALSE(answer_to(rig, flow, 1).empty());
  EXPECT_EQ(rig.dropped(kOutside, DropReason::Denied), 0U);
  rig.adopt(that_denies(rig.config, "198.18.1.2/32"));
  EXPECT_TRUE(answer_to(rig, flow, 2).empty());
  for (const Bytes& fragment : fragments_of(rig, udp_frame(flow, options(flow, 3, 1400)), 600))
    rig.arrive(kOutside, fragment);
  rig.turn();
  EXPECT_GE(rig.dropped(kOutside, DropReason::Denied), 3U);
  EXPECT_TRUE(rig.sent(kOutside).empty());
  rig.adopt(rig.config);
  EXPECT_FALSE(answer_to(rig, flow, 4).empty());
}

// Else a gateway that fails over says so in vain.
TEST(Reload, TheAnnouncementOfANewPeerIsHeard) {
  LcoreRig rig;
  Flow flow = flow_from(rig, kNewcomer);
  flow.destination = flow.source;
  rig.arrive(kOutside, arp_request(flow));
  rig.turn();
  EXPECT_TRUE(rig.to_taps.empty());
  rig.adopt(with_newcomer(rig.config));
  rig.arrive(kOutside, arp_request(flow));
  rig.turn();
  EXPECT_EQ(rig.to_taps.size(), 1U);
}

TEST(Reload, AListenerComesAndOneThatIsTakenOutHearsNothingNew) {
  LcoreRig rig({.lcores = 2, .shards = 2});
  Flow flow = flow_to(rig, kOutside);
  flow.destination.port = 5070;
  EXPECT_TRUE(answer_to(rig, flow, 1).empty());
  EXPECT_EQ(rig.dropped(kOutside, DropReason::NoListener), 1U);
  SbcConfig next = rig.config;
  ListenerConfig added = next.realms[kOutside].listen[0];
  added.port = 5070;
  next.realms[kOutside].listen.push_back(added);
  rig.adopt(next);
  EXPECT_TRUE(answer_to(rig, flow, 2).starts_with("SIP/2.0 200 "));
  EXPECT_TRUE(answer_to(rig, flow_to(rig, kOutside), 3).starts_with("SIP/2.0 200 "));
  next.realms[kOutside].listen[1].is_former = true;
  rig.adopt(next);
  EXPECT_TRUE(answer_to(rig, flow, 4).empty());
  EXPECT_EQ(rig.dropped(kOutside, DropReason::NoListener), 1U) << "calls that are up are still heard";
  next.realms[kOutside].listen.pop_back();
  rig.adopt(next);
  EXPECT_TRUE(answer_to(rig, flow, 5).empty());
  EXPECT_EQ(rig.dropped(kOutside, DropReason::NoListener), 2U);
}

TEST(Reload, ARealmThatComesIsServedByAllWhateverTheyKnewAtTheStart) {
  LcoreRig rig({.lcores = 2, .shards = 2});
  SbcConfig next = rig.config;
  RealmConfig annex = next.realms[kOutside];
  annex.name = "annex";
  annex.listen.resize(1);
  annex.listen[0].port = 5090;
  annex.media.ports = {45000, 45999};
  next.realms.push_back(annex);
  PeerConfig& peer = next.peers.emplace_back(next.peers[kOutside]);
  peer.name = "annexed";
  peer.realm = "annex";
  rig.adopt(next);
  Flow flow = flow_to(rig, kOutside);
  flow.destination.port = 5090;
  EXPECT_TRUE(answer_to(rig, flow, 1).starts_with("SIP/2.0 200 "));
  EXPECT_TRUE(answer_to(rig, flow_to(rig, kOutside), 2).starts_with("SIP/2.0 200 "));
}

// Whoever is late finds the newest, and nothing of what went before it.
TEST(Reload, AShardThatMissedSomeFollowsTheLast) {
  LcoreRig rig;
  SbcConfig next = with_newcomer(rig.config);
  for (int i = 0; i < 5; ++i) rig.adopt(rig.config);
  EXPECT_TRUE(rig.shards[0]->has_mail());
  rig.adopt(next);
  EXPECT_TRUE(answer_to(rig, flow_from(rig, kNewcomer), 1).starts_with("SIP/2.0 200 "));
  EXPECT_FALSE(rig.shards[0]->has_mail());
}

// A thousand in a row, while packets of a peer, of a stranger and of somebody flow who is denied half the
// time.
TEST(Reload, ThousandReloadsUnderTrafficLoseNothingAndKeepNothing) {
  RigSettings settings;
  settings.lcores = settings.shards = 2;
  RunningRig running(std::move(settings));
  LcoreRig& rig = running.rig;
  const SbcConfig first = rig.config;
  const SbcConfig other = that_denies(with_newcomer(first), "198.18.1.9/32");
  std::atomic<int> done{0};
  std::size_t grown = 0;
  std::thread reloads([&] {
    std::size_t before = 0;
    for (int i = 0; i < 1000; ++i) {
      if (i == 200) before = ::mallinfo2().uordblks;
      rig.adopt(i % 2 == 0 ? other : first);
      done = i + 1;
    }
    const std::size_t after = ::mallinfo2().uordblks;
    grown = after > before ? after - before : 0;
  });
  int number = 0, answers = 0;
  const auto see = [&](std::size_t, const Bytes&) { ++answers; };
  const auto send_some = [&] {
    for (const char* source : {"198.18.1.2", kNewcomer, "198.18.1.9"}) {
      const Flow flow = flow_from(rig, source);
      rig.arrive(kOutside, udp_frame(flow, options(flow, ++number)));
    }
    return done == 1000;
  };
  while (done < 1000) {
    if (!running.run_until(send_some, see)) break;
  }
  reloads.join();
  EXPECT_EQ(done, 1000);
  EXPECT_GT(answers, 0);
  EXPECT_GT(rig.dropped(kOutside, DropReason::Denied), 0U);
  EXPECT_LT(grown, 2'000'000U) << "800 reloads";
  const Flow flow = flow_to(rig, kInside);
  bool is_answered = false;
  rig.arrive(kInside, udp_frame(flow, options(flow, 1'000'000)));
  EXPECT_TRUE(running.run_until([&] { return is_answered; },
                                [&](std::size_t port, const Bytes&) { is_answered |= port == kInside; }));
}

}  // namespace
}  // namespace sallyport::dataplane
