// guard_stage_test.cpp — trust, limits and budgets, one burst after another.
#include "dataplane/stages/guard_stage.h"

#include <map>
#include <memory>
#include <string>

#include "dataplane/packet/udp_header.h"
#include "dataplane/packet/wire.h"
#include "dataplane/stages/classify_stage.h"
#include "dataplane/stages/parse_stage.h"
#include "policy/decide/blocklist.h"
#include "sipalg/token/token.h"
#include "tests/unit/dataplane/stages/packet_pool.h"

namespace sallyport::dataplane {
namespace {

using namespace test;

constexpr const char* kStranger = "203.0.113.7";

Bytes sip_from(std::string_view source) {
  return ethernet(ipv4(udp({}, {.source = source}), {.source = source}));
}
Bytes syn_from(std::string_view source) {
  return ethernet(ipv4(tcp_syn(source, "198.18.1.1", 5060), {.source = source, .protocol = 6}));
}
Bytes ping_from(std::string_view source) {
  return ethernet(ipv4(icmp(source, "198.18.1.1", 8, Bytes(4)), {.source = source, .protocol = 1}));
}
Bytes arp_from(std::string_view source) { return ethernet(arp({.sender = source})); }
Bytes solicitation_from(std::string_view source) {
  return ethernet(ipv6(icmp(source, "fd18:1::1", 135, neighbour_rest("fd18:1::1")),
                       {.source = source, .next_header = 58, .hop_limit = 255}));
}

Bytes sip_from_flow(std::string_view source, std::uint16_t port) {
  return ethernet(ipv4(udp({}, {.source = source, .source_port = port}), {.source = source}));
}

class GuardStageTest : public WithPackets {
 protected:
  explicit GuardStageTest(SbcConfig config = small_config()) : config_(std::move(config)) {}

  void run(const std::vector<Bytes>& frames, Timestamp now = Timestamp{1h}) {
    fill(frames);
    ParseStage(ports_).process(now, burst_);
    ClassifyStage(ListenerTable(config_, ports_), LinuxSide(config_, &flows_)).process(now, burst_);
    stage_.process(now, burst_);
  }
  // How often each reason (or none: kCount) came of sending `frame` so many times.
  std::map<DropReason, int> flood(const Bytes& frame, int times, Timestamp now = Timestamp{1h}) {
    std::map<DropReason, int> outcome;
    for (int i = 0; i < times; ++i) {
      run({frame}, now);
      ++outcome[burst_.verdicts[0] == Verdict::Drop ? burst_.drop_reasons[0] : DropReason::kCount];
    }
    return outcome;
  }

  void promote(std::string_view source, std::uint16_t port, Timestamp now = Timestamp{1h}) {
    earned_.promote(RealmIndex{0}, {*IpAddress::parse(source), port}, now, now + 1h);
  }

  // As if config_ were read anew.
  void adopt() {
    auto sources = std::make_unique<policy::SourceClassifier>(config_);
    (void)stage_.adopt(std::make_unique<GuardView>(config_, *sources, HashKey{5, 6}, 1));
    adopted_ = std::move(sources);
  }

