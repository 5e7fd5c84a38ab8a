// fragment_stage_test.cpp — fragments leave the burst, whole packets come back in their place.
#include "dataplane/stages/fragment_stage.h"

#include <array>

#include "dataplane/stages/classify_stage.h"
#include "dataplane/stages/parse_stage.h"
#include "policy/decide/blocklist.h"
#include "tests/unit/dataplane/stages/packet_pool.h"

namespace sallyport::dataplane {
namespace {

using namespace test;

class FragmentStageTest : public WithPackets {
 protected:
  void TearDown() override {
    stage_.on_idle(Timestamp{24h});
    WithPackets::TearDown();
  }
  void run(const std::vector<Bytes>& frames, Timestamp now = Timestamp{1h}) {
    fill(frames);
    ParseStage(ports_).process(now, burst_);
    stage_.process(now, burst_);
    ClassifyStage(ListenerTable(config_, ports_)).process(now, burst_);
  }
  static std::vector<Bytes> in_two(const Bytes& datagram, std::string_view source = "198.18.1.2") {
    const std::size_t half = datagram.size() / 16 * 8;
    const auto middle = datagram.begin() + static_cast<std::ptrdiff_t>(half);
    return {ethernet(ipv4(Bytes(datagram.begin(), middle), {.source = source, .more_fragments = true})),
            ethernet(ipv4(Bytes(middle, datagram.end()),
                          {.source = source, .fragment_offset = static_cast<std::uint16_t>(half)}))};
  }

