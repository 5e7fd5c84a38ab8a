// header_writer_test.cpp — written frames are what the builder makes, and what the parser accepts.
#include "dataplane/packet/header_writer.h"

#include <gtest/gtest.h>

#include <array>

#include "dataplane/packet/parse_packet.h"
#include "tests/support/packet_builder.h"

namespace sallyport::dataplane {
namespace {

using namespace test;

Bytes written(std::string_view source, std::string_view destination, const HeaderFields& fields,
              const Bytes& data) {
  PacketMeta meta;
  meta.source = ip(source);
  meta.destination = ip(destination);
  meta.source_port = 5060;
  meta.destination_port = 5060;
  Bytes headers(headers_size(meta, fields.vlan.has_value()));
  const std::size_t cut = data.size() / 3;
  const std::array<Octets, 3> pieces{Octets(data).first(cut), Octets(data).subspan(cut, cut),
                                     Octets(data).subspan(2 * cut)};
  write_headers(headers, meta, fields, pieces);
  EXPECT_EQ(meta.payload_offset, headers.size());
  EXPECT_EQ(meta.payload_length, data.size());
  return joined(headers, data);
}

TEST(HeaderWriter, WritesTheFrameOfADatagramOverIpv4) {
  const Bytes data = bytes_of("SIP/2.0 200 OK");
  EXPECT_EQ(written("198.18.1.2", "198.18.1.1",
                    {.destination = kOurMac, .source = kTheirMac, .identification = 1}, data),
            ethernet(ipv4(udp(data))));
}

TEST(HeaderWriter, WritesTheFrameOfADatagramOverIpv6InAVlan) {
  const Bytes data = bytes_of("SIP/2.0 200 OK");
  EXPECT_EQ(written("fd18:1::2", "fd18:1::1", {.destination = kOurMac, .source = kTheirMac, .vlan = 7}, data),
            ethernet(ipv6(udp(data, {.source = "fd18:1::2", .destination = "fd18:1::1"})), {.vlan = 7}));
}

TEST(HeaderWriter, WritesTheCodePointAndTheFlagAgainstFragmentation) {
  const Bytes v4 = written("198.18.1.2", "198.18.1.1", {.dscp = 24, .dont_fragment = true}, {});
  EXPECT_EQ(v4[15], 24 << 2);
  EXPECT_EQ(v4[20], 0x40);
  const Bytes v6 = written("fd18:1::2", "fd18:1::1", {.dscp = 46}, {});
  EXPECT_EQ(v6[14] << 8 | v6[15], 0x6000 | 46 << 6);
}

TEST(HeaderWriter, IsAcceptedByTheParserForEveryLength) {
  const PortTable ports = ports_of(small_config());
  for (const std::size_t size : {0u, 1u, 2u, 3u, 7u, 64u, 999u, 1472u, 9000u, 65507u}) {
    for (const bool is_v4 : {true, false}) {
      Bytes data(size);
      for (std::size_t i = 0; i < size; ++i) data[i] = static_cast<std::uint8_t>(i * 7 + size);
      const Bytes frame =
          is_v4 ? written("198.18.1.2", "198.18.1.1", {.destination = kOurMac, .source = kTheirMac}, data)
                : written("fd18:1::2", "fd18:1::1", {.destination = kOurMac, .source = kTheirMac}, data);
      PacketMeta meta;
      ASSERT_TRUE(parse_packet({frame, frame.size(), std::nullopt}, ports.device(0), meta)) << size;
      EXPECT_TRUE(check_transport_sum(meta, frame, false, [&](InternetSum& sum) {
        sum.add(std::span(frame).subspan(meta.l4_offset, checksum_length(meta)));
      })) << size;
    }
  }
}

// RFC 768: a sum of 0 is written as all ones.
TEST(HeaderWriter, NeverWritesTheChecksumThatMeansNone) {
  for (unsigned value = 0; value < 65536; ++value) {
    const Bytes data{static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)};
    const Bytes frame = written("198.18.1.2", "198.18.1.1", {}, data);
    ASSERT_NE(frame[40] << 8 | frame[41], 0) << value;
  }
}

}  // namespace
}  // namespace sallyport::dataplane
