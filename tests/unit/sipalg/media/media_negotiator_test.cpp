// media_negotiator_test.cpp — a call's media from offer to close: RFC 3264 §4 to §8, RFC 6337 §2.
#include "sipalg/media/media_negotiator.h"

#include <gtest/gtest.h>

#include "policy/base/archive.h"
#include "tests/support/media_fixture.h"

namespace sallyport::sip {
namespace {

using media::StreamSide;
using tests::MediaFixture;
using tests::port_of;
using tests::voice_sdp;

bool holds(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

Endpoint at(std::string_view text) { return *parse_endpoint(text, 0); }

TEST(MediaNegotiator, OfferAndAnswerAreAnchoredOnOurPorts) {
  MediaFixture call;
  const auto offer = call.offer(voice_sdp("192.0.2.10", 4000));
  ASSERT_EQ(offer.refusal, 0);
  const std::string port = std::to_string(port_of(offer.sdp));
  EXPECT_EQ(offer.sdp,
            "v=0\r\no=- 22 1 IN IP4 203.0.113.1\r\ns=-\r\nc=IN IP4 203.0.113.1\r\nt=0 0\r\nm=audio " + port +
                " RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=sendrecv\r\n");
  EXPECT_EQ(port_of(offer.sdp) % 2, 0u);
  EXPECT_EQ(call.kinds(), "O");
  EXPECT_EQ(call.caller().remote, at("192.0.2.10:4000"));
  EXPECT_EQ(call.caller().remote_rtcp, at("192.0.2.10:4001"));
  EXPECT_EQ(call.callee().remote.port, 0);
  EXPECT_EQ(call.callee().local, at("203.0.113.1:" + port));

  const auto answer = call.answer(voice_sdp("192.0.2.20", 6000));
  ASSERT_EQ(answer.refusal, 0);
  EXPECT_TRUE(holds(answer.sdp, "o=- 11 1 IN IP4 198.51.100.1\r\n")) << answer.sdp;
  EXPECT_EQ(port_of(answer.sdp), call.caller().local.port);
  EXPECT_EQ(call.kinds(), "OU");
  EXPECT_EQ(call.callee().remote, at("192.0.2.20:6000"));
  EXPECT_TRUE(call.caller().may_send && call.callee().may_send);
  EXPECT_TRUE(call.caller().expects_packets && call.callee().expects_packets);
  EXPECT_EQ(call.close(), 1u);
  EXPECT_EQ(call.kinds(), "OUC");
  call.end_quarantine();
  EXPECT_EQ(call.taken(), 0u);
}

TEST(MediaNegotiator, SilenceIsNotToldBeforeAnAnswer) {
  MediaFixture call;
  (void)call.offer(voice_sdp("192.0.2.10", 4000));
  EXPECT_FALSE(call.caller().expects_packets || call.callee().expects_packets);
  EXPECT_TRUE(call.callee().may_send);
  ASSERT_EQ(call.preview(voice_sdp("192.0.2.20", 6000)).refusal, 0);
  EXPECT_EQ(call.kinds(), "OU");
  EXPECT_EQ(call.callee().remote, at("192.0.2.20:6000"));
  EXPECT_FALSE(call.caller().expects_packets || call.callee().expects_packets);
}

// RFC 6337 §3.1.1
TEST(MediaNegotiator, TheSameAnswerAfterAPreviewIsTheSameDescription) {
  MediaFixture call;
  (void)call.offer(voice_sdp("192.0.2.10", 4000));
  const auto preview = call.preview(voice_sdp("192.0.2.20", 6000));
  EXPECT_EQ(call.answer(voice_sdp("192.0.2.20", 6000)).sdp, preview.sdp);
  EXPECT_EQ(call.callee().learning, 0);
  const auto other = call.answer(voice_sdp("192.0.2.21", 6000));  // another fork of the same attempt
  EXPECT_TRUE(holds(other.sdp, "o=- 11 1 ")) << "nothing that the caller sees has changed";
  EXPECT_EQ(call.callee().learning, 1);
  EXPECT_EQ(call.callee().remote, at("192.0.2.21:6000"));
}

TEST(MediaNegotiator, AReOfferChangesTheStreamWithTheAnswerOnly) {
  MediaFixture call;
  (void)call.offer(voice_sdp("192.0.2.10", 4000));
  (void)call.answer(voice_sdp("192.0.2.20", 6000));
  const auto again = call.offer_back(voice_sdp("192.0.2.22", 7000));
  ASSERT_EQ(again.refusal, 0);
  EXPECT_EQ(port_of(again.sdp), call.caller().local.port);
  EXPECT_EQ(call.kinds(), "OU");
  ASSERT_EQ(call.answer_back(voice_sdp("192.0.2.10", 4000)).refusal, 0);
  EXPECT_EQ(call.kinds(), "OUU");
  EXPECT_EQ(call.callee().remote, at("192.0.2.22:7000"));
  EXPECT_EQ(call.callee().learning, 1);
}

// RFC 7362 §4: a phone behind a NAT that has lost its binding knows no other address to say.
TEST(MediaNegotiator, ASideThatSaysTheSameOnceMoreIsLearnedAnew) {
  MediaFixture call;
  (void)call.offer(voice_sdp("192.0.2.10", 4000));
  (void)call.answer(voice_sdp("192.0.2.20", 6000));
  EXPECT_EQ(call.caller().learning, 0);
  EXPECT_EQ(call.callee().learning, 0);
  (void)call.offer(voice_sdp("192.0.2.10", 4000));
  (void)call.answer(voice_sdp("192.0.2.20", 6000));
  EXPECT_EQ(call.caller().learning, 1);
  EXPECT_EQ(call.callee().learning, 1);
}

TEST(MediaNegotiator, ARefusedReOfferLeavesAllAsItWas) {
  MediaFixture call;
  (void)call.offer(voice_sdp("192.0.2.10", 4000));
  (void)call.answer(voice_sdp("192.0.2.20", 6000));
  (void)call.offer(voice_sdp("192.0.2.11", 4100) + "m=video 4200 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n");
  EXPECT_EQ(call.open_streams(), 2u);
  ASSERT_EQ(call.preview(voice_sdp("192.0.2.25", 6500) + "m=video 0 RTP/AVP 96\r\n").refusal, 0);
  EXPECT_EQ(call.caller().remote, at("192.0.2.11:4100"));
  call.drop();
  EXPECT_EQ(call.open_streams(), 1u);
  EXPECT_EQ(call.caller().remote, at("192.0.2.10:4000"));
  EXPECT_EQ(call.callee().remote, at("192.0.2.20:6000"));
  EXPECT_EQ(call.close(), 1u);
  call.end_quarantine();
  EXPECT_EQ(call.taken(), 0u);
}

TEST(MediaNegotiator, ADelayedOfferComesFromTheCallee) {
  MediaFixture call;
  const auto offer = call.offer_back(voice_sdp("192.0.2.20", 6000));
  ASSERT_EQ(offer.refusal, 0);
  EXPECT_TRUE(holds(offer.sdp, "c=IN IP4 198.51.100.1\r\n"));
  ASSERT_EQ(call.answer_back(voice_sdp("192.0.2.10", 4000)).refusal, 0);
  EXPECT_EQ(call.caller().remote, at("192.0.2.10:4000"));
  EXPECT_EQ(call.callee().remote, at("192.0.2.20:6000"));
}

TEST(MediaNegotiator, AnAnswerWithoutAnOfferIsRefused) {
  MediaFixture call;
  EXPECT_EQ(call.answer(voice_sdp("192.0.2.20", 6000)).refusal, 488);
  (void)call.offer(voice_sdp("192.0.2.10", 4000));
  EXPECT_EQ(call.answer_back(voice_sdp("192.0.2.10", 4000)).refusal, 488) << "of the offerer himself";
}

TEST(MediaNegotiator, ASecondOfferIsRefusedWhileOneWaitsButTheSameOneMayComeAgain) {
  MediaFixture call;
  const auto first = call.offer(voice_sdp("192.0.2.10", 4000));
  EXPECT_EQ(call.offer(voice_sdp("192.0.2.10", 4002)).refusal, 488);
  EXPECT_EQ(call.offer_back(voice_sdp("192.0.2.20", 4002)).refusal, 488);
  EXPECT_EQ(call.offer(voice_sdp("192.0.2.10", 4000)).sdp, first.sdp);
  EXPECT_EQ(call.kinds(), "O");
}

TEST(MediaNegotiator, WithoutFreePortsNothingIsTaken) {
  MediaFixture call({20000, 20003});  // two pairs an address
  const std::string two = voice_sdp("192.0.2.10", 4000) + "m=video 4200 RTP/AVP 31\r\n";
  MediaFixture small({20000, 20001});
  EXPECT_EQ(small.offer(two).refusal, 503);
  EXPECT_EQ(small.taken(), 0u);
  EXPECT_EQ(small.kinds(), "");
  EXPECT_EQ(small.identities[1].version, 0u);
  EXPECT_EQ(call.offer(two).refusal, 0);
}

TEST(MediaNegotiator, ADescriptionThatDoesNotFitIsRefusedAndTakesNothing) {
  MediaFixture call;
  std::array<char, 100> room{};
  const std::string sdp = voice_sdp("192.0.2.10", 4000);
  const auto crossed = call.negotiator->cross(
      call.session, {StreamSide::Caller, SdpStep::Offer, sdp, call.identities[1], room}, call.context());
  EXPECT_EQ(crossed.refusal, 488);
  EXPECT_EQ(call.taken(), 0u);
  EXPECT_EQ(call.kinds(), "");
}

TEST(MediaNegotiator, ASessionLivesThroughARestart) {
  MediaFixture call;
  (void)call.offer(voice_sdp("192.0.2.10", 4000));
  (void)call.answer(voice_sdp("192.0.2.20", 6000));
  media::MediaNotice learned;
  learned.key = {77, 1};
  learned.sides[0].remote = at("192.0.2.99:5555");
  EXPECT_TRUE(note_learned(call.session, learned));
  (void)call.offer(voice_sdp("192.0.2.10", 4000) + "m=video 4200 RTP/AVP 31\r\n");
  const auto before = call.caller();
  std::string bytes;
  ArchiveWriter(bytes, Timestamp{})(call.session);
  call.session = {};
  ArchiveReader reader(bytes, Timestamp{});
  reader(call.session);
  ASSERT_TRUE(reader.done());
  call.restart();
  EXPECT_TRUE(call.negotiator->reopen(call.session, call.context()));
  EXPECT_EQ(call.kinds(), "OO");
  EXPECT_EQ(call.caller().local, before.local);
  EXPECT_EQ(call.caller().latched, at("192.0.2.99:5555"));
  EXPECT_TRUE(call.caller().expects_packets);
  EXPECT_EQ(call.taken(), 4u);
  ASSERT_EQ(call.answer(voice_sdp("192.0.2.20", 6000) + "m=video 0 RTP/AVP 31\r\n").refusal, 0);
  EXPECT_EQ(call.open_streams(), 1u);
}

TEST(MediaNegotiator, PortsThatAreOursNoMoreLeaveTheStreamRefused) {
  MediaFixture call;
  (void)call.offer(voice_sdp("192.0.2.10", 4000));
  (void)call.answer(voice_sdp("192.0.2.20", 6000));
  call.config.realms[1].media.ports = {40000, 40010};
  call.restart();
  EXPECT_FALSE(call.negotiator->reopen(call.session, call.context()));
  EXPECT_EQ(call.kinds(), "");
  EXPECT_EQ(call.taken(), 0u);
  EXPECT_EQ(call.close(), 0u);
}

TEST(MediaNegotiator, RecordsNameCodecAndAddressesOfBothDirections) {
  MediaFixture call;
  (void)call.offer(voice_sdp("192.0.2.10", 4000));
  (void)call.answer(voice_sdp("192.0.2.20", 6000));
  (void)call.close();
  std::vector<MediaRecord> records;
  call.negotiator->describe(call.session, records);
  ASSERT_EQ(records.size(), 2u);
  EXPECT_TRUE(records[0].from_caller);
  EXPECT_FALSE(records[1].from_caller);
  EXPECT_EQ(records[0].codec, "PCMA/8000");
  EXPECT_EQ(records[0].remote, at("192.0.2.10:4000"));
  EXPECT_EQ(records[1].local, call.callee().local);
}

}  // namespace
}  // namespace sallyport::sip
