// unreachable_stage_test.cpp — an ICMP error from the wire to the mailboxes of the shards.
#include "dataplane/stages/unreachable_stage.h"

#include <map>

#include "dataplane/stages/classify_stage.h"
#include "dataplane/stages/guard_stage.h"
#include "dataplane/stages/parse_stage.h"
#include "tests/unit/dataplane/stages/packet_pool.h"

namespace sallyport::dataplane {
namespace {

using namespace test;

struct Quoted {
  std::string_view source = "198.18.1.1", destination = "198.18.1.2";
  std::uint16_t source_port = 5060, destination_port = 5062;
};

// `from` says that what we sent to the carrier did not arrive.
Bytes unreachable(std::string_view from, const Quoted& quoted = {}) {
  const Bytes sent = ipv4(udp(bytes_of("INVITE"), {.source = quoted.source,
                                                   .destination = quoted.destination,
                                                   .source_port = quoted.source_port,
                                                   .destination_port = quoted.destination_port}),
                          {.source = quoted.source, .destination = quoted.destination});
  const Bytes rest = joined(Bytes(4), sent);
  return ethernet(ipv4(icmp(from, "198.18.1.1", 3, rest, 3), {.source = from, .protocol = 1}));
}

Bytes unreachable_v6(std::string_view from) {
  const Bytes sent = ipv6(udp(bytes_of("INVITE"), {.source = "fd18:1::1", .destination = "fd18:1::2"}),
                          {.source = "fd18:1::1", .destination = "fd18:1::2"});
  return ethernet(
      ipv6(icmp(from, "fd18:1::1", 1, joined(Bytes(4), sent), 4), {.source = from, .next_header = 58}));
}

class UnreachableStageTest : public WithPackets {
 protected:
  void run(Timestamp now = Timestamp{1h}) {
    ParseStage(ports_).process(now, burst_);
    ClassifyStage(ListenerTable(config_, ports_)).process(now, burst_);
    guard_.process(now, burst_);
    stage_.process(now, burst_);
  }
  void run(const Bytes& frame, Timestamp now = Timestamp{1h}) {
    fill({frame});
    run(now);
  }
  // How the last burst's first packet was dropped; kCount: it was not.
  [[nodiscard]] DropReason reason() const {
    return burst_.verdicts[0] == Verdict::Drop ? burst_.drop_reasons[0] : DropReason::kCount;
  }

  SbcConfig config_ = small_config();
  PortTable ports_ = ports_of(config_);
  policy::SourceClassifier sources_{config_};
  GuardStage guard_{config_, sources_, HashKey{5, 6}};
  Doorbell bells_[2];
  Mailbox<Unreachable> mail_[2]{Mailbox<Unreachable>(8), Mailbox<Unreachable>(8)};
  UnreachablePosts posts_{{{nullptr, &bells_[0], &mail_[0]}, {nullptr, &bells_[1], &mail_[1]}}};
  UnreachableStage stage_{posts_};
};

TEST_F(UnreachableStageTest, TellsEveryShardTheTwoEndsOfTheFlow) {
  for (const bool is_v4 : {true, false}) {
    run(is_v4 ? unreachable("198.18.1.254") : unreachable_v6("fd18:1::fe"));
    EXPECT_EQ(burst_.verdicts[0], Verdict::Consumed) << to_string(reason());
    for (auto& mail : mail_) {
      Unreachable message;
      ASSERT_TRUE(mail.receive(message));
      EXPECT_EQ(message.realm, RealmIndex{0});
      EXPECT_EQ(to_string(message.local), is_v4 ? "198.18.1.1:5060" : "[fd18:1::1]:5060");
      EXPECT_EQ(to_string(message.remote), is_v4 ? "198.18.1.2:5062" : "[fd18:1::2]:5060");
      EXPECT_TRUE(mail.empty());
    }
  }
}

TEST_F(UnreachableStageTest, ReadsAQuoteThatLiesInAChain) {
  fill(std::vector<rte_mbuf*>{chained(unreachable("198.18.1.254"), 33)});
  run();
  Unreachable message;
  ASSERT_TRUE(mail_[0].receive(message));
  EXPECT_EQ(to_string(message.remote), "198.18.1.2:5062");
}

TEST_F(UnreachableStageTest, DropsErrorsAboutFlowsThatNoListenerHas) {
  run(unreachable("198.18.1.254", {.source_port = 40000}));
  EXPECT_EQ(reason(), DropReason::ErrorQuotesNoFlow);
  run(unreachable("198.18.1.254", {.source = "198.18.7.1"}));
  EXPECT_EQ(reason(), DropReason::IcmpNotEcho) << "it does not come back to what it quotes";
  EXPECT_TRUE(mail_[0].empty());
}

TEST_F(UnreachableStageTest, DropsWhatADeniedSourceSays) {
  run(unreachable("192.0.2.9"));
  EXPECT_EQ(reason(), DropReason::Denied);
}

// An attacker may say so of every call; it costs him more than us.
TEST_F(UnreachableStageTest, TakesOnlySoManyOfEachSourceAndOfAllStrangers) {
  std::map<DropReason, int> outcome;
  for (int i = 0; i < 100; ++i) {
    run(unreachable("203.0.113.7"));
    ++outcome[reason()];
    for (auto& mail : mail_)
      for (Unreachable message; mail.receive(message);) continue;
  }
  EXPECT_GT(outcome[DropReason::ErrorBudget], 80);
  EXPECT_LT(outcome[DropReason::kCount], 20);
  run(unreachable("198.18.1.254"));
  EXPECT_EQ(reason(), DropReason::kCount) << "the gateway has a budget of its own";
}

TEST_F(UnreachableStageTest, CountsWhatAShardCouldNotTake) {
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(mail_[1].send({}));
  run(unreachable("198.18.1.254"));
  EXPECT_EQ(reason(), DropReason::ShardRingFull);
  EXPECT_FALSE(mail_[0].empty()) << "the others were told";
}

// Whatever sends to a dead peer, its engine has one thing to hear.
TEST_F(UnreachableStageTest, TellsTheSameOnceUntilItHasBeenHeard) {
  for (int i = 0; i < 3; ++i) run(unreachable("198.18.1.254"), Timestamp{1h} + i * 1s);
  EXPECT_EQ(mail_[0].used(), 1U);
  run(unreachable("198.18.1.254", {.destination_port = 5063}), Timestamp{1h} + 4s);
  run(unreachable("198.18.1.254"), Timestamp{1h} + 5s);
  EXPECT_EQ(mail_[0].used(), 3U) << "another flow is other news";
  for (Unreachable message; mail_[0].receive(message);) continue;
  run(unreachable("198.18.1.254"), Timestamp{1h} + 6s);
  EXPECT_EQ(mail_[0].used(), 1U) << "it was sent to again since";
  EXPECT_EQ(reason(), DropReason::kCount);
}

TEST_F(UnreachableStageTest, LeavesEverythingElseAlone) {
  fill({sip_frame_v4(), ethernet(arp())});
  run();
  EXPECT_EQ(burst_.verdicts[0], Verdict::Continue);
  EXPECT_EQ(burst_.verdicts[1], Verdict::Continue);
  EXPECT_TRUE(mail_[0].empty());
}

}  // namespace
}  // namespace sallyport::dataplane
