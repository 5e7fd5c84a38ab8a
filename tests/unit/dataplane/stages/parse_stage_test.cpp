// parse_stage_test.cpp — bursts of single and chained buffers, and what devices say about them.
#include "dataplane/stages/parse_stage.h"

#include "dataplane/packet/parse_mbuf.h"
#include "tests/unit/dataplane/stages/packet_pool.h"

namespace sallyport::dataplane {
namespace {

using namespace test;

class ParseStageTest : public WithPackets {
 protected:
  void run() { stage_.process(Timestamp{}, burst_); }
  // What the guard does with the UDP checksums that were left to it.
  Result<void, DropReason> verified(std::size_t i) {
    return verify_pending_checksum(burst_.packets[i], *burst_.meta[i]);
  }

  PortTable ports_ = ports_of(small_config());
  ParseStage stage_{ports_};
};

TEST_F(ParseStageTest, FillsTheMetaOfEveryPacketOfAFullBurst) {
  std::vector<Bytes> frames;
  for (std::size_t i = 0; i < kBurstMax; ++i)
    frames.push_back(ethernet(ipv4(udp(Bytes(i, 1), {.source_port = static_cast<std::uint16_t>(1000 + i)}))));
  fill(frames);
  run();
  for (std::size_t i = 0; i < kBurstMax; ++i) {
    EXPECT_EQ(burst_.verdicts[i], Verdict::Continue);
    EXPECT_EQ(burst_.meta[i]->source_port, 1000 + i);
    EXPECT_EQ(burst_.meta[i]->payload_length, i);
  }
}

TEST_F(ParseStageTest, ForgetsWhatTheBufferHeldBefore) {
  fill({sip_frame_v6()});
  run();
  fill({ethernet(arp())});
  run();
  EXPECT_TRUE(burst_.meta[0]->is_arp);
  EXPECT_EQ(burst_.meta[0]->destination_port, 0);
}

TEST_F(ParseStageTest, ReadsHeadersAndSumsAcrossSegmentsOfAnySize) {
  const Bytes long_chain = joined(extension(60, Bytes(60, 0)), extension(17));
  const Bytes inner = udp(Bytes(700, 'x'), {.source = "fd18:1::2", .destination = "fd18:1::1"});
  for (const Bytes& frame :
       {sip_frame_v4("OPTIONS"), ethernet(ipv6(joined(long_chain, inner), {.next_header = 0}))}) {
    for (const std::size_t segment : {1u, 2u, 3u, 13u, 40u, 64u, 1000u}) {
      fill(std::vector{chained(frame, segment)});
      run();
      EXPECT_EQ(burst_.verdicts[0], Verdict::Continue) << segment << " " << to_string(burst_.drop_reasons[0]);
      EXPECT_EQ(burst_.meta[0]->destination_port, 5060) << segment;
      EXPECT_TRUE(burst_.meta[0]->checksum_pending) << segment;
      EXPECT_TRUE(verified(0).has_value()) << segment;
    }
  }
}

TEST_F(ParseStageTest, FindsAWrongChecksumInTheLastSegment) {
  Bytes frame = sip_frame_v4(std::string(2500, 'x'));
  frame.back() ^= 1;
  fill(std::vector{chained(frame, 1000)});
  run();
  EXPECT_EQ(burst_.verdicts[0], Verdict::Continue) << "left to the guard";
  ASSERT_FALSE(verified(0).has_value());
}

TEST_F(ParseStageTest, DropsAnIcmpPacketWithAWrongChecksumAtOnce) {
  Bytes echo = ethernet(ipv4(icmp("198.18.1.2", "198.18.1.1", 8, Bytes(40)), {.protocol = 1}));
  echo.back() ^= 1;
  fill({echo});
  run();
  EXPECT_EQ(burst_.verdicts[0], Verdict::Drop);
  EXPECT_EQ(burst_.drop_reasons[0], DropReason::BadL4Checksum);
}

TEST_F(ParseStageTest, UsesTheTagThatTheDeviceTookOff) {
  const Bytes packet_bytes = ipv4(udp({}, {.source = "198.18.7.2", .destination = "198.18.7.1"}),
                                  {.source = "198.18.7.2", .destination = "198.18.7.1"});
  rte_mbuf* stripped = packet(ethernet(packet_bytes));
  stripped->ol_flags |= RTE_MBUF_F_RX_VLAN | RTE_MBUF_F_RX_VLAN_STRIPPED;
  stripped->vlan_tci = 7;
  fill(std::vector{stripped});
  run();
  EXPECT_EQ(burst_.verdicts[0], Verdict::Continue);
  EXPECT_EQ(burst_.meta[0]->port, PortIndex{1});
}

TEST_F(ParseStageTest, BelievesADeviceThatVerifiedTheChecksumAndNoneThatDoubtsIt) {
  const Bytes wrong = ethernet(ipv4(udp({}, {.sum = Sum::Wrong})));
  rte_mbuf* good = packet(wrong);
  good->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD;
  rte_mbuf* not_there = packet(wrong);
  not_there->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_NONE;
  rte_mbuf* doubted = packet(sip_frame_v4());
  doubted->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_BAD;
  fill({good, not_there, doubted, packet(wrong)});
  run();
  EXPECT_TRUE(verified(0).has_value());
  EXPECT_TRUE(verified(1).has_value());
  EXPECT_TRUE(burst_.meta[1]->checksum_half_done);
  EXPECT_TRUE(verified(2).has_value()) << "we look for ourselves";
  ASSERT_FALSE(verified(3).has_value());
}

TEST_F(ParseStageTest, NamesThePortThatADropIsChargedTo) {
  fill({Bytes(5), ethernet(ipv4(udp({})), {.vlan = 99}), ethernet(ipv4(udp({})), {.vlan = 7})});
  run();
  const DropReason reasons[] = {DropReason::RuntFrame, DropReason::UnknownVlan, DropReason::NotOurAddress};
  const PortIndex ports[] = {PortIndex{0}, PortIndex{0}, PortIndex{1}};
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(burst_.verdicts[i], Verdict::Drop);
    EXPECT_EQ(burst_.drop_reasons[i], reasons[i]);
    EXPECT_EQ(burst_.meta[i]->port, ports[i]);
  }
}

}  // namespace
}  // namespace sallyport::dataplane
