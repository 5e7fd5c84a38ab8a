// header_template_test.cpp — headers copied from a template are the ones that the header writer makes, and a
// checksum that is moved is the one that a sum over everything gives: RFC 768, RFC 1071, RFC 1624.
#include "dataplane/packet/header_template.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

#include "dataplane/packet/checksum.h"
#include "dataplane/packet/ip_header.h"
#include "dataplane/packet/wire.h"

namespace sallyport::dataplane {
namespace {

using Bytes = std::vector<std::uint8_t>;

struct Packet {
  PacketMeta meta;
  HeaderFields fields;
  Bytes payload;
};

IpAddress any_address(std::mt19937& random, bool is_v4) {
  std::array<std::uint8_t, 16> bytes;
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
  bytes[0] = 0x20;
  return is_v4 ? IpAddress::v4(static_cast<std::uint32_t>(random())) : IpAddress::v6(bytes);
}

Packet any_packet(std::mt19937& random, bool is_v4, bool is_tagged, std::size_t size) {
  Packet packet;
  packet.meta.source = any_address(random, is_v4);
  packet.meta.destination = any_address(random, is_v4);
  packet.meta.source_port = static_cast<std::uint16_t>(random());
  packet.meta.destination_port = static_cast<std::uint16_t>(random());
  packet.fields.destination = {2, 0, 0, 0, 0, 7};
  packet.fields.source = {2, 0, 0, 0, 0, 9};
  packet.fields.dscp = 46;
  if (is_tagged) packet.fields.vlan = 42;
  packet.payload.resize(size);
  for (std::uint8_t& byte : packet.payload) byte = static_cast<std::uint8_t>(random());
  return packet;
}

Bytes written(const Packet& packet) {
  PacketMeta meta = packet.meta;
  const std::size_t size = headers_size(meta, packet.fields.vlan.has_value());
  Bytes frame(size + packet.payload.size());
  std::copy(packet.payload.begin(), packet.payload.end(), frame.begin() + static_cast<std::ptrdiff_t>(size));
  const Octets data{frame.data() + size, packet.payload.size()};
  write_headers({frame.data(), size}, meta, packet.fields, {&data, 1});
  return frame;
}

std::uint16_t raw16(const std::uint8_t* at) {
  std::uint16_t word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

Bytes from_template(const Packet& packet, std::uint16_t checksum) {
  const HeaderTemplate headers(packet.meta, packet.fields);
  Bytes room(HeaderTemplate::kBytesMax + packet.payload.size());
  std::copy(packet.payload.begin(), packet.payload.end(), room.begin() + HeaderTemplate::kBytesMax);
  const std::uint16_t identification = __builtin_bswap16(packet.fields.identification);
  headers.write_before(room.data() + HeaderTemplate::kBytesMax,
                       static_cast<std::uint16_t>(8 + packet.payload.size()), identification, checksum);
  return Bytes(room.begin() + static_cast<std::ptrdiff_t>(HeaderTemplate::kBytesMax - headers.size()),
               room.end());
}

constexpr std::array kBools{false, true};

TEST(HeaderTemplate, WritesWhatTheHeaderWriterWrites) {
  std::mt19937 random(1);
  for (int i = 0; i < 2000; ++i) {
    Packet packet = any_packet(random, i % 2 == 0, i % 3 == 0, random() % 300);
    packet.fields.identification = static_cast<std::uint16_t>(random());
    const HeaderTemplate headers(packet.meta, packet.fields);
    ASSERT_EQ(from_template(packet, whole_checksum(headers.sum(), packet.payload)), written(packet)) << i;
  }
}

TEST(HeaderTemplate, AMovedChecksumIsThatOfTheNewHeaders) {
  std::mt19937 random(2);
  for (const bool from_v4 : kBools)
    for (const bool to_v4 : kBools)
      for (int i = 0; i < 1000; ++i) {
        const Packet came = any_packet(random, from_v4, false, random() % 200);
        Packet leaves = any_packet(random, to_v4, true, 0);
        leaves.payload = came.payload;
        const Bytes frame = written(came);
        const std::uint8_t* const ip = frame.data() + 14;
        const std::uint8_t* const udp = ip + (from_v4 ? kIpv4Bytes : kIpv6Bytes);
        const HeaderTemplate headers(leaves.meta, leaves.fields);
        const std::uint16_t moved = moved_checksum(raw16(udp + 6), flow_sum(ip, udp), headers.sum());
        ASSERT_EQ(from_template(leaves, moved), written(leaves)) << i;
      }
}

// RFC 768: zero means none. A payload is chosen so that the new sum comes to it.
TEST(HeaderTemplate, AChecksumOfZeroIsWrittenAsAllOnes) {
  std::mt19937 random(3);
  Packet packet = any_packet(random, true, false, 2);
  for (std::uint32_t word = 0; word < 0x10000; ++word) {
    store16(packet.payload.data(), word);
    const HeaderTemplate headers(packet.meta, packet.fields);
    ASSERT_NE(whole_checksum(headers.sum(), packet.payload), 0);
  }
  for (std::uint32_t checksum = 1; checksum < 0x10000; ++checksum)
    ASSERT_NE(moved_checksum(static_cast<std::uint16_t>(checksum), 0x1234, 0xabcd), 0);
}

TEST(HeaderTemplate, KnowsAChecksumThatIsHalfDone) {
  std::mt19937 random(4);
  for (const bool is_v4 : kBools) {
    const Packet packet = any_packet(random, is_v4, false, 100);
    const Bytes frame = written(packet);
    InternetSum pseudo;
    pseudo.add_pseudo_header(packet.meta.source, packet.meta.destination, kProtocolUdp, 108);
    const std::uint16_t half = __builtin_bswap16(pseudo.folded());
    EXPECT_TRUE(is_half_done(half, frame.data() + 14, 108));
    EXPECT_FALSE(is_half_done(raw16(frame.data() + 14 + (is_v4 ? 20 : 40) + 6), frame.data() + 14, 108));
  }
}

}  // namespace
}  // namespace sallyport::dataplane
