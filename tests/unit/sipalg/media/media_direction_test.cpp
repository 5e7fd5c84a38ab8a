// media_direction_test.cpp — hold in its forms, directions mirrored, what each side may send: RFC 3264 §5.1,
// §6.1, §8.4, RFC 6337 §5.
#include <gtest/gtest.h>

#include "tests/support/media_fixture.h"

namespace sallyport::sip {
namespace {

using tests::MediaFixture;
using tests::voice_sdp;

std::string direction_in(std::string_view sdp) {
  for (const std::string_view word : {"sendrecv", "sendonly", "recvonly", "inactive"})
    if (sdp.find("a=" + std::string(word) + "\r\n") != std::string_view::npos) return std::string(word);
  return "none";
}

// A call that is up; then the caller offers `line` and the callee answers `reply`.
struct Hold {
  Hold(std::string_view line, std::string_view reply, std::string_view host = "192.0.2.10",
       HoldMode mode = HoldMode::Pass) {
    call.profiles[1].media.hold = mode;
    (void)call.offer(voice_sdp("192.0.2.10", 4000));
    (void)call.answer(voice_sdp("192.0.2.20", 6000));
    const auto crossed = call.offer(voice_sdp(host, 4000, line));
    refusal = crossed.refusal;
    offered = direction_in(crossed.sdp);
    answered = direction_in(call.answer(voice_sdp("192.0.2.20", 6000, reply)).sdp);
  }
  std::string flows() const {
    return std::string(call.caller().may_send ? ">" : "") + (call.callee().may_send ? "<" : "");
  }
  bool expects() const { return call.caller().expects_packets || call.callee().expects_packets; }
  MediaFixture call;
  std::uint16_t refusal = 0;
  std::string offered, answered;
};

TEST(MediaDirection, SendonlyIsMirroredAndMusicMayFlow) {
  const Hold hold("a=sendonly\r\n", "a=recvonly\r\n");
  EXPECT_EQ(hold.offered, "sendonly");
  EXPECT_EQ(hold.answered, "recvonly");
  EXPECT_EQ(hold.flows(), ">");
  EXPECT_FALSE(hold.expects());
}

TEST(MediaDirection, InactiveStopsBoth) {
  const Hold hold("a=inactive\r\n", "a=inactive\r\n");
  EXPECT_EQ(hold.offered, "inactive");
  EXPECT_EQ(hold.flows(), "");
  EXPECT_FALSE(hold.expects());
}

TEST(MediaDirection, RecvonlyLetsOnlyTheOtherSend) {
  const Hold hold("a=recvonly\r\n", "a=sendonly\r\n");
  EXPECT_EQ(hold.offered, "recvonly");
  EXPECT_EQ(hold.flows(), "<");
}

// RFC 3264 §6.1
TEST(MediaDirection, AnAnswerThatGoesBeyondItsOfferIsCutDown) {
  const Hold hold("a=sendonly\r\n", "");
  EXPECT_EQ(hold.answered, "recvonly");
  EXPECT_EQ(hold.flows(), ">");
  const Hold both("a=inactive\r\n", "a=sendrecv\r\n");
  EXPECT_EQ(both.answered, "inactive");
  EXPECT_EQ(both.flows(), "");
}

TEST(MediaDirection, TwoHoldsMeetInNothing) {
  const Hold hold("a=sendonly\r\n", "a=inactive\r\n");
  EXPECT_EQ(hold.answered, "inactive");
  EXPECT_EQ(hold.flows(), "");
}

// RFC 2543 §B.5, RFC 3264 §8.4
TEST(MediaDirection, AnAddressOfZeroIsHoldAndKeepsPortsAndPlace) {
  for (const std::string_view zero : {"0.0.0.0", "::", "::ffff:0.0.0.0"}) {
    Hold hold("", "", zero);
    EXPECT_EQ(hold.refusal, 0) << zero;
    EXPECT_EQ(hold.offered, "inactive");
    EXPECT_EQ(hold.flows(), "");
    EXPECT_EQ(hold.call.caller().remote, *parse_endpoint("192.0.2.10:4000", 0));
    ASSERT_EQ(hold.call.offer(voice_sdp("192.0.2.10", 4000)).refusal, 0);
    EXPECT_EQ(direction_in(hold.call.answer(voice_sdp("192.0.2.20", 6000)).sdp), "sendrecv");
    EXPECT_EQ(hold.flows(), "><");
    EXPECT_EQ(hold.call.kinds(), "OUUU");
  }
}

TEST(MediaDirection, AnOfferMayBeginOnHold) {
  MediaFixture call;
  ASSERT_EQ(call.offer(voice_sdp("0.0.0.0", 4000)).refusal, 0);
  ASSERT_EQ(call.answer(voice_sdp("192.0.2.20", 6000)).refusal, 0);
  EXPECT_EQ(call.caller().remote.port, 0);
  EXPECT_FALSE(call.callee().may_send);
  ASSERT_EQ(call.offer(voice_sdp("192.0.2.10", 4000)).refusal, 0);
  ASSERT_EQ(call.answer(voice_sdp("192.0.2.20", 6000)).refusal, 0);
  EXPECT_TRUE(call.callee().may_send);
  EXPECT_EQ(call.caller().learning, 0) << "the first address is no change";
}

TEST(MediaDirection, ALegMaySeeHoldAsInactive) {
  const Hold hold("a=sendonly\r\n", "a=inactive\r\n", "192.0.2.10", HoldMode::Inactive);
  EXPECT_EQ(hold.offered, "inactive");
  EXPECT_EQ(hold.answered, "inactive");
  EXPECT_EQ(hold.flows(), "");
  const Hold listening("a=recvonly\r\n", "a=sendonly\r\n", "192.0.2.10", HoldMode::Inactive);
  EXPECT_EQ(listening.offered, "recvonly") << "no hold";
}

TEST(MediaDirection, ADirectionOfTheSessionCountsWhereALineHasNone) {
  MediaFixture call;
  std::string sdp = voice_sdp("192.0.2.10", 4000);
  sdp.insert(sdp.find("m="), "a=sendonly\r\n");
  EXPECT_EQ(direction_in(call.offer(sdp).sdp), "sendonly");
  EXPECT_TRUE(call.caller().may_send);
  EXPECT_FALSE(call.callee().may_send);
}

TEST(MediaDirection, HoldFromTheCalleeWorksTheSameWay) {
  MediaFixture call;
  (void)call.offer(voice_sdp("192.0.2.10", 4000));
  (void)call.answer(voice_sdp("192.0.2.20", 6000));
  EXPECT_EQ(direction_in(call.offer_back(voice_sdp("192.0.2.20", 6000, "a=sendonly\r\n")).sdp), "sendonly");
  EXPECT_TRUE(call.caller().may_send) << "not before the answer";
  EXPECT_EQ(direction_in(call.answer_back(voice_sdp("192.0.2.10", 4000, "a=recvonly\r\n")).sdp), "recvonly");
  EXPECT_FALSE(call.caller().may_send);
  EXPECT_TRUE(call.callee().may_send);
}

}  // namespace
}  // namespace sallyport::sip
