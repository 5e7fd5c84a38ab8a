// media_digits_test.cpp — telephone-event in descriptions, where one side has its digits by INFO: RFC 4733
// §2.4, RFC 3264 §5.1, §6.1, §8.3.2.
#include <gtest/gtest.h>

#include "policy/base/archive.h"
#include "sipalg/media/media_negotiator.h"
#include "tests/support/media_fixture.h"

namespace sallyport::sip {
namespace {

using tests::MediaFixture;
using tests::sdp_of;
using tests::voice_sdp;

bool holds(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }
bool names_events(const std::string& text) { return holds(text, "telephone-event"); }

std::string shown(const media::EventFormats& formats) {
  std::string text;
  for (const media::EventFormat& format : formats)
    text += std::to_string(format.number) + "/" + std::to_string(format.clock_rate) + " ";
  return text;
}

std::string plain(std::string_view host, unsigned port) {
  return sdp_of(host, "m=audio " + std::to_string(port) + " RTP/AVP 8 0\r\n");
}

class MediaDigits : public testing::Test {
 protected:
  void set(DtmfMode caller, DtmfMode callee) {
    call.profiles[0].media.dtmf = caller;
    call.profiles[1].media.dtmf = callee;
  }
  MediaFixture call;
};

TEST_F(MediaDigits, AreLeftOutOfWhatASideWithInfoSeesAndPutIntoTheAnswer) {
  for (const DtmfMode near : {DtmfMode::Pass, DtmfMode::Rfc4733}) {
    MediaFixture each;
    each.profiles[0].media.dtmf = near;
    each.profiles[1].media.dtmf = DtmfMode::Info;
    const auto offer = each.offer(voice_sdp("192.0.2.10", 4000));
    ASSERT_EQ(offer.refusal, 0);
    EXPECT_FALSE(names_events(offer.sdp)) << offer.sdp;
    EXPECT_TRUE(holds(offer.sdp, "RTP/AVP 8 0\r\n")) << offer.sdp;
    EXPECT_EQ(shown(each.caller().events_taken), "101/8000 ");
    const auto answer = each.answer(plain("192.0.2.20", 6000));
    ASSERT_EQ(answer.refusal, 0);
    EXPECT_TRUE(holds(answer.sdp, "RTP/AVP 8 0 101\r\n")) << answer.sdp;
    EXPECT_TRUE(holds(answer.sdp, "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n")) << answer.sdp;
    EXPECT_EQ(shown(each.caller().events_heard), "101/8000 ");
    EXPECT_EQ(shown(each.caller().events_taken), "101/8000 ");
    EXPECT_EQ(shown(each.callee().events_heard) + shown(each.callee().events_taken), "");
    for (const media::MediaSideSettings* const side : {&each.caller(), &each.callee()})
      for (std::size_t i = 0; i < side->payload_count; ++i) EXPECT_FALSE(side->payloads[i].is_event);
  }
}

TEST_F(MediaDigits, ArePutIntoTheOfferOfASideWithInfoAndTakenOutOfTheAnswer) {
  set(DtmfMode::Info, DtmfMode::Rfc4733);
  const auto offer = call.offer(plain("192.0.2.10", 4000));
  ASSERT_EQ(offer.refusal, 0);
  EXPECT_TRUE(holds(offer.sdp, "RTP/AVP 8 0 101\r\n")) << offer.sdp;
  EXPECT_TRUE(holds(offer.sdp, "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n")) << offer.sdp;
  const auto answer = call.answer(voice_sdp("192.0.2.20", 6000));
  ASSERT_EQ(answer.refusal, 0);
  EXPECT_FALSE(names_events(answer.sdp)) << answer.sdp;
  EXPECT_EQ(shown(call.callee().events_heard), "101/8000 ");
  EXPECT_EQ(shown(call.callee().events_taken), "101/8000 ");
  EXPECT_EQ(shown(call.caller().events_heard) + shown(call.caller().events_taken), "");
}

TEST_F(MediaDigits, AreTakenByTheNumberThatTheAnswererGave) {
  set(DtmfMode::Info, DtmfMode::Pass);
  (void)call.offer(plain("192.0.2.10", 4000));
  ASSERT_EQ(
      call.answer(sdp_of("192.0.2.20", "m=audio 6000 RTP/AVP 8 97\r\na=rtpmap:97 telephone-event/8000\r\n"))
          .refusal,
      0);
  EXPECT_EQ(shown(call.callee().events_heard), "101/8000 ");
  EXPECT_EQ(shown(call.callee().events_taken), "97/8000 ");
  // A number that stands alone is that of the offer.
  ASSERT_EQ(call.answer(sdp_of("192.0.2.20", "m=audio 6000 RTP/AVP 8 101\r\n")).refusal, 0);
  EXPECT_EQ(shown(call.callee().events_taken), "101/8000 ");
}

TEST_F(MediaDigits, AreNotSentToWhoTakesNone) {
  set(DtmfMode::Info, DtmfMode::Rfc4733);
  (void)call.offer(plain("192.0.2.10", 4000));
  ASSERT_EQ(call.answer(plain("192.0.2.20", 6000)).refusal, 0);
  EXPECT_EQ(shown(call.callee().events_taken), "");
  MediaFixture other;
  other.profiles[1].media.dtmf = DtmfMode::Info;
  (void)other.offer(plain("192.0.2.10", 4000));
  const auto answer = other.answer(plain("192.0.2.20", 6000));
  EXPECT_FALSE(names_events(answer.sdp)) << answer.sdp;
  EXPECT_EQ(shown(other.caller().events_heard) + shown(other.caller().events_taken), "");
}

TEST_F(MediaDigits, HaveTheClocksOfTheVoiceAndAFreeNumber) {
  set(DtmfMode::Info, DtmfMode::Rfc4733);
  const auto offer = call.offer(sdp_of(
      "192.0.2.10",
      "m=audio 4000 RTP/AVP 101 96 97 8\r\na=rtpmap:101 opus/48000/2\r\na=rtpmap:96 L16/16000\r\na=rtpmap:97 "
      "speex/16000\r\n"));
  ASSERT_EQ(offer.refusal, 0);
  EXPECT_TRUE(holds(offer.sdp, "RTP/AVP 101 96 97 8 98 99 100\r\n")) << offer.sdp;
  EXPECT_TRUE(holds(offer.sdp, "a=rtpmap:98 telephone-event/8000\r\n")) << offer.sdp;
  EXPECT_TRUE(holds(offer.sdp, "a=rtpmap:99 telephone-event/48000\r\n")) << offer.sdp;
  EXPECT_TRUE(holds(offer.sdp, "a=rtpmap:100 telephone-event/16000\r\n")) << offer.sdp;
}

TEST_F(MediaDigits, OfASideWithInfoThatOffersThemAllTheSameKeepTheirNumber) {
  set(DtmfMode::Info, DtmfMode::Rfc4733);
  const auto offer =
      call.offer(sdp_of("192.0.2.10", "m=audio 4000 RTP/AVP 8 120\r\na=rtpmap:120 telephone-event/8000\r\n"));
  EXPECT_TRUE(holds(offer.sdp, "RTP/AVP 8 120\r\n")) << offer.sdp;
  const auto answer = call.answer(
      sdp_of("192.0.2.20", "m=audio 6000 RTP/AVP 8 120\r\na=rtpmap:120 telephone-event/8000\r\n"));
  EXPECT_FALSE(names_events(answer.sdp)) << answer.sdp;
  EXPECT_EQ(shown(call.callee().events_heard), "120/8000 ");
}

TEST_F(MediaDigits, AreAnsweredWithTheClockOfTheVoice) {
  set(DtmfMode::Rfc4733, DtmfMode::Info);
  (void)call.offer(sdp_of("192.0.2.10",
                          "m=audio 4000 RTP/AVP 111 8 101 110\r\na=rtpmap:111 opus/48000/2\r\na=rtpmap:101 "
                          "telephone-event/8000\r\na=rtpmap:110 telephone-event/48000\r\n"));
  const auto answer =
      call.answer(sdp_of("192.0.2.20", "m=audio 6000 RTP/AVP 111\r\na=rtpmap:111 opus/48000/2\r\n"));
  ASSERT_EQ(answer.refusal, 0);
  EXPECT_TRUE(holds(answer.sdp, "RTP/AVP 111 110\r\n")) << answer.sdp;
  EXPECT_EQ(shown(call.caller().events_heard), "110/48000 ");
}

TEST_F(MediaDigits, KeepTheirNumbersInAReOfferAndChangeSidesWithIt) {
  set(DtmfMode::Info, DtmfMode::Rfc4733);
  (void)call.offer(plain("192.0.2.10", 4000));
  (void)call.answer(voice_sdp("192.0.2.20", 6000));
  const auto back = call.offer_back(voice_sdp("192.0.2.20", 6002));
  EXPECT_FALSE(names_events(back.sdp)) << back.sdp;
  const auto answer = call.answer_back(plain("192.0.2.10", 4000));
  EXPECT_TRUE(holds(answer.sdp, "telephone-event/8000")) << answer.sdp;
  EXPECT_EQ(shown(call.callee().events_heard), "101/8000 ");
  const auto again = call.offer(sdp_of("192.0.2.10", "m=audio 4000 RTP/AVP 8 0\r\na=sendonly\r\n"));
  EXPECT_TRUE(holds(again.sdp, "RTP/AVP 8 0 101\r\n")) << again.sdp;
  // Another format has the number now.
  call.drop();
  const auto taken =
      call.offer(sdp_of("192.0.2.10", "m=audio 4000 RTP/AVP 8 101\r\na=rtpmap:101 iLBC/8000\r\n"));
  EXPECT_TRUE(holds(taken.sdp, "RTP/AVP 8 101 96\r\n")) << taken.sdp;
}

TEST_F(MediaDigits, CrossADelayedOfferBothWays) {
  set(DtmfMode::Info, DtmfMode::Rfc4733);
  const auto offer = call.offer_back(voice_sdp("192.0.2.20", 6000));
  ASSERT_EQ(offer.refusal, 0);
  EXPECT_FALSE(names_events(offer.sdp)) << offer.sdp;
  const auto answer = call.answer_back(plain("192.0.2.10", 4000));
  EXPECT_TRUE(names_events(answer.sdp)) << answer.sdp;
  EXPECT_EQ(shown(call.callee().events_taken), "101/8000 ");
  MediaFixture other;
  other.profiles[1].media.dtmf = DtmfMode::Info;
  const auto added = other.offer_back(plain("192.0.2.20", 6000));
  EXPECT_TRUE(names_events(added.sdp)) << added.sdp;
  const auto removed = other.answer_back(voice_sdp("192.0.2.10", 4000));
  EXPECT_FALSE(names_events(removed.sdp)) << removed.sdp;
  EXPECT_EQ(shown(other.caller().events_heard), "101/8000 ");
}

TEST_F(MediaDigits, AreSeenByNoneOfTwoSidesWithInfo) {
  set(DtmfMode::Info, DtmfMode::Info);
  const auto offer = call.offer(voice_sdp("192.0.2.10", 4000));
  EXPECT_FALSE(names_events(offer.sdp)) << offer.sdp;
  const auto answer = call.answer(voice_sdp("192.0.2.20", 6000));
  EXPECT_FALSE(names_events(answer.sdp)) << answer.sdp;
  EXPECT_EQ(shown(call.caller().events_taken) + shown(call.callee().events_taken), "");
}

TEST_F(MediaDigits, CrossAsAnyFormatWithoutInfo) {
  set(DtmfMode::Rfc4733, DtmfMode::Pass);
  EXPECT_TRUE(names_events(call.offer(voice_sdp("192.0.2.10", 4000)).sdp));
  EXPECT_TRUE(names_events(call.answer(voice_sdp("192.0.2.20", 6000)).sdp));
  EXPECT_EQ(shown(call.caller().events_taken) + shown(call.callee().events_taken), "");
}

TEST_F(MediaDigits, ObeyACodecListUnlessTheyAreAskedForByName) {
  for (const bool is_asked_for : {false, true}) {
    MediaFixture each;
    each.profiles[0].media.dtmf = DtmfMode::Info;
    each.profiles[1].media.dtmf = is_asked_for ? DtmfMode::Rfc4733 : DtmfMode::Pass;
    each.profiles[1].media.codecs = {"PCMA"};
    EXPECT_EQ(names_events(each.offer(plain("192.0.2.10", 4000)).sdp), is_asked_for);
  }
}

TEST_F(MediaDigits, CrossBetweenIpv6AndIpv4AsBetweenTwoOfOneKind) {
  set(DtmfMode::Info, DtmfMode::Rfc4733);
  call.signalled[0] = *IpAddress::parse("2001:db8::10");
  const auto offer = call.offer(
      "v=0\r\no=- 1 1 IN IP6 2001:db8::10\r\ns=-\r\nc=IN IP6 2001:db8::10\r\nt=0 0\r\n"
      "m=audio 4000 RTP/AVP 8\r\n");
  ASSERT_EQ(offer.refusal, 0);
  EXPECT_TRUE(holds(offer.sdp, "RTP/AVP 8 101\r\n")) << offer.sdp;
}

TEST_F(MediaDigits, LeaveOtherKindsOfMediaAlone) {
  set(DtmfMode::Info, DtmfMode::Rfc4733);
  const auto offer =
      call.offer(plain("192.0.2.10", 4000) + "m=video 4200 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n");
  EXPECT_TRUE(holds(offer.sdp, "m=audio")) << offer.sdp;
  EXPECT_TRUE(holds(offer.sdp, " RTP/AVP 96\r\n")) << offer.sdp;
}

TEST_F(MediaDigits, LiveThroughARestart) {
  set(DtmfMode::Info, DtmfMode::Rfc4733);
  (void)call.offer(plain("192.0.2.10", 4000));
  (void)call.answer(voice_sdp("192.0.2.20", 6000));
  std::string bytes;
  const Timestamp now{};
  ArchiveWriter writer(bytes, now);
  writer(call.session);
  call.session = {};
  ArchiveReader reader(bytes, now);
  reader(call.session);
  ASSERT_TRUE(reader.done());
  call.restart();
  ASSERT_TRUE(call.negotiator->reopen(call.session, call.context()));
  EXPECT_EQ(shown(call.callee().events_heard), "101/8000 ");
  EXPECT_EQ(shown(call.callee().events_taken), "101/8000 ");
}

}  // namespace
}  // namespace sallyport::sip