  SbcConfig config_ = small_config();
  PortTable ports_ = ports_of(config_);
  policy::SourceClassifier sources_{config_};
  std::array<PortCounters, 2> counters_;
  FragmentStage stage_{{ports_, sources_, counters_}, FragmentLimits{}, HashKey{7, 8}};
};

TEST_F(FragmentStageTest, PutsTheWholePacketInTheLastFragmentsPlace) {
  const auto fragments = in_two(udp(Bytes(1000, 'x')));
  run({fragments[1], sip_frame_v4(), fragments[0]});
  EXPECT_EQ(burst_.verdicts[0], Verdict::Consumed);
  EXPECT_EQ(burst_.packets[0], nullptr);
  EXPECT_EQ(burst_.verdicts[1], Verdict::Continue);
  ASSERT_EQ(burst_.verdicts[2], Verdict::Continue);
  EXPECT_EQ(burst_.meta[2]->listener, ListenerIndex{0});
  EXPECT_EQ(burst_.meta[2]->payload_length, 1000);
  EXPECT_TRUE(burst_.meta[2]->was_fragmented);
  EXPECT_FALSE(burst_.meta[2]->is_fragment);
  EXPECT_EQ(content(burst_.packets[2]), ethernet(ipv4(udp(Bytes(1000, 'x')))));
}

TEST_F(FragmentStageTest, VerifiesTheChecksumOfTheWholePacket) {
  const auto fragments = in_two(udp(Bytes(1000, 'x'), {.sum = Sum::Wrong}));
  run({fragments[0], fragments[1]});
  EXPECT_EQ(burst_.drop_reasons[1], DropReason::BadL4Checksum);
}

TEST_F(FragmentStageTest, DoesNotBelieveADeviceAboutAWholeThatItNeverSaw) {
  const auto fragments = in_two(udp(Bytes(1000, 'x'), {.sum = Sum::Wrong}));
  rte_mbuf* first = packet(fragments[0]);
  first->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD;
  fill(std::vector{first, packet(fragments[1])});
  ParseStage(ports_).process(Timestamp{1h}, burst_);
  stage_.process(Timestamp{1h}, burst_);
  EXPECT_EQ(burst_.drop_reasons[1], DropReason::BadL4Checksum);
}

TEST_F(FragmentStageTest, DropsFragmentsOfADeniedSource) {
  run({in_two(udp(Bytes(100), {.source = "192.0.2.1"}), "192.0.2.1")[0]});
  EXPECT_EQ(burst_.drop_reasons[0], DropReason::Denied);
  EXPECT_EQ(stage_.table().datagrams(), 0u);
}

TEST_F(FragmentStageTest, AsksTheAccessRulesOfTheDay) {
  SbcConfig next = config_;
  next.security.access = {{*parse_prefix("198.18.1.2/32"), "", AccessAction::Deny}};
  const policy::SourceClassifier sources(next);
  stage_.adopt(sources);
  run(in_two(udp(Bytes(100))));
  for (std::size_t i = 0; i < 2; ++i) EXPECT_EQ(burst_.drop_reasons[i], DropReason::Denied);
}

TEST_F(FragmentStageTest, SaysWhyAFragmentIsDropped) {
  run({ethernet(ipv4(Bytes(12), {.more_fragments = true}))});
  EXPECT_EQ(burst_.verdicts[0], Verdict::Drop);
  EXPECT_EQ(burst_.drop_reasons[0], DropReason::FragmentInvalid);
}

TEST_F(FragmentStageTest, CountsATimeoutAtThePort) {
  run({in_two(udp(Bytes(100)))[0]});
  stage_.on_idle(Timestamp{1h + 10s});
  EXPECT_EQ(counters_[0].dropped.value(DropReason::FragmentTimeout), 1u);
  EXPECT_EQ(counters_[1].dropped.value(DropReason::FragmentTimeout), 0u);
}

TEST_F(FragmentStageTest, TakesNoPiecesOfTcp) {
  const Bytes syn = tcp_syn("198.18.1.2", "198.18.1.1", 5060);
  run({ethernet(ipv4(Bytes(syn.begin(), syn.begin() + 16), {.protocol = 6, .more_fragments = true})),
       ethernet(ipv4(Bytes(syn.begin() + 16, syn.end()), {.protocol = 6, .fragment_offset = 16}))});
  EXPECT_EQ(burst_.drop_reasons[0], DropReason::TcpFragment);
  EXPECT_EQ(burst_.drop_reasons[1], DropReason::TcpFragment);
  EXPECT_EQ(stage_.table().fragments(), 0u);
}

// RFC 6980 §5
TEST_F(FragmentStageTest, AnswersNoNeighbourDiscoveryThatCameInPieces) {
  const Bytes message = icmp("fd18:1::2", "fd18:1::1", 135, neighbour_rest("fd18:1::1"));
  const Bytes first(message.begin(), message.begin() + 16), last(message.begin() + 16, message.end());
  run({ethernet(ipv6(joined(fragment_header({.next_header = 58, .more = true}), first),
                     {.next_header = 44, .hop_limit = 255})),
       ethernet(ipv6(joined(fragment_header({.next_header = 58, .offset = 16}), last),
                     {.next_header = 44, .hop_limit = 255}))});
  EXPECT_EQ(burst_.verdicts[1], Verdict::Drop);
  EXPECT_EQ(burst_.drop_reasons[1], DropReason::IcmpNotEcho);
}

TEST_F(FragmentStageTest, TakesFragmentsOnATaggedPort) {
  const Bytes datagram = udp(Bytes(100), {.source = "198.18.7.2", .destination = "198.18.7.1"});
  const Bytes first(datagram.begin(), datagram.begin() + 56), last(datagram.begin() + 56, datagram.end());
  run({ethernet(ipv4(first, {.source = "198.18.7.2", .destination = "198.18.7.1", .more_fragments = true}),
                {.vlan = 7}),
       ethernet(ipv4(last, {.source = "198.18.7.2", .destination = "198.18.7.1", .fragment_offset = 56}),
                {.vlan = 7})});
  ASSERT_EQ(burst_.verdicts[1], Verdict::Continue);
  EXPECT_EQ(burst_.meta[1]->port, PortIndex{1});
  EXPECT_EQ(burst_.meta[1]->listener, ListenerIndex{3});
}

TEST_F(FragmentStageTest, DropsFragmentsOfABlockedSourceBeforeTheyTakeRoom) {
  policy::Blocklist blocks(4, HashKey{1, 2});
  ASSERT_TRUE(blocks.put({.prefix = *parse_prefix("203.0.113.7"), .reason = {}}));
  FragmentStage stage({ports_, sources_, counters_, &blocks.table()}, FragmentLimits{}, HashKey{7, 8});
  fill({in_two(udp(Bytes(1000, 'x')), "203.0.113.7")[0], in_two(udp(Bytes(1000, 'x')), "203.0.113.8")[0]});
  ParseStage(ports_).process(Timestamp{1h}, burst_);
  stage.process(Timestamp{1h}, burst_);
  EXPECT_EQ(burst_.drop_reasons[0], DropReason::Blocked);
  EXPECT_EQ(burst_.verdicts[1], Verdict::Consumed);
  EXPECT_EQ(blocks.of(*parse_prefix("203.0.113.7")).at(0).hits, 1u);
  stage.on_idle(Timestamp{24h});
}

}  // namespace
}  // namespace sallyport::dataplane
