// sdp_writer_test.cpp — the description that the other leg sees: RFC 8866 §5, RFC 3264 §8; threats I12.
#include "sipalg/sdp/sdp_writer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/media_fixture.h"

namespace sallyport::sip {
namespace {

const IpAddress kOwn = *IpAddress::parse("203.0.113.1");

std::optional<std::string> written(std::string_view sdp, SdpIdentity& identity, std::size_t room = 8192,
                                   const IpAddress& own = kOwn) {
  std::vector<char> buffer(room);
  const auto text = tests::crossed_whole(buffer, sdp, own, identity);
  return text ? std::optional(std::string(*text)) : std::nullopt;
}
std::string written(std::string_view sdp) {
  SdpIdentity identity{77, 0, 0};
  return written(sdp, identity).value_or("does not fit");
}

constexpr std::string_view kOffer =
    "v=0\r\no=alice 289084 2890844526 IN IP4 pc33.atlanta.test\r\ns=Alice's phone\r\ni=about\r\n"
    "u=http://atlanta.test/\r\ne=alice@atlanta.test\r\np=+1 617\r\nc=IN IP4 "
    "198.18.1.2\r\nb=AS:90\r\nb=X-own:1\r\n"
    "t=2873397496 2873404696\r\nr=7d 1h 0 25h\r\nz=0 0\r\nk=clear:secret\r\na=tool:maker 1.0\r\n"
    "m=audio 20000 RTP/AVP 0 97\r\ni=the microphone\r\nk=prompt\r\nb=TIAS:64000\r\na=rtpmap:97 iLBC/8000\r\n"
    "a=fmtp:97 mode=30\r\na=sendrecv\r\n";

TEST(SdpWriter, OnlyWhatIsNamedCrosses) {
  EXPECT_EQ(written(kOffer),
            "v=0\r\no=- 77 1 IN IP4 203.0.113.1\r\ns=-\r\nc=IN IP4 203.0.113.1\r\nb=AS:90\r\nt=0 0\r\n"
            "m=audio 20000 RTP/AVP 0 97\r\nb=TIAS:64000\r\na=rtpmap:97 iLBC/8000\r\na=fmtp:97 mode=30\r\n"
            "a=sendrecv\r\n");
}

// Numbers are ours; what stands behind them stays.
TEST(SdpWriter, NamesOfFormatsAreWrittenAnew) {
  EXPECT_EQ(written("v=0\r\no=-\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 96 97 98 99 8\r\n"
                    "a=rtpmap:96 opus/48000/2\r\na=rtpmap:97 iLBC/08000\r\na=rtpmap:98 L16/44100/02\r\n"
                    "a=rtpmap:99 speex/16000/x@y z\r\na=rtpmap:08 PCMA/8000\r\na=rtpmap:96 other/8000\r\n"),
            "v=0\r\no=- 77 1 IN IP4 203.0.113.1\r\ns=-\r\nc=IN IP4 203.0.113.1\r\nt=0 0\r\n"
            "m=audio 20000 RTP/AVP 96 97 98 99 8\r\na=rtpmap:96 opus/48000/2\r\na=rtpmap:97 iLBC/8000\r\n"
            "a=rtpmap:98 L16/44100/2\r\na=rtpmap:99 speex/16000\r\na=rtpmap:8 PCMA/8000\r\n"
            "a=sendrecv\r\n");
}

TEST(SdpWriter, AnAddressOfIpv6IsShownAsSuch) {
  SdpIdentity identity{~std::uint64_t{0}, ~std::uint64_t{0} - 1, 5};
  const auto text =
      written("v=0\r\no=-\r\n", identity, 8192, *IpAddress::parse("2001:db8:1111:2222:3333:4444:5555:6666"));
  EXPECT_EQ(text,
            "v=0\r\no=- 18446744073709551615 18446744073709551615 IN IP6 "
            "2001:db8:1111:2222:3333:4444:5555:6666\r\ns=-\r\nc=IN IP6 "
            "2001:db8:1111:2222:3333:4444:5555:6666\r\nt=0 0\r\n");
}

// RFC 3264 §8
TEST(SdpWriter, VersionGrowsByOneWithEachChange) {
  SdpIdentity identity{77, 0, 0};
  const std::string first(kOffer);
  std::string hold = first;
  hold.replace(hold.find("sendrecv"), 8, "sendonly");
  EXPECT_NE(written(first, identity)->find("o=- 77 1 "), std::string::npos);
  EXPECT_NE(written(first, identity)->find("o=- 77 1 "), std::string::npos);
  EXPECT_NE(written(hold, identity)->find("o=- 77 2 "), std::string::npos);
  EXPECT_NE(written(first, identity)->find("o=- 77 3 "), std::string::npos);
  // What does not cross changes nothing.
  std::string again = first;
  again.replace(again.find("289084 "), 7, "999999 ");
  EXPECT_NE(written(again, identity)->find("o=- 77 3 "), std::string::npos);
}

TEST(SdpWriter, WhatDoesNotFitIsNotWrittenAndLeavesTheIdentity) {
  SdpIdentity identity{77, 4, 9};
  const std::size_t whole = written(kOffer, identity)->size();
  for (std::size_t size = 0; size < whole; ++size) {
    SdpIdentity same{77, 4, 9};
    EXPECT_FALSE(written(kOffer, same, size)) << size;
    EXPECT_EQ(same.version, 4u);
    EXPECT_EQ(same.last_hash, 9u);
  }
  SdpIdentity fits{77, 4, 9};
  EXPECT_TRUE(written(kOffer, fits, whole));
}

// RFC 3264 §6
TEST(SdpWriter, ARefusedMLineKeepsItsPlaceAndNothingElse) {
  const std::string text = written(
      "v=0\r\no=-\r\nc=IN IP4 192.0.2.1\r\nm=audio 0 RTP/SAVP 8 0\r\na=crypto:1 x inline:y\r\n"
      "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\na=sctp-port:5000\r\n");
  EXPECT_TRUE(text.ends_with(
      "t=0 0\r\nm=audio 0 RTP/SAVP 8 0\r\nm=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n"))
      << text;
}

TEST(SdpWriter, AttributesOfFormatsThatDoNotCrossStayBehind) {
  const std::string text = written(
      "v=0\r\no=-\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 97\r\na=rtpmap:98 opus/48000/2\r\na=fmtp:98 "
      "x=1\r\n"
      "a=fmtp:97 sender=10.1.2.3\r\na=rtpmap:97 iLBC/8000\r\na=rtpmap:97 hidden/8000\r\na=rtcp-fb:* "
      "nack\r\n");
  EXPECT_TRUE(text.ends_with(
      "m=audio 20000 RTP/AVP 97\r\na=rtpmap:97 iLBC/8000\r\na=rtcp-fb:* nack\r\na=sendrecv\r\n"))
      << text;
}

TEST(SdpWriter, FaxAttributesCross) {
  const std::string media =
      "a=T38FaxVersion:0\r\na=T38MaxBitRate:14400\r\na=T38FaxRateManagement:transferredTCF\r\n"
      "a=T38FaxMaxBuffer:2000\r\na=T38FaxMaxDatagram:400\r\na=T38FaxUdpEC:t38UDPRedundancy\r\n";
  const std::string text = written("v=0\r\no=-\r\nc=IN IP4 192.0.2.1\r\nm=image 4000 udptl t38\r\n" + media +
                                   "a=T38VendorInfo:0 0 37\r\n");
  EXPECT_TRUE(text.ends_with("m=image 20000 udptl t38\r\n" + media + "a=sendrecv\r\n")) << text;
}

}  // namespace
}  // namespace sallyport::sip