  SbcConfig config_;
  PortTable ports_ = ports_of(config_);
  std::unique_ptr<policy::SourceClassifier> adopted_;
  policy::SourceClassifier sources_{config_};
  LinuxFlows flows_{16, HashKey{1, 2}};
  policy::EarnedTrust earned_{1000, HashKey{9, 10}};
  GuardStage stage_{config_, sources_, HashKey{5, 6}, 1, {.blocks = nullptr, .earned = &earned_}};
};

TEST_F(GuardStageTest, WritesTrustAndPeerIntoTheMeta) {
  const Bytes from_lan = ethernet(ipv4(udp({}, {.source = "198.18.7.9", .destination = "198.18.7.1"}),
                                       {.source = "198.18.7.9", .destination = "198.18.7.1"}),
                                  {.vlan = 7});
  run({sip_frame_v4(), sip_from(kStranger), from_lan, sip_frame_v6()});
  const TrustClass trust[] = {TrustClass::Known, TrustClass::Untrusted, TrustClass::Trusted,
                              TrustClass::Known};
  const PeerIndex peers[] = {PeerIndex{0}, PeerIndex::kNone, PeerIndex::kNone, PeerIndex{0}};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(burst_.verdicts[i], Verdict::Continue);
    EXPECT_EQ(burst_.meta[i]->trust, trust[i]);
    EXPECT_EQ(burst_.meta[i]->peer, peers[i]);
  }
}

TEST_F(GuardStageTest, DropsADeniedSource) {
  run({sip_from("192.0.2.1"), ping_from("192.0.2.1"), arp_from("192.0.2.1"), syn_from("192.0.2.1")});
  EXPECT_EQ(burst_.drop_reasons[0], DropReason::Denied);
  EXPECT_EQ(burst_.drop_reasons[1], DropReason::Denied);
  EXPECT_EQ(burst_.verdicts[2], Verdict::Continue) << "ARP is not access";
  EXPECT_EQ(burst_.drop_reasons[3], DropReason::Denied);
}

TEST_F(GuardStageTest, LetsNoWrongChecksumPass) {
  const Bytes half_done = ethernet(ipv4(udp({}, {.sum = Sum::HalfDone})));
  const Bytes wrong_in_lan =
      ethernet(ipv4(udp({}, {.source = "198.18.7.9", .destination = "198.18.7.1", .sum = Sum::HalfDone}),
                    {.source = "198.18.7.9", .destination = "198.18.7.1"}),
               {.vlan = 7});
  const Bytes of_stranger =
      ethernet(ipv4(udp({}, {.source = kStranger, .sum = Sum::Wrong}), {.source = kStranger}));
  run({ethernet(ipv4(udp({}, {.sum = Sum::Wrong}))), sip_frame_v4(), half_done, wrong_in_lan, of_stranger});
  const bool passes[] = {false, true, true, false, false};
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(burst_.verdicts[i] == Verdict::Continue, passes[i]) << i;
    EXPECT_FALSE(burst_.meta[i]->checksum_pending) << i;
    EXPECT_TRUE(passes[i] || burst_.drop_reasons[i] == DropReason::BadL4Checksum) << i;
  }
  EXPECT_TRUE(burst_.meta[2]->checksum_half_done);
}

TEST_F(GuardStageTest, LimitsAStrangerButNeverAPeer) {
  auto outcome = flood(sip_from(kStranger), 150);
  EXPECT_EQ(outcome[DropReason::kCount], 100);
  EXPECT_EQ(outcome[DropReason::SourceRate], 50);
  EXPECT_EQ(flood(sip_frame_v4(), 1000)[DropReason::kCount], 1000);
  EXPECT_EQ(stage_.sources_tracked(), 1u);
}

// 300,000 INVITEs a second in a peer's name took the signalling threads from all peers.
TEST_F(GuardStageTest, LimitsAPeerToWhatItsCallsCanNeedAndNoOtherPeer) {
  config_.peers[0].limits_in = config_.peers[0].limits_out = CallLimits{100, {10, 1s}};
  PeerConfig& other = config_.peers.emplace_back(config_.peers[0]);
  other.name = "other";
  other.targets = {{parse_endpoint("198.18.1.3:5060", 0), "", 0, 1}};
  adopt();
  auto outcome = flood(sip_frame_v4(), 2000);
  EXPECT_EQ(outcome[DropReason::kCount], 500);
  EXPECT_EQ(outcome[DropReason::PeerRate], 1500);
  EXPECT_EQ(stage_.beyond_budget(PeerIndex{0}), 1500u) << "so that the operator sees which peer it is";
  EXPECT_EQ(flood(sip_from("198.18.1.3"), 500)[DropReason::kCount], 500);
  EXPECT_EQ(stage_.beyond_budget(PeerIndex{1}), 0u);
  EXPECT_EQ(flood(sip_frame_v4(), 200, Timestamp{1h + 100ms})[DropReason::kCount], 1)
      << "while it lasts only what is said again";
  EXPECT_EQ(flood(sip_frame_v4(), 200, Timestamp{1h + 3s})[DropReason::kCount], 200) << "it is over";
}

