// hep_sender_test.cpp — packets of HEP version 3, chunk by chunk, and a collector that is not there.
#include "mgmt/hep/hep_sender.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <map>
#include <nlohmann/json.hpp>

#include "policy/record/call_record.h"

namespace sallyport::mgmt {
namespace {

std::uint16_t number16(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(bytes[at]) << 8 |
                                    static_cast<unsigned char>(bytes[at + 1]));
}

std::map<std::uint16_t, std::string> chunks(std::string_view packet) {
  std::map<std::uint16_t, std::string> out;
  EXPECT_EQ(packet.substr(0, 4), "HEP3");
  EXPECT_EQ(number16(packet, 4), packet.size());
  packet.remove_prefix(6);
  while (packet.size() >= 6) {
    EXPECT_EQ(number16(packet, 0), 0);
    const std::uint16_t length = number16(packet, 4);
    if (length < 6 || length > packet.size()) break;
    out.emplace(number16(packet, 2), packet.substr(6, std::size_t{length} - 6));
    packet.remove_prefix(length);
  }
  EXPECT_TRUE(packet.empty());
  return out;
}

CapturedMessage message(const char* local, const char* remote) {
  CapturedMessage out;
  out.path.local = *parse_endpoint(local, 0);
  out.path.remote = *parse_endpoint(remote, 0);
  out.call = 0x6740'8c3e'0000'0001;
  out.bytes = "INVITE sip:a@b SIP/2.0\r\n\r\n";
  return out;
}

// HEP3 §2.3
TEST(HepPacket, SaysFromWhereToWhereWhenAndOfWhichCall) {
  const auto found = chunks(hep_packet({2001, "edge"}, message("198.18.1.1:5060", "198.18.1.2:5062"),
                                       Duration(1'795'262'410s) + 123'456us));
  using namespace std::string_literals;
  const std::map<std::uint16_t, std::string> wanted{{1, "\x02"},
                                                    {2, "\x11"},
                                                    {3, "\xc6\x12\x01\x02"},
                                                    {4, "\xc6\x12\x01\x01"},
                                                    {7, "\x13\xc6"},
                                                    {8, "\x13\xc4"},
                                                    {9, "\x6b\x01\x87\xca"},
                                                    {10, "\x00\x01\xe2\x40"s},
                                                    {11, "\x01"},
                                                    {12, "\x00\x00\x07\xd1"s},
                                                    {15, "INVITE sip:a@b SIP/2.0\r\n\r\n"},
                                                    {17, "67408c3e-00000001"},
                                                    {19, "edge"}};
  for (const auto& [type, value] : wanted) EXPECT_EQ(found.at(type), value) << type;
  EXPECT_EQ(found.size(), wanted.size());
}

TEST(HepPacket, WhatLeavesOverTlsAndIpv6IsSaidToDoSo) {
  CapturedMessage out = message("[fd18:1::1]:5061", "[fd18:1::2]:5061");
  out.direction = sip::Direction::Out;
  out.path.transport = Transport::Tls;
  out.call = 0;
  const auto found = chunks(hep_packet({1, "edge"}, out, 0s));
  EXPECT_EQ(found.at(1), "\x0a");
  EXPECT_EQ(found.at(2), "\x06");
  EXPECT_EQ(found.at(5).back(), '\x01');
  EXPECT_EQ(found.at(6).back(), '\x02');
  EXPECT_FALSE(found.contains(17));
}

TEST(HepPacket, LongestMessageFitsTheLengthOfItsPacket) {
  CapturedMessage out = message("198.18.1.1:5060", "198.18.1.2:5062");
  out.bytes.assign(70'000, 'a');
  EXPECT_EQ(hep_packet({1, "edge"}, out, 0s).size(), 65535u);
}

// A socket of this test on loopback, with the port that the kernel gives it.
struct Collector {
  Collector() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::bind(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    socklen_t size = sizeof address;
    ::getsockname(socket.number(), reinterpret_cast<sockaddr*>(&address), &size);
    place = {*IpAddress::parse("127.0.0.1"), ntohs(address.sin_port)};
  }
  std::string receive() {
    std::array<char, 65536> bytes;
    const ssize_t size = ::recv(socket.number(), bytes.data(), bytes.size(), 0);
    return size < 0 ? "" : std::string(bytes.data(), static_cast<std::size_t>(size));
  }
  Descriptor socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  Endpoint place;
};

TEST(HepSender, SendsWithoutMediaKeys) {
  Collector collector;
  auto sender = HepSender::open(collector.place, {7, "edge"});
  ASSERT_TRUE(sender);
  CapturedMessage one = message("198.18.1.1:5060", "198.18.1.2:5062");
  one.bytes = "a=crypto:1 X inline:secret\r\n";
  (*sender)->send(one);
  EXPECT_EQ(chunks(collector.receive()).at(15), "a=crypto:1 X inline:******\r\n");
  EXPECT_EQ((*sender)->sent(), 1u);
}

CallRecord ended_call() {
  CallRecord end;
  end.call = 0x6740'8c3e'0000'0001;
  end.legs = {{"outside", "udp", {}, "near@198.18.1.2"}, {"inside", "udp", {}, "far"}};
  MediaRecord caller;
  caller.codec = "PCMA/8000";
  caller.remote = *parse_endpoint("198.18.1.2:20000", 0);
  caller.local = *parse_endpoint("198.18.1.1:30000", 0);
  caller.is_measured = true;
  caller.packets = 990;
  caller.bytes = 170'280;
  caller.lost = 10;
  caller.jitter_us = 2500;
  caller.mos_times_100 = 431;
  MediaRecord callee = caller, silent = caller;
  callee.from_caller = false;
  callee.remote = *parse_endpoint("[fd18:2::2]:21000", 0);
  callee.local = *parse_endpoint("[fd18:2::1]:31000", 0);
  callee.mos_times_100 = 0;
  silent.is_measured = false;
  end.media = {caller, callee, silent};
  return end;
}

// HEP3 §2.3: from where the packets came, to where they came to us.
TEST(HepSender, TellsOfEachDirectionThatWasMeasuredHowGoodItWas) {
  Collector collector;
  auto sender = HepSender::open(collector.place, {7, "edge"});
  ASSERT_TRUE(sender);
  (*sender)->send_quality(ended_call());
  EXPECT_EQ((*sender)->sent(), 2u);
  const auto caller = chunks(collector.receive()), callee = chunks(collector.receive());
  EXPECT_EQ(caller.at(11), "\x22") << "34";
  EXPECT_EQ(caller.at(3), "\xc6\x12\x01\x02");
  EXPECT_EQ(number16(caller.at(7), 0), 20000);
  EXPECT_EQ(number16(caller.at(8), 0), 30000);
  EXPECT_EQ(number16(caller.at(32), 0), 431);
  EXPECT_EQ(caller.at(17), call_id_text(0x6740'8c3e'0000'0001)) << "as the messages of the call";
  const auto report = nlohmann::json::parse(caller.at(15));
  EXPECT_EQ(report["TOTAL_PK"], 990);
  EXPECT_EQ(report["EXPECTED_PK"], 1000);
  EXPECT_EQ(report["PACKET_LOSS"], 10);
  EXPECT_EQ(report["JITTER"], 2.5);
  EXPECT_EQ(report["MOS"], 4.31);
  EXPECT_EQ(report["CODEC_NAME"], "PCMA");
  EXPECT_EQ(report["RTP_SIP_CALL_ID"], "near@198.18.1.2");
  EXPECT_EQ(callee.at(1), "\x0a");
  EXPECT_FALSE(callee.contains(32)) << "not known";
  EXPECT_FALSE(nlohmann::json::parse(callee.at(15)).contains("MOS"));
  EXPECT_EQ(nlohmann::json::parse(callee.at(15))["RTP_SIP_CALL_ID"], "far");
}

TEST(HepSender, TellsOfMediaOfTheRealmsThatWereAskedForAlone) {
  Collector collector;
  auto sender = HepSender::open(collector.place, {.capture_id = 7, .realms = {"inside"}});
  ASSERT_TRUE(sender);
  (*sender)->send_quality(ended_call());
  EXPECT_EQ((*sender)->sent(), 1u);
  EXPECT_EQ(nlohmann::json::parse(chunks(collector.receive()).at(15))["PARTY"], 1);
}

// What came from the wire can't make a report that is no JSON, nor one that says something else.
TEST(HepSender, HostileTextStaysText) {
  Collector collector;
  auto sender = HepSender::open(collector.place, {7, "edge"});
  ASSERT_TRUE(sender);
  CallRecord end = ended_call();
  end.legs[0].call_id = "a\",\"MOS\":9,\"x\":\"\xff\xfe\n";
  (*sender)->send_quality(end);
  const auto report = nlohmann::json::parse(chunks(collector.receive()).at(15));
  EXPECT_EQ(report["MOS"], 4.31);
}

TEST(HepSender, NeitherWaitsForACollectorThatIsGoneNorForgetsWhatTheKernelRefuses) {
  Endpoint gone;
  {
    gone = Collector().place;
  }
  auto sender = HepSender::open(gone, {7, "edge"});
  ASSERT_TRUE(sender);
  CapturedMessage one = message("198.18.1.1:5060", "198.18.1.2:5062");
  for (int i = 0; i < 10; ++i) (*sender)->send(one);
  EXPECT_EQ((*sender)->sent() + (*sender)->dropped(), 10u);
  one.bytes.assign(65'500, 'a');  // no datagram holds that and its chunks
  const std::uint64_t dropped = (*sender)->dropped();
  (*sender)->send(one);
  EXPECT_EQ((*sender)->dropped(), dropped + 1);
}

}  // namespace
}  // namespace sallyport::mgmt
