// relay_srtp_restart_test.cpp — what all sources of a stream have come to outlives a restart: RFC 3711
// §3.3.1 (roll-over counter), §3.3.2 (replay), §3.4 (index of reports), §9.1.
#include <gtest/gtest.h>

#include <vector>

#include "tests/unit/media-relay/relay/srtp_phone.h"

namespace sallyport::media {
namespace {

class RelaySrtpRestartTest : public RelaySrtpTest {
 protected:
  RelaySrtpRestartTest() { secure(1, 21); }
  // As after a crash: the keys are those of the command, the counters those that were told last.
  void die_and_go_on() {
    const MediaNotice told = *notices.last(MediaNotice::Kind::Report);
    close();
    pass(20s);
    command.kind = MediaCommand::Kind::Open;
    for (std::size_t side = 0; side < 2; ++side) {
      command.keys[side].theirs_before = told.srtp_theirs[side];
      command.keys[side].ours_before = told.srtp_ours[side];
    }
    open();
    ASSERT_EQ(relay.counters().commands_refused.value(), 0u);
  }
  std::string report_of_caller(const Octets& sealed) {
    return fate(packet_to(kOutsideAddress, 20001, "192.0.2.10:4001", sealed));
  }
  static Octets report(std::uint32_t ssrc) {
    Octets packet(28);  // a sender's, without blocks: RFC 3550 §6.4.1
    packet[0] = 0x80;
    packet[1] = 200;
    packet[3] = 6;
    write_u32(packet.data() + 4, ssrc);
    return packet;
  }
};

// Two were kept once, and the third source began at ROC 0: neither we nor who heard us could read it.
TEST_F(RelaySrtpRestartTest, EverySourceGoesOnAtItsOwnRollOverCounter) {
  open();
  std::vector<std::uint32_t> ssrcs;
  for (std::uint32_t i = 0; i < kSrtpSourcesMax; ++i) ssrcs.push_back(0x70000000 + i);
  std::vector<Octets> recorded;
  for (const std::uint32_t ssrc : ssrcs) {
    for (std::uint32_t i = 65500; i < 65536 + 20; ++i) {
      ASSERT_EQ(voice_of_caller(static_cast<std::uint16_t>(i), ssrc), "relayed") << i;
      ASSERT_FALSE(callee.open(relayed).empty());
    }
    recorded.push_back(caller.seal(rtp({.sequence = 20, .ssrc = ssrc})));
    ASSERT_EQ(fate(from_caller(recorded.back())), "relayed");
    ASSERT_FALSE(callee.open(relayed).empty());
  }
  pass(6s);
  die_and_go_on();
  for (std::size_t i = 0; i < ssrcs.size(); ++i) {
    EXPECT_EQ(fate(from_caller(recorded[i])), "srtp_replayed") << i;
    EXPECT_EQ(voice_of_caller(21, ssrcs[i]), "relayed") << i;
    EXPECT_EQ(callee.open(relayed), rtp({.sequence = 21, .ssrc = ssrcs[i]})) << i;
  }
}

// One number was kept for all sources, and beside another no report was known to have come before.
TEST_F(RelaySrtpRestartTest, ARecordedReportOfAnySourceIsNotTakenAgain) {
  open();
  std::vector<Octets> recorded;
  for (const std::uint32_t ssrc : {0x11111111u, 0x33333333u, 0x44444444u}) {
    EXPECT_EQ(voice_of_caller(1, ssrc), "relayed");
    recorded.push_back(caller.seal(report(ssrc), true));
    EXPECT_EQ(report_of_caller(recorded.back()), "relayed");
  }
  pass(6s);
  die_and_go_on();
  for (const std::uint32_t ssrc : {0x11111111u, 0x33333333u, 0x44444444u})
    EXPECT_EQ(voice_of_caller(2, ssrc), "relayed");
  for (const Octets& packet : recorded) EXPECT_EQ(report_of_caller(packet), "srtp_replayed");
  for (const std::uint32_t ssrc : {0x11111111u, 0x33333333u, 0x44444444u})
    EXPECT_EQ(report_of_caller(caller.seal(report(ssrc), true)), "relayed");
}

// Its first report left after the last notice: the same index once more would be the same key stream.
TEST_F(RelaySrtpRestartTest, AReportThatNobodyWasToldOfLendsItsIndexToNoOther) {
  open();
  EXPECT_EQ(voice_of_caller(1), "relayed");
  pass(6s);
  EXPECT_EQ(report_of_caller(caller.seal(report(0x11111111), true)), "relayed");
  EXPECT_FALSE(callee.open(relayed, true).empty());
  die_and_go_on();
  EXPECT_EQ(voice_of_caller(2), "relayed");
  EXPECT_EQ(report_of_caller(caller.seal(report(0x11111111), true)), "relayed");
  EXPECT_FALSE(callee.open(relayed, true).empty());
  EXPECT_EQ(callee.result, SrtpResult::Ok);
}

}  // namespace
}  // namespace sallyport::media