TEST_F(GuardStageTest, HearsAFloodedPeerOfWhatIsThere) {
  const HashKey key{21, 22};
  GuardStage stage(config_, sources_, HashKey{5, 6}, 1, {.token_key = &key});
  const auto passes = [&](std::string_view message) {
    fill({ethernet(ipv4(udp(Bytes(message.begin(), message.end()))))});
    ParseStage(ports_).process(Timestamp{1h}, burst_);
    ClassifyStage(ListenerTable(config_, ports_), LinuxSide(config_, &flows_)).process(Timestamp{1h}, burst_);
    stage.process(Timestamp{1h}, burst_);
    return burst_.verdicts[0] == Verdict::Continue;
  };
  const std::string invite = "INVITE sip:a@198.18.1.1 SIP/2.0\r\nTo: <sip:a@b>\r\nCall-ID: 1\r\n\r\n";
  while (passes(invite)) {
  }
  const sip::TokenText token = sip::write_token(key, sip::TokenKind::Tag, {.shard = 3, .number = 77});
  const std::string tag(sip::view(token));
  EXPECT_TRUE(passes("BYE sip:a@198.18.1.1 SIP/2.0\r\nTo: <sip:a@b>;tag=" + tag + "\r\nCall-ID: 1\r\n\r\n"));
  EXPECT_FALSE(passes("BYE sip:a@198.18.1.1 SIP/2.0\r\nTo: <sip:a@b>;tag=guessed\r\nCall-ID: 1\r\n\r\n"));
  EXPECT_FALSE(passes(""));
}

TEST_F(GuardStageTest, LimitsAPrefix) {
  std::map<DropReason, int> outcome;
  for (int i = 0; i < 250; ++i)
    for (const auto& [reason, count] : flood(sip_from("203.0.113." + std::to_string(i)), 2))
      outcome[reason] += count;
  EXPECT_EQ(outcome[DropReason::kCount], 400);
  EXPECT_EQ(outcome[DropReason::PrefixRate], 100);
}

TEST_F(GuardStageTest, LimitsAllStrangersTogetherAndLeavesThePeersAlone) {
  std::map<DropReason, int> outcome;
  for (int i = 0; i < 1000; ++i)
    for (const auto& [reason, count] :
         flood(sip_from("100." + std::to_string(i / 250) + "." + std::to_string(i % 250) + ".1"), 1))
      outcome[reason] += count;
  EXPECT_EQ(outcome[DropReason::kCount], 500);
  EXPECT_EQ(outcome[DropReason::UnknownRate], 500);
  EXPECT_EQ(flood(sip_frame_v4(), 10)[DropReason::kCount], 10);
}

TEST_F(GuardStageTest, GivesEachPacketOfABurstItsOwnDecision) {
  std::vector<Bytes> frames(kBurstMax, sip_from(kStranger));
  for (std::size_t i = 0; i < frames.size(); i += 4) frames[i] = sip_frame_v4();
  for (int round = 0; round < 3; ++round) run(frames);
  int passed = 0;
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const bool is_continued = burst_.verdicts[i] == Verdict::Continue;
    if (i % 4 == 0) {
      EXPECT_TRUE(is_continued);
    } else {
      passed += is_continued ? 1 : 0;
    }
  }
  EXPECT_EQ(passed, 4) << "100 tokens, 48 a burst";
}

TEST_F(GuardStageTest, KeepsArpNeighbourDiscoveryAndEchoWithinTheirBudgets) {
  EXPECT_EQ(flood(arp_from("198.18.1.77"), 100)[DropReason::ArpBudget], 90);
  EXPECT_EQ(flood(solicitation_from("fd18:1::77"), 100)[DropReason::NeighbourDiscoveryBudget], 90);
  EXPECT_EQ(flood(ping_from("198.18.1.77"), 100)[DropReason::EchoBudget], 90);
}

TEST_F(GuardStageTest, KeepsThePeersBudgetsFromAStrangersFlood) {
  flood(arp_from("198.18.1.77"), 500);
  flood(solicitation_from("fd18:1::77"), 500);
  flood(ping_from("198.18.1.77"), 500);
  run({arp_from("198.18.1.2"), solicitation_from("fd18:1::2"), ping_from("198.18.1.2"),
       arp_from("198.18.1.254")});
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(burst_.verdicts[i], Verdict::Continue) << i;
}

TEST_F(GuardStageTest, LimitsTheNewConnectionsOfAStranger) {
  auto outcome = flood(syn_from(kStranger), 60);
  EXPECT_EQ(outcome[DropReason::kCount], 10);
  EXPECT_EQ(outcome[DropReason::TcpSynRate], 50);
  EXPECT_EQ(flood(sip_from(kStranger), 100)[DropReason::kCount], 90) << "what was held back cost nothing";
  EXPECT_EQ(flood(syn_from("203.0.113.8"), 1)[DropReason::kCount], 1);
}

