// media_lines_test.cpp — which m-lines are anchored and which go out with port 0; addresses, families, RTCP,
// fax: RFC 3264 §5 to §8, RFC 3605, RFC 4585, RFC 5761, T.38 Annex D; threats P11, M10 to M12.
#include <gtest/gtest.h>

#include "tests/support/media_fixture.h"

namespace sallyport::sip {
namespace {

using tests::MediaFixture;
using tests::port_of;
using tests::sdp_of;
using tests::voice_sdp;

bool holds(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }
Endpoint at(std::string_view text) { return *parse_endpoint(text, 0); }

constexpr std::string_view kVoice = "m=audio 4000 RTP/AVP 8\r\n";
constexpr std::string_view kVideo = "m=video 4002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n";

std::uint16_t refusal_of(std::string_view media, std::string_view host = "192.0.2.10") {
  MediaFixture call;
  const std::uint16_t refusal = call.offer(sdp_of(host, media)).refusal;
  if (refusal != 0) {
    EXPECT_EQ(call.taken(), 0u) << media;
    EXPECT_EQ(call.kinds(), "") << media;
  }
  return refusal;
}

TEST(MediaLines, EachLineKeepsItsPlaceWhateverBecomesOfIt) {
  MediaFixture call;
  const auto offer = call.offer(sdp_of(
      "192.0.2.10",
      "m=application 5000 UDP/DTLS/SCTP webrtc-datachannel\r\na=sctp-port:5000\r\n" + std::string(kVoice) +
          "m=audio 4010 RTP/SAVP 8\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:abc\r\n" +
          std::string(kVideo) + "m=message 2855 TCP/MSRP *\r\na=path:msrp://192.0.2.10:2855/x;tcp\r\n"));
  ASSERT_EQ(offer.refusal, 0);
  EXPECT_EQ(port_of(offer.sdp, 0), 0u);
  EXPECT_NE(port_of(offer.sdp, 1), 0u);
  EXPECT_TRUE(holds(offer.sdp, "m=audio 0 RTP/SAVP 8\r\nm=video "));
  EXPECT_NE(port_of(offer.sdp, 3), port_of(offer.sdp, 1));
  EXPECT_TRUE(offer.sdp.ends_with("m=message 0 TCP/MSRP *\r\n")) << offer.sdp;
  const auto answer =
      call.answer(sdp_of("192.0.2.20",
                         "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\nm=audio 6000 RTP/AVP 8\r\n"
                         "m=audio 0 RTP/SAVP 8\r\nm=video 0 RTP/AVP 96\r\nm=message 0 TCP/MSRP *\r\n"));
  ASSERT_EQ(answer.refusal, 0);
  EXPECT_NE(port_of(answer.sdp, 1), 0u);
  EXPECT_EQ(port_of(answer.sdp, 3), 0u);
  EXPECT_EQ(call.open_streams(), 1u) << "the callee refused video";
}

// Threats M10, M2
TEST(MediaLines, WhatMustBeEncryptedIsNeverRelayedAsPlain) {
  for (const std::string_view profile : {"RTP/SAVP", "RTP/SAVPF", "UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF"})
    EXPECT_EQ(refusal_of("m=audio 4000 " + std::string(profile) +
                         " 8\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:abc\r\n"),
              488)
        << profile;
  MediaFixture call;
  (void)call.offer(sdp_of("192.0.2.10", kVoice));
  EXPECT_EQ(call.answer(sdp_of("192.0.2.20", "m=audio 6000 RTP/SAVP 8\r\n")).refusal, 488);
}

TEST(MediaLines, ALegThatMustBeEncryptedHasNoPlainMedia) {
  MediaFixture call;
  call.profiles[0].srtp.mode = SrtpMode::Required;
  EXPECT_EQ(call.offer(sdp_of("192.0.2.10", kVoice)).refusal, 488);
  MediaFixture other;
  other.profiles[1].srtp.mode = SrtpMode::Required;
  EXPECT_EQ(other.offer(sdp_of("192.0.2.10", kVoice)).refusal, 0);
  EXPECT_EQ(other.answer(sdp_of("192.0.2.20", "m=audio 6000 RTP/AVP 8\r\n")).refusal, 488);
}

TEST(MediaLines, KeysBesideAPlainLineStayBehind) {
  MediaFixture call;
  const auto offer = call.offer(
      sdp_of("192.0.2.10", std::string(kVoice) + "a=crypto:1 F8_128_HMAC_SHA1_80 inline:c2VjcmV0\r\n"));
  ASSERT_EQ(offer.refusal, 0);
  EXPECT_FALSE(holds(offer.sdp, "crypto") || holds(offer.sdp, "inline"));
}

// Keys that nobody here knows are as none; keys that were spoilt are not. Threats M10
TEST(MediaLines, ABestEffortOfferIsPlainWhenItsSuitesAreStrangeButNotWhenItsKeysAreSpoilt) {
  const auto refusal = [](const std::string& lines) { return refusal_of(std::string(kVoice) + lines); };
  EXPECT_EQ(refusal("a=crypto:1 F8_128_HMAC_SHA1_80 inline:x\r\n"), 0);
  EXPECT_EQ(refusal("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2hvcnQ=\r\n"), 488);
  EXPECT_EQ(refusal("a=crypto:1 F8_128_HMAC_SHA1_80 inline:x\r\na=crypto:x\r\n"), 488);
}

TEST(MediaLines, OffersWithNothingThatCanBeRelayedAreNotAcceptable) {
  EXPECT_EQ(refusal_of("m=message 2855 TCP/MSRP *\r\n"), 488);
  EXPECT_EQ(refusal_of("m=audio 4000/2 RTP/AVP 8\r\n"), 488);
  EXPECT_EQ(refusal_of("m=chess 4000 RTP/AVP 8\r\n"), 488);
  EXPECT_EQ(refusal_of("m=audio 0 RTP/AVP 8\r\n"), 0) << "it asks for nothing";
  EXPECT_EQ(refusal_of(""), 0);
}

TEST(MediaLines, TargetsThatMustNotBeAreNotAcceptable) {
  for (const std::string_view host : {"198.51.100.1", "203.0.113.1", "127.0.0.1", "169.254.1.1", "224.2.2.2",
                                      "255.255.255.255", "198.51.100.255", "::1", "::ffff:127.0.0.1"})
    EXPECT_EQ(refusal_of(kVoice, host), 488) << host;
  EXPECT_EQ(refusal_of("m=audio 53 RTP/AVP 8\r\n"), 488);
  EXPECT_EQ(refusal_of("m=audio 4000 RTP/AVP 8\r\nc=IN IP4 sip.example.net\r\n"), 488);
  EXPECT_EQ(refusal_of("m=audio 4000 RTP/AVP 8\r\na=rtcp:4001 IN IP4 127.0.0.1\r\n"), 488);
  EXPECT_EQ(refusal_of("m=audio 4000 RTP/AVP 8\r\na=rtcp:53\r\n"), 488);
  EXPECT_EQ(refusal_of(std::string(kVoice) + std::string(kVideo) + "c=IN IP4 127.0.0.1\r\n"), 488);
  MediaFixture call;
  (void)call.offer(sdp_of("192.0.2.10", kVoice));
  EXPECT_EQ(call.answer(sdp_of("198.51.100.1", "m=audio 6000 RTP/AVP 8\r\n")).refusal, 488);
}

TEST(MediaLines, WithoutAnyAddressALineIsNotAcceptable) {
  MediaFixture call;
  EXPECT_EQ(call.offer("v=0\r\no=-\r\ns=-\r\nt=0 0\r\n" + std::string(kVoice)).refusal, 488);
}

// RFC 3264 §6
TEST(MediaLines, AnAnswerMustMatchItsOffer) {
  for (const std::string& media :
       {std::string(), std::string(kVoice), std::string(kVideo) + std::string(kVoice),
        std::string(kVoice) + "m=image 4002 udptl t38\r\n",
        std::string(kVoice) + "m=video 4002 udptl t38\r\n",
        std::string(kVoice) + std::string(kVideo) + std::string(kVoice)}) {
    MediaFixture call;
    ASSERT_EQ(call.offer(sdp_of("192.0.2.10", std::string(kVoice) + std::string(kVideo))).refusal, 0);
    EXPECT_EQ(call.answer(sdp_of("192.0.2.20", media)).refusal, 488) << media;
    EXPECT_EQ(call.kinds(), "OO");
  }
}

TEST(MediaLines, APlainAnswerToAnOfferWithFeedbackIsShownUnderTheOfferedProfile) {
  MediaFixture call;
  const auto offer = call.offer(sdp_of("192.0.2.10", "m=audio 4000 RTP/AVPF 8\r\na=rtcp-fb:* nack\r\n"));
  EXPECT_TRUE(holds(offer.sdp, " RTP/AVPF 8\r\na=rtcp-fb:* nack\r\n"));
  const auto answer = call.answer(sdp_of("192.0.2.20", "m=audio 6000 RTP/AVP 8\r\n"));
  EXPECT_TRUE(holds(answer.sdp, " RTP/AVPF 8\r\n")) << answer.sdp;
}

// RFC 3264 §8.1, §8.2
TEST(MediaLines, AStreamThatWasRemovedComesBackWithNewPorts) {
  MediaFixture call;
  const std::string both = std::string(kVoice) + std::string(kVideo);
  const std::string one = std::string(kVoice) + "m=video 0 RTP/AVP 96\r\n";
  (void)call.offer(sdp_of("192.0.2.10", both));
  (void)call.answer(sdp_of("192.0.2.20", both));
  const Endpoint first = call.caller(1).local;
  ASSERT_EQ(call.offer(sdp_of("192.0.2.10", one)).refusal, 0);
  EXPECT_EQ(call.open_streams(), 2u) << "until the answer";
  ASSERT_EQ(call.answer(sdp_of("192.0.2.20", one)).refusal, 0);
  EXPECT_EQ(call.open_streams(), 1u);
  ASSERT_EQ(call.offer(sdp_of("192.0.2.10", both)).refusal, 0);
  ASSERT_EQ(call.answer(sdp_of("192.0.2.20", both)).refusal, 0);
  EXPECT_EQ(call.open_streams(), 2u);
  EXPECT_NE(call.caller(2).local, first);
  EXPECT_EQ(call.order(2).key.stream, 3);
  std::vector<MediaRecord> records;
  call.negotiator->describe(call.session, records);
  EXPECT_EQ(records.size(), 6u) << "the first video stream too";
  (void)call.close();
  call.end_quarantine();
  EXPECT_EQ(call.taken(), 0u);
}

TEST(MediaLines, TheNumberOfLinesNeverShrinks) {
  MediaFixture call;
  const std::string both = std::string(kVoice) + std::string(kVideo);
  (void)call.offer(sdp_of("192.0.2.10", both));
  (void)call.answer(sdp_of("192.0.2.20", both));
  EXPECT_EQ(call.offer(sdp_of("192.0.2.10", kVoice)).refusal, 488);
}

// Threats M12
TEST(MediaLines, FaxTakesThePlaceOfVoiceAndFlowsOnlyAfterItsAnswer) {
  MediaFixture call;
  (void)call.offer(voice_sdp("192.0.2.10", 4000));
  (void)call.answer(voice_sdp("192.0.2.20", 6000));
  constexpr std::string_view kFax =
      "m=image 4000 udptl t38\r\na=T38FaxVersion:0\r\na=T38FaxUdpEC:t38UDPRedundancy\r\n";
  const auto offer = call.offer_back(sdp_of("192.0.2.20", kFax));
  ASSERT_EQ(offer.refusal, 0);
  EXPECT_TRUE(holds(offer.sdp, " udptl t38\r\na=T38FaxVersion:0\r\na=T38FaxUdpEC:t38UDPRedundancy\r\n"));
  EXPECT_EQ(call.kinds(), "OUO");
  EXPECT_EQ(call.order(1).media, media::MediaKind::Udptl);
  EXPECT_FALSE(call.caller(1).may_send || call.callee(1).may_send);
  ASSERT_EQ(call.answer_back(sdp_of("192.0.2.10", kFax)).refusal, 0);
  EXPECT_TRUE(call.caller(1).may_send && call.callee(1).may_send);
  EXPECT_FALSE(call.caller(1).expects_packets) << "who receives a page is silent";
  EXPECT_EQ(call.caller(1).remote_rtcp.port, 0);
  EXPECT_EQ(call.open_streams(), 1u) << "voice is gone";
  ASSERT_EQ(call.offer(voice_sdp("192.0.2.10", 4000)).refusal, 0);
  ASSERT_EQ(call.answer(voice_sdp("192.0.2.20", 6000)).refusal, 0);
  EXPECT_EQ(call.open_streams(), 1u);
  EXPECT_EQ(call.order(2).media, media::MediaKind::Rtp);
}

TEST(MediaLines, ARefusedFaxLeavesTheVoice) {
  MediaFixture call;
  (void)call.offer(voice_sdp("192.0.2.10", 4000));
  (void)call.answer(voice_sdp("192.0.2.20", 6000));
  (void)call.offer(sdp_of("192.0.2.10", "m=image 4000 udptl t38\r\n"));
  call.drop();
  EXPECT_EQ(call.kinds(), "OUOC");
  EXPECT_EQ(call.order(0).kind, media::MediaCommand::Kind::Update);
}

TEST(MediaLines, OurPortsAreOfTheFamilyThatEachLegSpeaks) {
  MediaFixture call;
  call.signalled[0] = *IpAddress::parse("2001:db8::10");
  const auto offer = call.offer(voice_sdp("2001:db8::10", 4000));
  ASSERT_EQ(offer.refusal, 0);
  EXPECT_TRUE(holds(offer.sdp, "c=IN IP4 203.0.113.1\r\n"));
  const auto answer = call.answer(voice_sdp("192.0.2.20", 6000));
  EXPECT_TRUE(holds(answer.sdp, "c=IN IP6 2001:db8:51::1\r\n"));
  EXPECT_EQ(call.caller().local.address, *IpAddress::parse("2001:db8:51::1"));
  EXPECT_EQ(call.callee().local.address, *IpAddress::parse("203.0.113.1"));
}

TEST(MediaLines, AnOffererMayUseAnotherFamilyForMediaThanForSignalling) {
  MediaFixture call;
  (void)call.offer(voice_sdp("2001:db8::10", 4000));
  EXPECT_TRUE(holds(call.answer(voice_sdp("192.0.2.20", 6000)).sdp, "c=IN IP6 2001:db8:51::1\r\n"));
}

TEST(MediaLines, AnAnswerOfTheOtherFamilyThanOurPortIsRefused) {
  MediaFixture call;
  (void)call.offer(voice_sdp("192.0.2.10", 4000));
  EXPECT_EQ(call.answer(voice_sdp("2001:db8::20", 6000)).refusal, 488);
}

TEST(MediaLines, AChangeOfFamilyTakesNewPorts) {
  MediaFixture call;
  (void)call.offer(voice_sdp("192.0.2.10", 4000));
  (void)call.answer(voice_sdp("192.0.2.20", 6000));
  ASSERT_EQ(call.offer(voice_sdp("2001:db8::10", 4000)).refusal, 0);
  ASSERT_EQ(call.answer(voice_sdp("192.0.2.20", 6000)).refusal, 0);
  EXPECT_EQ(call.kinds(), "OUOCU");
}

TEST(MediaLines, ARealmWithoutTheFamilyOfTheOffererRefuses) {
  MediaFixture call;
  call.config.realms[0].media.addresses = {*IpAddress::parse("198.51.100.1")};
  call.restart();
  EXPECT_EQ(call.offer(voice_sdp("2001:db8::10", 4000)).refusal, 488);
}

TEST(MediaLines, ARealmWithOneFamilyShowsThatOne) {
  MediaFixture call;
  call.config.realms[1].media.addresses = {*IpAddress::parse("2001:db8:113::1")};
  call.restart();
  EXPECT_TRUE(holds(call.offer(voice_sdp("192.0.2.10", 4000)).sdp, "c=IN IP6 2001:db8:113::1\r\n"));
}

TEST(MediaLines, TheAdvertisedAddressIsShownAndTheOwnOneIsUsed) {
  MediaFixture call;
  call.config.realms[1].advertise.ipv4 = IpAddress::parse("198.18.9.9");
  const auto offer = call.offer(voice_sdp("192.0.2.10", 4000));
  EXPECT_TRUE(holds(offer.sdp, "o=- 22 1 IN IP4 198.18.9.9\r\n"));
  EXPECT_TRUE(holds(offer.sdp, "c=IN IP4 198.18.9.9\r\n"));
  EXPECT_FALSE(holds(offer.sdp, "203.0.113.1"));
  EXPECT_EQ(call.callee().local.address, *IpAddress::parse("203.0.113.1"));
}

// RFC 3605
TEST(MediaLines, RtcpGoesWhereItsAttributeSays) {
  MediaFixture call;
  const auto offer = call.offer(voice_sdp("192.0.2.10", 4000, "a=rtcp:4777 IN IP4 192.0.2.11\r\n"));
  EXPECT_EQ(call.caller().remote_rtcp, at("192.0.2.11:4777"));
  EXPECT_FALSE(holds(offer.sdp, "rtcp"));
  MediaFixture last;
  (void)last.offer(voice_sdp("192.0.2.10", 65535));
  EXPECT_EQ(last.caller().remote_rtcp.port, 0) << "no port above it";
}

// RFC 5761 §5.1.1
TEST(MediaLines, OnePortForBothIsOfferedOnlyWhenItWasAndAlwaysAccepted) {
  MediaFixture call;
  EXPECT_TRUE(holds(call.offer(voice_sdp("192.0.2.10", 4000, "a=rtcp-mux\r\n")).sdp, "a=rtcp-mux\r\n"));
  EXPECT_TRUE(call.caller().rtcp_mux);
  EXPECT_EQ(call.caller().remote_rtcp, at("192.0.2.10:4000"));
  EXPECT_TRUE(holds(call.answer(voice_sdp("192.0.2.20", 6000)).sdp, "a=rtcp-mux\r\n"));
  EXPECT_FALSE(call.callee().rtcp_mux);
  EXPECT_EQ(call.callee().remote_rtcp, at("192.0.2.20:6001"));
  MediaFixture plain;
  EXPECT_FALSE(holds(plain.offer(voice_sdp("192.0.2.10", 4000)).sdp, "mux"));
  EXPECT_FALSE(holds(plain.answer(voice_sdp("192.0.2.20", 6000, "a=rtcp-mux\r\n")).sdp, "mux"));
  EXPECT_FALSE(plain.callee().rtcp_mux) << "nobody asked for it";
}

TEST(MediaLines, TheRelayGetsWhatRealmAndProfileSay) {
  MediaFixture call;
  call.config.realms[0].media.dscp = {34};
  call.config.realms[1].media.quarantine = 30s;
  call.profiles[0].media.latch = LatchMode::Any;
  call.profiles[1].media.rtcp = RtcpMode::Terminate;
  call.profiles[1].media.inactivity = 20s;
  (void)call.offer(voice_sdp("192.0.2.10", 4000));
  EXPECT_EQ(call.order(0).key, (media::StreamKey{77, 1}));
  EXPECT_EQ(call.order(0).shard, 5);
  EXPECT_EQ(call.order(0).quarantine, Duration(30s));
  EXPECT_EQ(call.caller().dscp.value, 34);
  EXPECT_EQ(call.caller().latch, LatchMode::Any);
  EXPECT_EQ(call.caller().signalled, *IpAddress::parse("192.0.2.10"));
  EXPECT_EQ(call.callee().rtcp, RtcpMode::Terminate);
  EXPECT_EQ(call.callee().inactivity, Duration(20s));
  EXPECT_EQ(call.callee().realm, RealmIndex{1});
}

TEST(MediaLines, APlainCallsMediaTakesLittleMemory) {
  MediaFixture call;
  (void)call.offer(voice_sdp("192.0.2.10", 4000));
  (void)call.answer(voice_sdp("192.0.2.20", 6000));
  const StreamState& stream = call.session.streams[0];
  const std::size_t bytes = sizeof(MediaSession) + call.session.streams.capacity() * sizeof(StreamState) +
                            stream.offered.capacity() * sizeof(OfferedFormat);
  EXPECT_LE(bytes, 1024u);
  EXPECT_FALSE(call.session.pending);
}

}  // namespace
}  // namespace sallyport::sip
