// media_interop_test.cpp — descriptions as well-known makers write them, and what the far side sees of them:
// nothing that names the near one (threats I12).
#include <gtest/gtest.h>

#include "sipalg/sdp/sdp_parser.h"
#include "tests/support/media_fixture.h"

namespace sallyport::sip {
namespace {

using tests::MediaFixture;

struct Sample {
  std::string_view maker;
  std::string_view sdp;
  std::uint16_t refusal;
  std::string_view far;  // what stands behind t=0 0, "PORT" for a port of ours
};

constexpr Sample kSamples[] = {
    {"asterisk",
     "v=0\r\no=- 1188340656 1188340656 IN IP4 192.0.2.10\r\ns=Asterisk\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n"
     "m=audio 11424 RTP/AVP 0 8 3 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
     "a=rtpmap:3 GSM/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\n"
     "a=maxptime:150\r\na=sendrecv\r\n",
     0,
     "m=audio PORT RTP/AVP 0 8 3 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
     "a=rtpmap:3 GSM/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\n"
     "a=maxptime:150\r\na=sendrecv\r\n"},
    {"freeswitch",
     "v=0\r\no=FreeSWITCH 1700000000 1700000001 IN IP4 192.0.2.10\r\ns=FreeSWITCH\r\nc=IN IP4 192.0.2.10\r\n"
     "t=0 0\r\nm=audio 24780 RTP/AVP 102 9 0 8 103 101\r\na=rtpmap:102 opus/48000/2\r\n"
     "a=fmtp:102 useinbandfec=1; maxaveragebitrate=30000; maxplaybackrate=48000; ptime=20; minptime=10\r\n"
     "a=rtpmap:9 G722/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
     "a=rtpmap:103 telephone-event/48000\r\na=fmtp:103 0-15\r\na=rtpmap:101 telephone-event/8000\r\n"
     "a=fmtp:101 0-15\r\na=silenceSupp:off - - - -\r\na=ptime:20\r\na=rtcp:24781 IN IP4 192.0.2.10\r\n",
     0,
     "m=audio PORT RTP/AVP 102 9 0 8 103 101\r\na=rtpmap:102 opus/48000/2\r\n"
     "a=fmtp:102 useinbandfec=1; maxaveragebitrate=30000; maxplaybackrate=48000; ptime=20; minptime=10\r\n"
     "a=rtpmap:9 G722/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
     "a=rtpmap:103 telephone-event/48000\r\na=fmtp:103 0-15\r\na=rtpmap:101 telephone-event/8000\r\n"
     "a=fmtp:101 0-15\r\na=silenceSupp:off - - - -\r\na=ptime:20\r\na=sendrecv\r\n"},
    {"cisco gateway",
     "v=0\r\no=CiscoSystemsSIP-GW-UserAgent 4422 6437 IN IP4 192.0.2.10\r\ns=SIP Call\r\n"
     "c=IN IP4 192.0.2.10\r\nt=0 0\r\nm=audio 17122 RTP/AVP 18 0 101\r\nc=IN IP4 192.0.2.10\r\n"
     "a=rtpmap:18 G729/8000\r\na=fmtp:18 annexb=no\r\na=rtpmap:0 PCMU/8000\r\n"
     "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=X-sqn:0\r\na=X-cap: 1 image "
     "udptl t38\r\n"
     "a=sqn: 0\r\na=cdsc: 1 image udptl t38\r\na=cpar: a=T38FaxVersion:0\r\n",
     0,
     "m=audio PORT RTP/AVP 18 0 101\r\na=rtpmap:18 G729/8000\r\na=fmtp:18 annexb=no\r\na=rtpmap:0 "
     "PCMU/8000\r\n"
     "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n"},
    {"cisco phone with optional SRTP on a line of its own",
     "v=0\r\no=Cisco-SIPUA 25634 0 IN IP4 192.0.2.10\r\ns=SIP Call\r\nb=AS:4064\r\nt=0 0\r\n"
     "m=audio 29214 RTP/SAVP 0\r\nc=IN IP4 192.0.2.10\r\n"
     "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1cfHAwJSoj\r\n"
     "m=audio 29216 RTP/AVP 0\r\nc=IN IP4 192.0.2.10\r\na=rtpmap:0 PCMU/8000\r\na=sendrecv\r\n",
     0,
     "m=audio PORT RTP/AVP 0\r\na=sendrecv\r\nm=audio PORT RTP/AVP 0\r\na=rtpmap:0 "
     "PCMU/8000\r\na=sendrecv\r\n"},
    {"linphone with video",
     "v=0\r\no=anna 3586 1287 IN IP4 192.0.2.10\r\ns=Talk\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n"
     "a=ice-pwd:31ec21eb38b2ec6d36e8dc7b\r\na=ice-ufrag:a0f6e8d1\r\na=rtcp-xr:rcvr-rtt=all:10000 "
     "voip-metrics\r\n"
     "a=record:off\r\nm=audio 7078 RTP/AVPF 96 0 101\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 "
     "useinbandfec=1\r\n"
     "a=rtpmap:101 telephone-event/48000\r\na=rtcp-mux\r\na=rtcp:7079\r\n"
     "a=candidate:1 1 UDP 2130706303 10.7.7.7 7078 typ host\r\na=rtcp-fb:* trr-int 1000\r\n"
     "m=video 9078 RTP/AVPF 97\r\na=rtpmap:97 VP8/90000\r\na=rtcp-fb:97 nack pli\r\na=rtcp-fb:97 ccm fir\r\n"
     "a=candidate:1 1 UDP 2130706303 10.7.7.7 9078 typ host\r\n",
     0,
     "m=audio PORT RTP/AVPF 96 0 101\r\na=rtpmap:96 opus/48000/2\r\na=fmtp:96 useinbandfec=1\r\n"
     "a=rtpmap:101 telephone-event/48000\r\na=rtcp-fb:* trr-int 1000\r\na=sendrecv\r\na=rtcp-mux\r\n"
     "m=video PORT RTP/AVPF 97\r\na=rtpmap:97 VP8/90000\r\na=rtcp-fb:97 nack pli\r\na=rtcp-fb:97 ccm fir\r\n"
     "a=sendrecv\r\n"},
    {"baresip",
     "v=0\r\no=- 2087462217 1413873893 IN IP4 192.0.2.10\r\ns=-\r\nc=IN IP4 192.0.2.10\r\nt=0 0\r\n"
     "a=tool:baresip 1.0.0\r\nm=audio 23406 RTP/AVP 0 8 101\r\nb=AS:125\r\na=rtpmap:0 PCMU/8000\r\n"
     "a=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=rtcp:23407\r\n"
     "a=sendrecv\r\na=label:1\r\na=rtcp-rsize\r\na=ssrc:2087462217 cname:sip:anna@10.7.7.7\r\na=ptime:20\r\n",
     0,
     "m=audio PORT RTP/AVP 0 8 101\r\nb=AS:125\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
     "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=rtcp-rsize\r\na=ptime:20\r\na=sendrecv\r\n"},
    {"fax gateway",
     "v=0\r\no=AudiocodesGW 917041132 917041033 IN IP4 192.0.2.10\r\ns=Phone-Call\r\nc=IN IP4 192.0.2.10\r\n"
     "t=0 0\r\nm=audio 0 RTP/AVP 8\r\nm=image 6122 udptl "
     "t38\r\na=T38FaxVersion:0\r\na=T38MaxBitRate:14400\r\n"
     "a=T38FaxMaxBuffer:1024\r\na=T38FaxMaxDatagram:238\r\na=T38FaxRateManagement:transferredTCF\r\n"
     "a=T38FaxUdpEC:t38UDPRedundancy\r\n",
     0,
     "m=audio 0 RTP/AVP 8\r\nm=image PORT udptl t38\r\na=T38FaxVersion:0\r\na=T38MaxBitRate:14400\r\n"
     "a=T38FaxMaxBuffer:1024\r\na=T38FaxMaxDatagram:238\r\na=T38FaxRateManagement:transferredTCF\r\n"
     "a=T38FaxUdpEC:t38UDPRedundancy\r\na=sendrecv\r\n"},
    {"an edge that wants SRTP and ICE",
     "v=0\r\no=- 0 0 IN IP4 192.0.2.10\r\ns=session\r\nc=IN IP4 192.0.2.10\r\nb=CT:1000\r\nt=0 0\r\n"
     "m=audio 52128 RTP/SAVP 104 9 111 18 0 8 101\r\nc=IN IP4 "
     "192.0.2.10\r\na=rtcp:52129\r\na=ice-ufrag:Xx7m\r\n"
     "a=ice-pwd:WMcHGZqlXO3/rS0yL97y5UNi\r\na=rtcp-mux\r\na=candidate:1 1 UDP 2130706431 192.0.2.10 52128 "
     "typ srflx raddr 10.0.136.71 rport 52128\r\n"
     "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:gHwN4S1nrw2RZyPSVWUNpRBWpOqX4bmI3oN8ESqh|2^31\r\n",
     0, "m=audio PORT RTP/AVP 104 9 111 18 0 8 101\r\na=sendrecv\r\na=rtcp-mux\r\n"},
    {"browser",
     "v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
     "a=extmap-allow-mixed\r\na=msid-semantic: WMS stream\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\n"
     "c=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\na=ice-ufrag:OQRR\r\na=ice-pwd:tEYmr2vfOEqTh\r\n"
     "a=fingerprint:sha-256 4A:AD:B9:B1\r\na=setup:actpass\r\na=mid:0\r\na=sendrecv\r\na=rtcp-mux\r\n",
     488, ""},
    {"old phone with bare line feeds on hold",
     "v=0\no=user1 53655765 2353687637 IN IP4 192.0.2.10\ns=-\nc=IN IP4 0.0.0.0\nt=0 0\nm=audio 6000 RTP/AVP "
     "0\na=rtpmap:0 PCMU/8000\n",
     0, "m=audio PORT RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=inactive\r\n"},
};

std::string without_ports(std::string sdp) {
  for (std::size_t at = 0; (at = sdp.find("m=", at)) != std::string::npos; ++at) {
    const std::size_t from = sdp.find(' ', at) + 1, to = sdp.find(' ', from);
    if (sdp.substr(from, to - from) != "0") sdp.replace(from, to - from, "PORT");
  }
  return sdp;
}

void expect_nothing_of(std::string_view maker, const std::string& far) {
  for (const std::string_view word :
       {"192.0.2.10", "10.7.7.7",   "10.0.136.71", "Asterisk", "FreeSWITCH", "Cisco",    "anna",
        "baresip",    "Audiocodes", "candidate",   "ice-",     "d0Rmdmcm",   "gHwN4S1n", "fingerprint",
        "ssrc",       "cname",      "tool",        "X-",       "label",      "record"})
    EXPECT_EQ(far.find(word), std::string::npos) << maker << ": " << word << " in " << far;
}

TEST(MediaInterop, DescriptionsOfWellKnownMakersComeOutAsOurs) {
  for (const Sample& sample : kSamples) {
    MediaFixture call;
    call.profiles[1].srtp.mode = SrtpMode::None;
    const auto crossed = call.offer(sample.sdp);
    EXPECT_EQ(crossed.refusal, sample.refusal) << sample.maker;
    if (sample.refusal != 0) continue;
    expect_nothing_of(sample.maker, crossed.sdp);
    const std::string head = "v=0\r\no=- 22 1 IN IP4 203.0.113.1\r\ns=-\r\nc=IN IP4 203.0.113.1\r\n";
    EXPECT_TRUE(crossed.sdp.starts_with(head)) << crossed.sdp;
    const std::size_t body = crossed.sdp.find("t=0 0\r\n") + 7;
    EXPECT_EQ(without_ports(crossed.sdp.substr(body)), sample.far) << sample.maker;
  }
}

// The same description as answer: each maker understands its own offer.
TEST(MediaInterop, TheSameDescriptionsAnswerThemselves) {
  for (const Sample& sample : kSamples) {
    if (sample.refusal != 0) continue;
    MediaFixture call;
    std::string other(sample.sdp);
    for (std::size_t at = 0; (at = other.find("192.0.2.10", at)) != std::string::npos; ++at)
      other.replace(at, 10, "192.0.2.20");
    if (sample.maker.starts_with("an edge")) other.replace(other.find("SAVP"), 4, "AVP");
    call.profiles[1].srtp.mode = SrtpMode::None;
    if (sample.maker.starts_with("cisco phone")) other.replace(other.find("29214"), 5, "0");
    ASSERT_EQ(call.offer(sample.sdp).refusal, 0) << sample.maker;
    const auto crossed = call.answer(other);
    EXPECT_EQ(crossed.refusal, 0) << sample.maker;
    expect_nothing_of(sample.maker, crossed.sdp);
    EXPECT_EQ(crossed.sdp.find("192.0.2.20"), std::string::npos) << sample.maker;
    EXPECT_EQ(crossed.sdp.find("203.0.113.1"), std::string::npos) << "our address on the other side";
    (void)call.close();
    call.end_quarantine();
    EXPECT_EQ(call.taken(), 0u) << sample.maker;
  }
}

// Every octet of a description that can be read, changed: whatever it becomes, nothing of it leaks.
TEST(MediaInterop, NoChangeOfOneOctetMakesAnythingLeak) {
  for (const Sample& sample : kSamples)
    for (std::size_t i = 0; i < sample.sdp.size(); ++i) {
      std::string changed(sample.sdp);
      changed[i] = changed[i] == 'z' ? 'y' : 'z';
      MediaFixture call({20000, 20127});  // few ports: it is made anew each time
      const auto crossed = call.offer(changed);
      if (crossed.refusal == 0) {
        EXPECT_EQ(crossed.sdp.find("192.0.2."), std::string::npos) << changed;
        EXPECT_EQ(crossed.sdp.find("10.7.7."), std::string::npos) << changed;
        for (const char* const key : {"d0Rmdmcm", "VSpeEc3", "gHwN4S1n", "WpOqX4bm"})
          EXPECT_EQ(crossed.sdp.find(key), std::string::npos) << changed;
      } else {
        ASSERT_EQ(call.taken(), 0u) << changed;
      }
    }
}

}  // namespace
}  // namespace sallyport::sip
