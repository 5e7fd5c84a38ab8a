// codec_choice_test.cpp — codec lists and their order, and what formats cost: RFC 3264 §5.1, §6.1, RFC 3551.
#include "sipalg/media/codec_choice.h"

#include <gtest/gtest.h>

#include "tests/support/media_fixture.h"

namespace sallyport::sip {
namespace {

using tests::MediaFixture;
using tests::sdp_of;

constexpr std::string_view kFive =
    "m=audio 4000 RTP/AVP 0 8 111 18 101\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 useinbandfec=1\r\n"
    "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n";

std::string media_line(std::string_view sdp) {
  const std::size_t at = sdp.find("RTP/AVP ");
  return at == std::string_view::npos ? "" : std::string(sdp.substr(at + 8, sdp.find('\r', at) - at - 8));
}
std::string offered(MediaFixture& call, std::string_view media = kFive) {
  const auto crossed = call.offer(sdp_of("192.0.2.10", media));
  return crossed.refusal != 0 ? std::to_string(crossed.refusal) : media_line(crossed.sdp);
}

TEST(CodecChoice, WithoutListsAllCrossInTheirOrder) {
  MediaFixture call;
  EXPECT_EQ(offered(call), "0 8 111 18 101");
}

TEST(CodecChoice, TheListOfWhoReceivesAnOfferChoosesAndOrders) {
  MediaFixture call;
  call.profiles[1].media.codecs = {"opus", "g722", "pcma", "PCMU", "telephone-event"};
  const auto crossed = call.offer(sdp_of("192.0.2.10", kFive));
  EXPECT_EQ(media_line(crossed.sdp), "111 8 0 101");
  EXPECT_EQ(crossed.sdp.find("G729"), std::string::npos);
}

TEST(CodecChoice, TheListOfWhoMadeTheOfferOnlyChooses) {
  MediaFixture call;
  call.profiles[0].media.codecs = {"telephone-event", "opus", "PCMU"};
  EXPECT_EQ(offered(call), "0 111 101");
}

TEST(CodecChoice, AnEntryMayNameTheClockToo) {
  MediaFixture call;
  call.profiles[1].media.codecs = {"speex/16000", "PCMA/8000"};
  EXPECT_EQ(
      offered(call, "m=audio 4000 RTP/AVP 96 97 8\r\na=rtpmap:96 speex/8000\r\na=rtpmap:97 speex/16000\r\n"),
      "97 8");
}

TEST(CodecChoice, WithNothingOrOnlyEventsLeftTheOfferIsNotAcceptable) {
  for (const std::vector<std::string>& list :
       {std::vector<std::string>{"G722"}, std::vector<std::string>{"telephone-event", "CN"}}) {
    MediaFixture call;
    call.profiles[1].media.codecs = list;
    EXPECT_EQ(offered(call), "488");
    EXPECT_EQ(call.taken(), 0u);
  }
}

TEST(CodecChoice, AFormatThatNobodyCanNamePassesNoList) {
  MediaFixture call;
  EXPECT_EQ(offered(call, "m=audio 4000 RTP/AVP 8 77\r\n"), "8 77");
  MediaFixture listed;
  listed.profiles[0].media.codecs = {"PCMA"};
  EXPECT_EQ(offered(listed, "m=audio 4000 RTP/AVP 8 77\r\n"), "8");
}

TEST(CodecChoice, AnAnswerHoldsNothingThatWasNotOffered) {
  MediaFixture call;
  call.profiles[1].media.codecs = {"PCMA", "opus", "telephone-event"};
  ASSERT_EQ(offered(call), "8 111 101");
  const auto crossed =
      call.answer(sdp_of("192.0.2.20", "m=audio 6000 RTP/AVP 18 0 8 101 96\r\na=rtpmap:96 opus/48000\r\n"));
  ASSERT_EQ(crossed.refusal, 0);
  EXPECT_EQ(media_line(crossed.sdp), "8 101 96") << "opus under another number; 101 named by the offer only";
  EXPECT_EQ(call.session.streams[0].codec, "PCMA/8000");
}

TEST(CodecChoice, AnAnswerWithNothingThatWasOfferedIsRefused) {
  MediaFixture call;
  ASSERT_EQ(offered(call, "m=audio 4000 RTP/AVP 8\r\n"), "8");
  EXPECT_EQ(call.answer(sdp_of("192.0.2.20", "m=audio 6000 RTP/AVP 0\r\n")).refusal, 488);
}

TEST(CodecChoice, TheRelayLearnsTheFormatsOfBothDescriptions) {
  MediaFixture call;
  (void)offered(call);
  (void)call.answer(sdp_of("192.0.2.20",
                           "m=audio 6000 RTP/AVP 8 96 101\r\na=rtpmap:96 opus/48000/2\r\n"
                           "a=rtpmap:101 telephone-event/8000\r\n"));
  for (const media::MediaSideSettings& side : {call.caller(), call.callee()}) {
    ASSERT_EQ(side.payload_count, 6);
    EXPECT_EQ(side.payloads[2].number, 111);
    EXPECT_EQ(side.payloads[2].clock_rate, 48000u);
    EXPECT_EQ(side.payloads[3].ie, 11) << "G.729";
    EXPECT_TRUE(side.payloads[4].is_event);
    EXPECT_EQ(side.payloads[5].number, 96);
  }
}

TEST(CodecChoice, MoreFormatsThanCanBeNamedMeanAny) {
  MediaFixture call;
  std::string line = "m=video 4000 RTP/AVP";
  std::string maps;
  for (int i = 96; i < 116; ++i) {
    line += " " + std::to_string(i);
    maps += "a=rtpmap:" + std::to_string(i) + " H264/90000\r\n";
  }
  ASSERT_EQ(call.offer(sdp_of("192.0.2.10", line + "\r\n" + maps)).refusal, 0);
  EXPECT_EQ(call.caller().payload_count, 0);
  (void)call.answer(sdp_of("192.0.2.20", "m=video 6000 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"));
  EXPECT_EQ(call.caller().payload_count, 0);
}

// Threats M8
TEST(CodecChoice, PolicingAllowsTheDearestCodecAtTenMilliseconds) {
  MediaFixture call;
  call.profiles[0].media.policing_percent = 100;
  call.profiles[1].media.policing_percent = 200;
  (void)call.offer(sdp_of("192.0.2.10", "m=audio 4000 RTP/AVP 18 0\r\na=ptime:20\r\n"));
  (void)call.answer(sdp_of("192.0.2.20", "m=audio 6000 RTP/AVP 18\r\n"));
  EXPECT_EQ(call.caller().packets_per_second, 105u);
  EXPECT_EQ(call.caller().bytes_per_second, (8000u + 100 * 60) + 1000);
  EXPECT_EQ(call.callee().packets_per_second, 210u);
}

TEST(CodecChoice, AShorterPacketTimeThatWasAskedForIsAllowed) {
  MediaFixture call;
  call.profiles[0].media.policing_percent = 100;
  (void)call.offer(sdp_of("192.0.2.10", "m=audio 4000 RTP/AVP 0\r\na=ptime:5\r\n"));
  EXPECT_EQ(call.caller().packets_per_second, 210u);
}

TEST(CodecChoice, VideoMayCostWhatItsBandwidthLineSaysOrFourMegabits) {
  MediaFixture call;
  call.profiles[0].media.policing_percent = 100;
  constexpr std::string_view kVideo = "m=video 4000 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n";
  (void)call.offer(sdp_of("192.0.2.10", kVideo));
  EXPECT_GT(call.caller().bytes_per_second, 500'000u);
  EXPECT_LT(call.caller().bytes_per_second, 800'000u);
  MediaFixture wide;
  wide.profiles[0].media.policing_percent = 100;
  (void)wide.offer(
      sdp_of("192.0.2.10", "m=video 4000 RTP/AVP 96\r\nb=AS:8000\r\na=rtpmap:96 H264/90000\r\n"));
  EXPECT_GT(wide.caller().bytes_per_second, 1'000'000u);
  MediaFixture liar;
  (void)liar.offer(
      sdp_of("192.0.2.10", "m=video 4000 RTP/AVP 96\r\nb=AS:4294967295\r\na=rtpmap:96 H264/90000\r\n"));
  EXPECT_LT(liar.caller().bytes_per_second, 30'000'000u) << "100 Mbit/s and margin";
}

}  // namespace
}  // namespace sallyport::sip
