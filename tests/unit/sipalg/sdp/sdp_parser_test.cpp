// sdp_parser_test.cpp — what of a stranger's description is read, and what is refused: RFC 8866 §5, §9;
// threats P11.
#include "sipalg/sdp/sdp_parser.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace sallyport::sip {
namespace {

constexpr std::string_view kHead =
    "v=0\r\no=a 1 2 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n";

struct Read {
  std::string text;
  SdpError error = SdpError::None;
  std::unique_ptr<SessionDescription> description = std::make_unique<SessionDescription>();
  const MediaDescription& line(std::size_t i = 0) const { return description->media[i]; }
};
Read read(std::string text) {
  Read result;
  result.text = std::move(text);
  result.error = parse_sdp(result.text, *result.description);
  return result;
}
Read below_head(std::string_view rest) { return read(std::string(kHead) + std::string(rest)); }
SdpError error_of(std::string_view rest) { return below_head(rest).error; }

TEST(SdpParser, AnMLineIsReadWithWhatStandsBelowIt) {
  const Read sdp = below_head(
      "a=recvonly\r\nm=audio 4000 RTP/AVP 8 97 0\r\nb=AS:80\r\na=rtpmap:97 iLBC/8000\r\na=ptime:30\r\n"
      "m=video 4002/1 RTP/AVPF 96\r\nc=IN IP6 2001:db8::7\r\na=rtpmap:96 opus/48000/2\r\na=sendonly\r\n"
      "a=rtcp:4100 IN IP4 192.0.2.9\r\na=rtcp-mux\r\n");
  ASSERT_EQ(sdp.error, SdpError::None);
  ASSERT_EQ(sdp.description->media.size(), 2u);
  const MediaDescription& audio = sdp.line();
  EXPECT_EQ(audio.media, SdpMedia::Audio);
  EXPECT_EQ(audio.profile, SdpProfile::Avp);
  EXPECT_EQ(audio.port, 4000);
  EXPECT_EQ(audio.connection.address, *IpAddress::parse("192.0.2.1"));
  EXPECT_EQ(audio.direction, (MediaDirection{false, true}));
  EXPECT_EQ(audio.bandwidth.as_kbit, 80u);
  EXPECT_EQ(audio.ptime_ms, 30);
  ASSERT_EQ(audio.formats.size(), 3u);
  EXPECT_EQ(audio.formats[1].encoding, "iLBC");
  EXPECT_EQ(audio.formats[2].encoding, "");
  const MediaDescription& video = sdp.line(1);
  EXPECT_EQ(video.profile, SdpProfile::Avpf);
  EXPECT_EQ(video.connection.address, *IpAddress::parse("2001:db8::7"));
  EXPECT_EQ(video.direction, (MediaDirection{true, false}));
  EXPECT_EQ(video.rtcp_port, 4100);
  EXPECT_EQ(video.rtcp_connection.address, *IpAddress::parse("192.0.2.9"));
  EXPECT_TRUE(video.rtcp_mux);
  EXPECT_EQ(video.formats[0].channels, 2);
}

TEST(SdpParser, LinesMayEndWithABareLfAndEmptyLinesMayFollowTheLast) {
  const Read sdp = read(
      "v=0\no=- 1 1 IN IP4 192.0.2.1\ns=x\nc=IN IP4 192.0.2.1\nt=0 0\nm=audio 4000 RTP/AVP "
      "0\na=inactive\n\n\r\n");
  ASSERT_EQ(sdp.error, SdpError::None);
  EXPECT_EQ(sdp.line().direction, (MediaDirection{false, false}));
  EXPECT_EQ(sdp.line().lines, "a=inactive\n");
  const Read open_end = below_head("m=audio 4000 RTP/AVP 0\r\na=sendonly");
  ASSERT_EQ(open_end.error, SdpError::None);
  EXPECT_EQ(open_end.line().direction, (MediaDirection{true, false}));
}

TEST(SdpParser, WhatTwoReadersCouldSeeDifferentlyIsUnreadable) {
  for (const std::string_view text :
       {"", "v=0\r\n", "v=1\r\no=-\r\n", "o=-\r\nv=0\r\n", "v=0\r\ns=-\r\n", "v=0\r\no=-\r\nv=0\r\n",
        "v=0\r\no=-\r\no=-\r\n", "v=0\r\no=-\r\ns=-\r\ns=-\r\n", "v=0\r\no=-\r\nt=0 0\r\ns=-\r\n",
        "\r\nv=0\r\no=-\r\n", "v=0\r\no=-\r\n\r\nm=audio 1 RTP/AVP 0\r\n", " v=0\r\no=-\r\n",
        "V=0\r\no=-\r\n", "v=0\r\no=-\r\nA=x\r\n", "v=0\r\no=-\r\nax\r\n", "v=0\r\no=-\r\na=b\rc\r\n",
        "v=0\ro=-\r"})
    EXPECT_EQ(answer_of(read(std::string(text)).error), 400) << text;
  EXPECT_EQ(read(std::string("v=0\r\no=-\r\na=x\0y\r\n", 18)).error, SdpError::NoLine);
  EXPECT_EQ(error_of("a=x\x01y\r\n"), SdpError::NoLine);
  EXPECT_EQ(error_of("c=IN IP4 192.0.2.1\r\n"), SdpError::Order);
}

TEST(SdpParser, MissingNameAndTimeAreForgiven) {
  EXPECT_EQ(read("v=0\r\no=-\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0\r\n").error, SdpError::None);
}

TEST(SdpParser, NumbersNeverWrap) {
  for (const std::string_view port : {"65536", "4294967296", "18446744073709551617", "-1", "+4", "4x", "0x10",
                                      "", "4000/", "4000/0", "4000/65536", "4000/x"}) {
    const SdpError error = error_of("m=audio " + std::string(port) + " RTP/AVP 0\r\n");
    EXPECT_NE(error, SdpError::None) << port;
  }
  for (const std::string_view format : {"128", "256", "4294967296", "4294967304", "x", "-8", "8a"})
    EXPECT_EQ(error_of("m=audio 4000 RTP/AVP " + std::string(format) + "\r\n"), SdpError::PayloadType)
        << format;
  EXPECT_EQ(error_of("m=audio 4000 RTP/AVP 0\r\na=rtcp:65536\r\n"), SdpError::PortNumber);
  EXPECT_EQ(error_of("m=audio 4000 RTP/AVP 0\r\na=rtcp:\r\n"), SdpError::PortNumber);
  const Read huge = below_head(
      "m=audio 4000 RTP/AVP 97\r\na=rtpmap:97 x/4294967296\r\na=ptime:99999999999\r\nb=AS:4294967296\r\n");
  ASSERT_EQ(huge.error, SdpError::None);
  EXPECT_EQ(huge.line().formats[0].encoding, "");
  EXPECT_EQ(huge.line().ptime_ms, 0);
  EXPECT_FALSE(huge.line().bandwidth.as_kbit);
}

TEST(SdpParser, AnMLineNeedsMediaPortProfileAndAFormatOfFairLength) {
  for (const std::string& line :
       {std::string("audio"), std::string("audio 4000"), std::string("audio 4000 RTP/AVP"),
        std::string("audio 4000 RTP/AVP "), std::string(1024, 'a') + " 4000 RTP/AVP 0",
        "audio 4000 " + std::string(40, 'R') + " 0", std::string("au(dio 4000 RTP/AVP 0"),
        "image 4000 udptl " + std::string(33, 't')})
    EXPECT_EQ(answer_of(error_of("m=" + line + "\r\n")), 400) << line;
}

TEST(SdpParser, SixteenMLinesAreReadAndOneMoreIsNotAcceptable) {
  std::string lines;
  for (int i = 0; i < 16; ++i) lines += "m=audio 4000 RTP/AVP 0\r\n";
  const Read sdp = below_head(lines);
  ASSERT_EQ(sdp.error, SdpError::None);
  EXPECT_EQ(sdp.description->media.size(), 16u);
  EXPECT_EQ(answer_of(error_of(lines + "m=audio 4000 RTP/AVP 0\r\n")), 488);
}

TEST(SdpParser, FormatsBeyondThirtyTwoAndRepeatedOnesAreLeftOut) {
  std::string line = "m=audio 4000 RTP/AVP";
  for (int i = 0; i < 100; ++i) line += " " + std::to_string(i);
  const Read many = below_head(line + "\r\n");
  ASSERT_EQ(many.error, SdpError::None);
  EXPECT_EQ(many.line().formats.size(), 32u);
  EXPECT_EQ(below_head("m=audio 4000 RTP/AVP 8 8 08 0\r\n").line().formats.size(), 2u);
}

TEST(SdpParser, OnlyAnAddressWillDoAsConnection) {
  const auto kind_of = [](std::string_view connection) {
    return below_head("m=audio 4000 RTP/AVP 0\r\nc=" + std::string(connection) + "\r\n")
        .line()
        .connection.kind;
  };
  using Kind = SdpConnection::Kind;
  EXPECT_EQ(kind_of("IN IP4 192.0.2.7"), Kind::Address);
  EXPECT_EQ(kind_of("IN IP6 2001:db8::1"), Kind::Address);
  EXPECT_EQ(kind_of("IN IP4 224.2.1.1/127/3"), Kind::Address);
  EXPECT_EQ(kind_of("IN IP6 ::ffff:192.0.2.7"), Kind::Address);
  for (const std::string_view unusable :
       {"IN IP4 host.example", "IN IP4 2001:db8::1", "IN IP6 192.0.2.7", "IN IP5 192.0.2.7",
        "ATM IP4 192.0.2.7", "IN IP4 192.0.2.256", "IN IP4 192.0.2", "IN IP6 fe80::1%eth0", "IN IP4 0x7f.1",
        "IN IP4 $"})
    EXPECT_EQ(kind_of(unusable), Kind::Unusable) << unusable;
  for (const std::string_view broken : {"", "IN", "IN IP4", "IN IP4 192.0.2.1 x"})
    EXPECT_EQ(error_of("m=audio 4000 RTP/AVP 0\r\nc=" + std::string(broken) + "\r\n"), SdpError::Connection)
        << broken;
}

// RFC 8866 §5.7
TEST(SdpParser, TwoConnectionsOfOneMLineMustBeTheSame) {
  const std::string one = "m=audio 4000 RTP/AVP 0\r\nc=IN IP4 192.0.2.7\r\n";
  EXPECT_EQ(below_head(one + "c=IN IP4 192.0.2.7\r\n").line().connection.kind, SdpConnection::Kind::Address);
  EXPECT_EQ(below_head(one + "c=IN IP4 192.0.2.8\r\n").line().connection.kind, SdpConnection::Kind::Unusable);
}

TEST(SdpParser, ProfilesAreKnownByTheirNamesInLettersOfEitherSize) {
  const auto profile_of = [](std::string_view profile, std::string_view format) {
    return below_head("m=image 4000 " + std::string(profile) + " " + std::string(format) + "\r\n")
        .line()
        .profile;
  };
  EXPECT_EQ(profile_of("rtp/avp", "0"), SdpProfile::Avp);
  EXPECT_EQ(profile_of("RTP/SAVPF", "0"), SdpProfile::Savpf);
  EXPECT_EQ(profile_of("UDP/TLS/RTP/SAVP", "0"), SdpProfile::TlsSavp);
  EXPECT_EQ(profile_of("UDPTL", "t38"), SdpProfile::Udptl);
  EXPECT_EQ(profile_of("TCP/MSRP", "*"), SdpProfile::Other);
}

TEST(SdpParser, TheFirstRtpmapOfAPayloadTypeCounts) {
  const Read sdp =
      below_head("m=audio 4000 RTP/AVP 97\r\na=rtpmap:97 opus/48000/2\r\na=rtpmap:97 PCMA/8000\r\n");
  EXPECT_EQ(sdp.line().formats[0].encoding, "opus");
}

}  // namespace
}  // namespace sallyport::sip
