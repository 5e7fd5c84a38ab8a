// pcapng_test.cpp — blocks and packets octet by octet; programs of others read them in the integration test.
#include "mgmt/capture/pcapng.h"

#include <gtest/gtest.h>

#include <cstring>
#include <utility>
#include <vector>

#include "mgmt/capture/base64.h"
#include "mgmt/capture/synthetic_packet.h"

namespace sallyport::mgmt {
namespace {

std::uint32_t word(std::string_view bytes, std::size_t at) {
  std::uint32_t out = 0;
  std::memcpy(&out, bytes.data() + at, sizeof out);
  return out;
}

// Type and body of each block; both lengths are as they must be.
std::vector<std::pair<std::uint32_t, std::string>> blocks(std::string_view file) {
  std::vector<std::pair<std::uint32_t, std::string>> out;
  while (file.size() >= 12) {
    const std::uint32_t length = word(file, 4);
    EXPECT_EQ(length % 4, 0u);
    if (length < 12 || length > file.size()) break;
    EXPECT_EQ(word(file, length - 4), length);
    out.emplace_back(word(file, 0), file.substr(8, length - 12));
    file.remove_prefix(length);
  }
  EXPECT_TRUE(file.empty());
  return out;
}

std::uint32_t sum16(std::string_view bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    sum += static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])) << (i % 2 == 0 ? 8 : 0);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

Endpoint endpoint(const char* address, std::uint16_t port) { return {*IpAddress::parse(address), port}; }

TEST(Pcapng, BeginsWithASectionAndAnInterfaceForEachName) {
  const auto found = blocks(pcapng_begin("sallyport", {"outside", "in"}));
  ASSERT_EQ(found.size(), 3u);
  EXPECT_EQ(found[0].first, 0x0a0d0d0au);
  EXPECT_EQ(word(found[0].second, 0), 0x1a2b3c4du);
  for (std::size_t i : {1, 2}) {
    EXPECT_EQ(found[i].first, 1u);
    EXPECT_EQ(word(found[i].second, 0), 101u);  // raw IP
  }
  EXPECT_NE(found[1].second.find("outside"), std::string::npos);
}

TEST(Pcapng, PacketHasItsTimeInNanosecondsItsOctetsAndItsComment) {
  std::string out;
  append_packet(out, {.interface = 1,
                      .utc_nanoseconds = 1'795'262'410'123'456'789u,
                      .is_inbound = false,
                      .comment = "call 1",
                      .bytes = "12345"});
  const auto found = blocks(out);
  ASSERT_EQ(found.size(), 1u);
  const std::string& body = found[0].second;
  EXPECT_EQ(found[0].first, 6u);
  EXPECT_EQ(word(body, 0), 1u);
  EXPECT_EQ(std::uint64_t{word(body, 4)} << 32 | word(body, 8), 1'795'262'410'123'456'789u);
  EXPECT_EQ(word(body, 12), 5u);
  EXPECT_EQ(word(body, 16), 5u);
  EXPECT_EQ(body.substr(20, 8), std::string("12345\0\0\0", 8));
  EXPECT_EQ(word(body, 28), 6u << 16 | 1u);
  EXPECT_EQ(body.substr(32, 6), "call 1");
}

// RFC 791 §3.1, RFC 768
TEST(SyntheticPacket, ChecksumsOfIpv4AndUdpAreRightForEvenAndOddPayloads) {
  for (const std::string payload : {"", "a", "ab", "abc"}) {
    const std::string packet =
        udp_packet(endpoint("198.18.1.2", 5061), endpoint("198.18.1.1", 5060), payload);
    ASSERT_EQ(packet.size(), 28 + payload.size());
    EXPECT_EQ(sum16(packet.substr(0, 20)), 0xffffu);
    std::string pseudo = packet.substr(12, 8) + std::string("\0\x11", 2) + packet.substr(24, 2);
    EXPECT_EQ(sum16(pseudo + packet.substr(20)), 0xffffu);
    EXPECT_EQ(packet.substr(28), payload);
  }
}

// RFC 8200 §8.1
TEST(SyntheticPacket, Ipv6HasItsUdpChecksum) {
  const std::string packet = udp_packet(endpoint("fd18:1::2", 5061), endpoint("fd18:1::1", 5060), "abc");
  ASSERT_EQ(packet.size(), 51u);
  EXPECT_EQ(packet[0], 0x60);
  EXPECT_EQ(sum16(packet.substr(8, 32) + std::string("\0\x11", 2) + packet.substr(44, 2) + packet.substr(40)),
            0xffffu);
}

TEST(SyntheticPacket, LongestMessageIsCutToWhatAnIpPacketCarries) {
  const std::string packet =
      udp_packet(endpoint("198.18.1.2", 1), endpoint("198.18.1.1", 2), std::string(70'000, 'a'));
  EXPECT_EQ(packet.size(), 65535u);
}

// RFC 4648 §10
TEST(Base64, GoesThereAndBack) {
  for (const auto& [bytes, text] :
       {std::pair{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foobar", "Zm9vYmFy"}}) {
    EXPECT_EQ(to_base64(bytes), text);
    EXPECT_EQ(from_base64(text), bytes);
  }
  EXPECT_FALSE(from_base64("Zg="));
}

}  // namespace
}  // namespace sallyport::mgmt
