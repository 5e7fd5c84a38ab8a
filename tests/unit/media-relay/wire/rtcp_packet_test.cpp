// rtcp_packet_test.cpp — compound packets that are sound and those that lie, and what may cross: RFC 3550 §6,
// §A.2; RFC 4585 §6; RFC 3611 §4; threats M6.
#include "media-relay/wire/rtcp_packet.h"

#include <gtest/gtest.h>

#include <functional>

#include "tests/unit/media-relay/wire/rtcp_builder.h"

namespace sallyport::media {
namespace {

constexpr CnameToken kToken{'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o', 'p'};

Octets filtered(const Octets& packet, std::size_t room = kRtcpBytesMax) {
  EXPECT_TRUE(is_rtcp(packet));
  Octets out(room);
  out.resize(filter_rtcp(packet, kToken, out));
  EXPECT_TRUE(out.empty() || is_rtcp(out));
  return out;
}

std::string text_of(const Octets& packet) { return {packet.begin(), packet.end()}; }

TEST(RtcpPacket, TakesWhatIsSound) {
  EXPECT_TRUE(is_rtcp(RtcpBuilder().receiver_report(1).packet));
  EXPECT_TRUE(is_rtcp(RtcpBuilder().sender_report(1, 5, {{}, {}}).sdes(1, {{1, "a@b"}}).packet));
  EXPECT_TRUE(is_rtcp(RtcpBuilder().receiver_report(1).bye(1).packet));
  EXPECT_TRUE(is_rtcp(RtcpBuilder().receiver_report(1).receiver_report(1, {{}}).packet));
  EXPECT_TRUE(is_rtcp(RtcpBuilder().receiver_report(1).part(210, 3, {1, 2, 3, 4}).packet));
}

// Each cut of a sound packet is refused: no length is believed that is not there.
TEST(RtcpPacket, RefusesEveryPacketThatIsCutShort) {
  const Octets whole = RtcpBuilder().sender_report(1, 5, {{}}).sdes(1, {{1, "name"}, {2, "x"}}).bye(1).packet;
  ASSERT_TRUE(is_rtcp(whole));
  std::vector<std::size_t> ends{52, 52 + 20, whole.size()};
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const bool is_end_of_part = std::find(ends.begin(), ends.end(), size) != ends.end();
    EXPECT_EQ(is_rtcp(std::span(whole).first(size)), is_end_of_part) << size;
  }
}

struct Lie {
  const char* what;
  Octets packet;
};

TEST(RtcpPacket, RefusesWhatLies) {
  const auto spoilt = [](Octets packet, std::size_t at, std::uint8_t value) {
    packet[at] = value;
    return packet;
  };
  const Octets report = RtcpBuilder().receiver_report(1).packet;
  const Octets two = RtcpBuilder().receiver_report(1).receiver_report(1).packet;
  const Octets named = RtcpBuilder().receiver_report(1).sdes(1, {{1, "name"}}).packet;
  Octets large = RtcpBuilder().receiver_report(1).part(204, 0, Octets(kRtcpBytesMax)).packet;
  const std::vector<Lie> lies{
      {"four octets (AST-2017-008)", {0x80, 201, 0, 0}},
      {"nothing", {}},
      {"version 1", spoilt(report, 0, 0x40)},
      {"version 1 in the second part", spoilt(two, 8, 0x40)},
      {"first part no report", RtcpBuilder().sdes(1, {{1, "x"}}).packet},
      {"first part a BYE", RtcpBuilder().bye(1).packet},
      {"more blocks than there are", spoilt(report, 0, 0x81)},
      {"31 blocks in none", spoilt(RtcpBuilder().sender_report(1).packet, 0, 0x9f)},
      {"second of two reports claims blocks (AST-2017-012)", spoilt(two, 8, 0x9f)},
      {"length beyond the packet", spoilt(report, 3, 2)},
      {"length 65,535", spoilt(spoilt(report, 2, 255), 3, 255)},
      {"length short of the packet", spoilt(two, 3, 0)},
      {"sender report without its numbers", RtcpBuilder().part(200, 0, Octets(20)).packet},
      {"padding in the first part", spoilt(spoilt(two, 0, 0xa0), 7, 4)},
      {"padding of no octet", spoilt(spoilt(named, 8, 0xa1), named.size() - 1, 0)},
      {"padding of the whole part", spoilt(spoilt(two, 8, 0xa0), 15, 8)},
      {"padding beyond the part", spoilt(spoilt(two, 8, 0xa0), 15, 200)},
      {"padding of three octets", spoilt(spoilt(two, 8, 0xa0), 15, 3)},
      {"more chunks than there are", spoilt(named, 8, 0x82)},
      {"item beyond its part", spoilt(named, 17, 200)},
      {"chunk without an end",
       RtcpBuilder().receiver_report(1).part(202, 1, {0, 0, 0, 1, 1, 2, 'a', 'b'}).packet},
      {"BYE of more sources than there are",
       RtcpBuilder().receiver_report(1).part(203, 2, {0, 0, 0, 1}).packet},
      {"BYE whose reason is longer than it",
       RtcpBuilder().receiver_report(1).part(203, 1, {0, 0, 0, 1, 9, 'a', 'b', 'c'}).packet},
      {"APP without a name", RtcpBuilder().receiver_report(1).part(204, 0, {0, 0, 0, 1}).packet},
      {"feedback without a media source", RtcpBuilder().receiver_report(1).part(205, 1, {0, 0, 0, 1}).packet},
      {"XR without a source", RtcpBuilder().receiver_report(1).part(207, 0, {}).packet},
      {"XR block beyond its part",
       RtcpBuilder().receiver_report(1).part(207, 0, {0, 0, 0, 1, 4, 0, 0, 9}).packet},
      {"XR reference time too short",
       RtcpBuilder().receiver_report(1).part(207, 0, {0, 0, 0, 1, 4, 0, 0, 1, 0, 0, 0, 0}).packet},
      {"XR DLRR of a word",
       RtcpBuilder().receiver_report(1).part(207, 0, {0, 0, 0, 1, 5, 0, 0, 1, 0, 0, 0, 0}).packet},
      {"a type that is none", RtcpBuilder().receiver_report(1).part(100, 0, {0, 0, 0, 1}).packet},
      {"larger than a frame", large},
  };
  for (const Lie& lie : lies) EXPECT_FALSE(is_rtcp(lie.packet)) << lie.what;
}

TEST(RtcpFilter, ReplacesCnameAndRemovesAllElseThatNamesThem) {
  const Octets out =
      filtered(RtcpBuilder()
                   .receiver_report(7)
                   .sdes(7, {{1, "alice@10.1.2.3"}, {2, "Alice"}, {5, "Room 5"}, {6, "Phone 1.0"}})
                   .packet);
  EXPECT_EQ(parts_of(out), "201 202");
  EXPECT_EQ(text_of(out).find("alice"), std::string::npos);
  EXPECT_EQ(text_of(out).find("Phone"), std::string::npos);
  EXPECT_NE(text_of(out).find("abcdefghijklmnop"), std::string::npos);
  EXPECT_EQ(read_u32(out.data() + 12), 7u);
}

TEST(RtcpFilter, NamesEverySourceOfSeveral) {
  Octets chunks = RtcpBuilder::word(7);
  RtcpBuilder::append(chunks, {1, 1, 'a', 0});
  RtcpBuilder::append(chunks, RtcpBuilder::word(8));
  RtcpBuilder::append(chunks, {0, 0, 0, 0});
  const Octets out = filtered(RtcpBuilder().receiver_report(7).part(202, 2, chunks).packet);
  EXPECT_EQ(out.size(), 8u + 4u + 24u * 2u);
  EXPECT_EQ(read_u32(out.data() + 12), 7u);
  EXPECT_EQ(read_u32(out.data() + 36), 8u);
}

TEST(RtcpFilter, RemovesByeAppAndTypesItDoesNotKnow) {
  EXPECT_EQ(parts_of(filtered(RtcpBuilder().sender_report(1).bye(1).packet)), "200");
  EXPECT_EQ(parts_of(filtered(RtcpBuilder().receiver_report(1).app(1).part(192, 0, {1, 2, 3, 4}).packet)),
            "201");
}

// RFC 5104 §4.2, REMB: what throttles a sender.
TEST(RtcpFilter, RemovesFeedbackThatCouldThrottleAndRelaysTheRest) {
  const auto crosses = [](std::uint8_t type, std::uint8_t format) {
    return filtered(RtcpBuilder().receiver_report(1).feedback(type, format).packet).size() > 8;
  };
  EXPECT_TRUE(crosses(205, 1));
  EXPECT_FALSE(crosses(205, 3));
  EXPECT_FALSE(crosses(205, 4));
  EXPECT_TRUE(crosses(205, 15));
  EXPECT_TRUE(crosses(206, 1));
  EXPECT_TRUE(crosses(206, 4));
  EXPECT_FALSE(crosses(206, 15));
  EXPECT_FALSE(crosses(206, 31));
}

TEST(RtcpFilter, KeepsExtendedReportsThatItKnows) {
  Octets body = RtcpBuilder::words({1, 0x04000002, 11, 12, 0x63000001, 13});
  const Octets out = filtered(RtcpBuilder().receiver_report(1).part(207, 0, body).packet);
  EXPECT_EQ(parts_of(out), "201 207");
  EXPECT_EQ(out.size(), 8u + 8u + 12u);
  EXPECT_EQ(
      parts_of(filtered(
          RtcpBuilder().receiver_report(1).part(207, 0, RtcpBuilder::words({1, 0x63000001, 13})).packet)),
      "201");
}

TEST(RtcpFilter, RemovesPaddingAndProfileExtensions) {
  Octets body = RtcpBuilder::words({1, 0xaaaaaaaa, 0xbbbbbbbb});
  Octets padded = RtcpBuilder().receiver_report(2).part(201, 0, body).packet;
  EXPECT_EQ(filtered(padded).size(), 16u);
  Octets last = RtcpBuilder().receiver_report(2).part(201, 0, RtcpBuilder::words({1, 4})).packet;
  last[8] |= 0x20;
  EXPECT_EQ(filtered(last).size(), 16u);
}

TEST(RtcpFilter, WritesNothingWhereThereIsNoRoom) {
  const Octets packet = RtcpBuilder().receiver_report(1).sdes(1, {{1, "a"}}).packet;
  EXPECT_EQ(filtered(packet, 16).size(), 0u);
  EXPECT_EQ(filtered(packet, 36).size(), 36u);
}

}  // namespace
}  // namespace sallyport::media