TEST_F(GuardStageTest, LimitsTheNewConnectionsOfAllStrangersAndLeavesThePeersTheirs) {
  std::map<DropReason, int> outcome;
  for (int i = 0; i < 1000; ++i)
    for (const auto& [reason, count] :
         flood(syn_from("100." + std::to_string(i / 250) + "." + std::to_string(i % 250) + ".1"), 1))
      outcome[reason] += count;
  EXPECT_EQ(outcome[DropReason::kCount], 500);
  EXPECT_EQ(outcome[DropReason::UnknownRate], 500);
  auto peer = flood(syn_from("198.18.1.2"), 500);
  EXPECT_EQ(peer[DropReason::kCount], 400);
  EXPECT_EQ(peer[DropReason::TcpSynRate], 100) << "a peer that goes mad is held back too";
}

TEST_F(GuardStageTest, KeepsFlowsAndServicesWithinTheirBudgets) {
  const LinuxFlow flow{PortIndex{0}, 6, {ip("198.18.1.1"), 5060}, {ip(kStranger), 40000}};
  ASSERT_TRUE(flows_.set(flow, LinuxFlowState::Established, Timestamp{2h}, Timestamp{1h}));
  Bytes ack = tcp_syn(kStranger, "198.18.1.1", 5060);
  ack[13] = kTcpAck;
  store16(ack.data() + 16, load16(ack.data() + 16) - 14u);
  auto outcome = flood(ethernet(ipv4(ack, {.source = kStranger, .protocol = 6})), 2100);
  EXPECT_EQ(outcome[DropReason::kCount], 2000);
  EXPECT_EQ(outcome[DropReason::FlowBudget], 100);
}

class GuardOfServicesTest : public GuardStageTest {
 protected:
  static SbcConfig with_snmp() {
    SbcConfig config = small_config();
    config.ports[0].services = {{LinuxServiceKind::Udp, 161}};
    return config;
  }
  GuardOfServicesTest() : GuardStageTest(with_snmp()) {}
};

TEST_F(GuardOfServicesTest, KeepsRequestsWithinTheirBudget) {
  const auto request = [](std::string_view source) {
    return ethernet(ipv4(udp({}, {.source = source, .destination_port = 161}), {.source = source}));
  };
  auto outcome = flood(request(kStranger), 300);
  EXPECT_EQ(outcome[DropReason::kCount], 200);
  EXPECT_EQ(outcome[DropReason::ServiceBudget], 100);
  EXPECT_EQ(flood(request("192.0.2.1"), 1)[DropReason::Denied], 1);
  EXPECT_EQ(flood(request("198.18.1.2"), 100)[DropReason::kCount], 100);
}

TEST_F(GuardStageTest, JudgesByTheAccessRulesAndPeersOfTheDay) {
  run({sip_from(kStranger), sip_from("192.0.2.1"), sip_frame_v4()});
  EXPECT_EQ(burst_.meta[0]->trust, TrustClass::Untrusted);
  EXPECT_EQ(burst_.drop_reasons[1], DropReason::Denied);
  EXPECT_EQ(burst_.meta[2]->peer, PeerIndex{0});
  config_.security.access = {{*parse_prefix("198.18.1.2/32"), "", AccessAction::Deny}};
  PeerConfig& other = config_.peers.emplace_back(config_.peers[0]);
  other.name = "other";
  other.targets = {{parse_endpoint("203.0.113.7:5060", 0), "", 0, 1}};
  adopt();
  run({sip_from(kStranger), sip_from("192.0.2.1"), sip_frame_v4(), sip_from("203.0.113.8")});
  EXPECT_EQ(burst_.meta[0]->trust, TrustClass::Known);
  EXPECT_EQ(burst_.meta[0]->peer, PeerIndex{1});
  EXPECT_EQ(burst_.verdicts[1], Verdict::Continue);
  EXPECT_EQ(burst_.drop_reasons[2], DropReason::Denied);
  EXPECT_EQ(burst_.meta[3]->trust, TrustClass::Untrusted);
}

