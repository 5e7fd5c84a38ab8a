// icmp_test.cpp — which ICMP is Linux's, by type, for every type.
#include "dataplane/packet/icmp.h"

#include <gtest/gtest.h>

#include "tests/support/packet_builder.h"

namespace sallyport::dataplane {
namespace {

using policy::ExceptionKind;

IpHeader header(std::string_view source, std::string_view destination, std::uint8_t hop_limit) {
  IpHeader ip;
  ip.source = test::ip(source);
  ip.destination = test::ip(destination);
  ip.hop_limit = hop_limit;
  return ip;
}

TEST(Icmp, OfIpv4OnlyAnEchoRequestIsAnswered) {
  const IpHeader ip = header("198.18.1.2", "198.18.1.1", 64);
  for (unsigned type = 0; type < 256; ++type) {
    const test::Bytes message{static_cast<std::uint8_t>(type), 0, 0, 0, 0, 0, 0, 0};
    EXPECT_EQ(icmp_kind(ip, message), type == 8 ? ExceptionKind::Echo : ExceptionKind::None) << type;
  }
}

TEST(Icmp, OfIpv6OnlyEchoSolicitationAndAdvertisementAreAnswered) {
  const IpHeader ip = header("fd18:1::2", "fd18:1::1", 255);
  for (unsigned type = 0; type < 256; ++type) {
    test::Bytes message(24);
    message[0] = static_cast<std::uint8_t>(type);
    const ExceptionKind expected = type == 128                  ? ExceptionKind::Echo
                                   : type == 135 || type == 136 ? ExceptionKind::NeighbourDiscovery
                                                                : ExceptionKind::None;
    EXPECT_EQ(icmpv6_kind(ip, message), expected) << type;
  }
}

TEST(Icmp, NoEchoIsAnsweredToAGroup) {
  EXPECT_EQ(icmpv6_kind(header("fd18:1::2", "ff02::1", 64), test::Bytes{128, 0, 0, 0, 0, 0, 0, 0}),
            ExceptionKind::None);
}

// RFC 4861 §7.1.2
TEST(Icmp, ASolicitedAdvertisementIsNotSentToAGroup) {
  test::Bytes message(24);
  message[0] = 136;
  EXPECT_EQ(icmpv6_kind(header("fd18:1::2", "ff02::1", 255), message), ExceptionKind::NeighbourDiscovery);
  message[4] = 0x40;
  EXPECT_EQ(icmpv6_kind(header("fd18:1::2", "ff02::1", 255), message), ExceptionKind::None);
}

}  // namespace
}  // namespace sallyport::dataplane