TEST_F(GuardStageTest, TakesNewRatesWithoutForgettingTheSourcesThatItKnows) {
  EXPECT_EQ(flood(sip_from(kStranger), 100)[DropReason::kCount], 100);
  EXPECT_EQ(flood(syn_from(kStranger), 5)[DropReason::SourceRate], 5);
  config_.security.limits.source = {{10, 1s}, 20};
  config_.security.limits.tcp.handshakes = {3, 1s};
  adopt();
  EXPECT_EQ(stage_.sources_tracked(), 1U);
  EXPECT_EQ(flood(sip_from(kStranger), 5)[DropReason::SourceRate], 5) << "what it took is not given back";
  EXPECT_EQ(flood(sip_from("203.0.113.8"), 30)[DropReason::kCount], 20);
  EXPECT_EQ(flood(syn_from("203.0.113.9"), 5)[DropReason::TcpSynRate], 2);
  EXPECT_EQ(flood(sip_from(kStranger), 30, Timestamp{1h + 10s})[DropReason::kCount], 20);
}

TEST_F(GuardStageTest, GivesANewPeerABudgetOfItsOwn) {
  flood(arp_from("198.18.1.77"), 500);
  config_.peers[0].targets.push_back({parse_endpoint("198.18.1.3:5060", 0), "", 0, 1});
  adopt();
  EXPECT_EQ(flood(arp_from("198.18.1.77"), 100)[DropReason::ArpBudget], 90);
  EXPECT_EQ(flood(arp_from("198.18.1.3"), 50)[DropReason::kCount], 40);
}

TEST_F(GuardStageTest, LooksAtNothingThatWasNotClassified) {
  fill({sip_from("192.0.2.1")});
  ParseStage(ports_).process(Timestamp{}, burst_);
  stage_.process(Timestamp{}, burst_);
  EXPECT_EQ(burst_.verdicts[0], Verdict::Continue);
  EXPECT_EQ(stage_.sources_tracked(), 0u);
}

// A guard that asks a list of blocks.
class GuardStageBlocks : public GuardStageTest {
 protected:
  GuardStageBlocks() : blocks_(16, HashKey{7, 8}) {}
  void block(std::string_view prefix, policy::BlockOrigin origin = policy::BlockOrigin::Operator,
             bool is_proved = true, Timestamp until = Timestamp::max()) {
    ASSERT_TRUE(blocks_.put({*parse_prefix(prefix), origin, is_proved, Timestamp{1h}, until, {}}));
  }
  void run_blocking(const std::vector<Bytes>& frames, Timestamp now = Timestamp{1h}) {
    fill(frames);
    ParseStage(ports_).process(now, burst_);
    ClassifyStage(ListenerTable(config_, ports_), LinuxSide(config_, &flows_)).process(now, burst_);
    blocking_.process(now, burst_);
  }
  [[nodiscard]] bool is_blocked(std::size_t i) const {
    return burst_.verdicts[i] == Verdict::Drop && burst_.drop_reasons[i] == DropReason::Blocked;
  }
  [[nodiscard]] std::uint64_t hits(std::string_view prefix) {
    return blocks_.of(*parse_prefix(prefix)).at(0).hits;
  }

  policy::Blocklist blocks_;
  GuardStage blocking_{config_, sources_, HashKey{5, 6}, 1, {.blocks = &blocks_.table(), .earned = &earned_}};
};

TEST_F(GuardStageBlocks, DropAllThatABlockedSourceSendsButArp) {
  block(kStranger);
  run_blocking({sip_from(kStranger), syn_from(kStranger), ping_from(kStranger), arp_from(kStranger),
                sip_from("203.0.113.8")});
  EXPECT_TRUE(is_blocked(0));
  EXPECT_TRUE(is_blocked(1));
  EXPECT_TRUE(is_blocked(2));
  EXPECT_EQ(burst_.verdicts[3], Verdict::Continue) << "it may be the router that others are behind";
  EXPECT_EQ(burst_.verdicts[4], Verdict::Continue);
  EXPECT_EQ(burst_.meta[0]->trust, TrustClass::Denied);
  EXPECT_EQ(hits(kStranger), 3u);
  EXPECT_EQ(blocking_.sources_tracked(), 1u) << "who is blocked has no bucket";
}

TEST_F(GuardStageBlocks, HoldFromTheNextBurstOnAndEndAtTheirTime) {
  run_blocking({sip_from(kStranger)});
  EXPECT_FALSE(is_blocked(0));
  block("203.0.113.0/24", policy::BlockOrigin::Operator, true, Timestamp{1h} + 5s);
  run_blocking({sip_from(kStranger)});
  EXPECT_TRUE(is_blocked(0));
  run_blocking({sip_from(kStranger)}, Timestamp{1h} + 5s);
  EXPECT_FALSE(is_blocked(0));
  block("203.0.113.0/24");
  run_blocking({sip_from(kStranger)}, Timestamp{1h} + 6s);
  EXPECT_TRUE(is_blocked(0));
  EXPECT_TRUE(blocks_.remove(*parse_prefix("203.0.113.0/24"), policy::BlockOrigin::Operator));
  run_blocking({sip_from(kStranger)}, Timestamp{1h} + 6s);
  EXPECT_FALSE(is_blocked(0));
}

// Threats I10: 198.18.1.2 is the peer's, 198.18.7.9 a host of a realm that is trusted.
TEST_F(GuardStageBlocks, WonOverUnprovedDatagramsTouchOnlyTheUntrusted) {
  const Bytes from_lan = ethernet(ipv4(udp({}, {.source = "198.18.7.9", .destination = "198.18.7.1"}),
                                       {.source = "198.18.7.9", .destination = "198.18.7.1"}),
                                  {.vlan = 7});
  const std::vector<Bytes> frames{sip_from(kStranger), from_lan, sip_frame_v4()};
  for (const char* source : {kStranger, "198.18.7.9", "198.18.1.2"})
    block(source, policy::BlockOrigin::Detector, false);
  run_blocking(frames);
  EXPECT_TRUE(is_blocked(0));
  EXPECT_FALSE(is_blocked(1));
  EXPECT_FALSE(is_blocked(2));
  for (const char* source : {kStranger, "198.18.7.9", "198.18.1.2"})
    block(source, policy::BlockOrigin::Detector, true);
  run_blocking(frames);
  EXPECT_TRUE(is_blocked(0));
  EXPECT_TRUE(is_blocked(1));
  EXPECT_FALSE(is_blocked(2)) << "nobody but the operator blocks a peer";
  block("198.18.1.2");
  run_blocking(frames);
  EXPECT_TRUE(is_blocked(2));
}

TEST_F(GuardStageBlocks, CountEachPacketOfABurstForItsOwnBlock) {
  block(kStranger);
  block("192.88.99.0/24");
  std::vector<Bytes> frames;
  for (std::size_t i = 0; i < kBurstMax; ++i)
    frames.push_back(sip_from(i % 4 == 0 ? "192.88.99.1" : i % 4 == 1 ? "192.88.98.1" : kStranger));
  run_blocking(frames);
  for (std::size_t i = 0; i < kBurstMax; ++i) EXPECT_EQ(is_blocked(i), i % 4 != 1) << i;
  EXPECT_EQ(hits("192.88.99.0/24"), kBurstMax / 4);
  EXPECT_EQ(hits(kStranger), kBurstMax / 2);
}

// Trust that a flow has earned: it has a bucket of its own, and privileges as before.
class GuardStageEarned : public GuardStageBlocks {
 protected:
  // How many of so many packets of that flow pass.
  int passed(std::uint16_t port, int times, Timestamp now = Timestamp{1h}) {
    return flood(sip_from_flow(kStranger, port), times, now)[DropReason::kCount];
  }
};

TEST_F(GuardStageEarned, AProvedFlowIsMarkedAndStaysUntrusted) {
  promote(kStranger, 5062);
  run({sip_from_flow(kStranger, 5062), sip_from_flow(kStranger, 5063), sip_from_flow("203.0.113.8", 5062)});
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(burst_.verdicts[i], Verdict::Continue);
    EXPECT_EQ(burst_.meta[i]->trust, TrustClass::Untrusted);
    EXPECT_EQ(burst_.meta[i]->is_proved, i == 0) << i;
  }
  run({sip_from_flow(kStranger, 5062)}, Timestamp{2h});
  EXPECT_FALSE(burst_.meta[0]->is_proved) << "its trust has ended";
}

TEST_F(GuardStageEarned, AProvedFlowIsLimitedByItself) {
  promote(kStranger, 5062);
  const auto outcome = flood(sip_from_flow(kStranger, 5062), 150);
  EXPECT_EQ(outcome.at(DropReason::kCount), 100) << "limits.source";
  EXPECT_EQ(outcome.at(DropReason::SourceRate), 50);
}

TEST_F(GuardStageEarned, AFloodOfStrangersLeavesItAlone) {
  promote(kStranger, 5062);
  for (int i = 0; i < 1000; ++i)  // the budget of all strangers, and that of its prefix, are used up
    (void)flood(sip_from("100." + std::to_string(i / 250) + "." + std::to_string(i % 250) + ".1"), 1);
  for (int i = 0; i < 250; ++i) (void)flood(sip_from("203.0.113." + std::to_string(i)), 3);
  EXPECT_EQ(flood(sip_from("203.0.113.201"), 10)[DropReason::kCount], 0);
  EXPECT_EQ(passed(5062, 50), 50);
}

// A NAT full of phones, one of which, or somebody behind it who is no phone, sends whatever he can.
TEST_F(GuardStageEarned, OneFlowsFloodDoesNotSilenceTwoHundredPhonesAtItsAddress) {
  for (std::uint16_t port = 10000; port < 10200; ++port) promote(kStranger, port);
  Timestamp now{1h};
  int of_flood = 0, of_newcomers = 0;
  for (int second = 0; second < 10; ++second, now += 1s) {
    of_flood += passed(4444, 1000, now);
    for (std::uint16_t port = 10000; port < 10200; ++port) ASSERT_EQ(passed(port, 2, now), 2) << port;
    // Phones that have not registered yet.
    for (std::uint16_t port = 30000; port < 30010; ++port) of_newcomers += passed(port, 2, now);
  }
  EXPECT_EQ(of_newcomers, 200);
  EXPECT_LE(of_flood, 25 + 10 * 13) << "a quarter of the address's limit";
}

TEST_F(GuardStageEarned, WithoutTrustAtAnAddressItsFlowsShareItsBucket) {
  promote("203.0.113.8", 5062);
  EXPECT_EQ(passed(5062, 60) + passed(5063, 60), 100);
}

// Threats I10: what anybody could have sent in its name does not block a phone.
TEST_F(GuardStageEarned, ABlockOfStrangersSparesTheFlowThatIsProved) {
  promote(kStranger, 5062);
  block("203.0.113.0/24", policy::BlockOrigin::Detector, false);
  const std::vector<Bytes> frames{sip_from_flow(kStranger, 5062), sip_from_flow(kStranger, 5063),
                                  sip_from_flow(kStranger, 5062), syn_from(kStranger),
                                  ping_from(kStranger),           sip_from_flow("203.0.113.8", 5062)};
  run_blocking(frames);
  for (std::size_t i = 0; i < frames.size(); ++i) EXPECT_EQ(is_blocked(i), i != 0 && i != 2) << i;
  EXPECT_TRUE(burst_.meta[0]->is_proved);
  EXPECT_EQ(hits("203.0.113.0/24"), 4u);
  block("203.0.113.0/24", policy::BlockOrigin::Detector, true);
  run_blocking(frames);
  EXPECT_TRUE(is_blocked(0)) << "won over what is proved";
  earned_.demote(RealmIndex{0}, {*IpAddress::parse(kStranger), 5062});
  block("203.0.113.0/24", policy::BlockOrigin::Operator);
  run_blocking(frames);
  EXPECT_TRUE(is_blocked(0));
}

TEST_F(GuardStageEarned, AnOperatorsBlockTouchesTheProvedToo) {
  promote(kStranger, 5062);
  block(kStranger);
  run_blocking({sip_from_flow(kStranger, 5062)});
  EXPECT_TRUE(is_blocked(0));
}

// Threats R1: what a datagram earns opens no connections.
TEST_F(GuardStageEarned, ASourceThatEarnedTrustOpensNoMoreConnections) {
  promote(kStranger, 5060);
  const int before = flood(syn_from("203.0.113.90"), 100)[DropReason::kCount];
  EXPECT_EQ(flood(syn_from(kStranger), 100)[DropReason::kCount], before);
  EXPECT_LT(before, 20);
}

}  // namespace
}  // namespace sallyport::dataplane
