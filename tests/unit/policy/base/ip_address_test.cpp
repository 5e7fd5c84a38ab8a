// ip_address_test.cpp — addresses, prefixes and endpoints: text forms and membership.
#include "policy/base/ip_address.h"

#include <gtest/gtest.h>

namespace sallyport {
namespace {

IpAddress ip(std::string_view text) { return IpAddress::parse(text).value(); }
Prefix prefix(std::string_view text) { return parse_prefix(text).value(); }

TEST(IpAddress, WritesWhatItReads) {
  for (const char* text :
       {"0.0.0.0", "198.18.1.1", "255.255.255.255", "::", "::1", "fd18:1::1", "ff02::1:ff00:1"})
    EXPECT_EQ(to_string(ip(text)), text);
}

TEST(IpAddress, RefusesWhatIsNoAddress) {
  using namespace std::string_view_literals;
  for (const std::string_view text : {""sv, "1.2.3"sv, "1.2.3.4.5"sv, "256.1.1.1"sv, "1.2.3.4 "sv, "[::1]"sv,
                                      "fe80::1%eth0"sv, ":::"sv, "1.2.3.4\0"sv, "1::2::3"sv, "12345::"sv})
    EXPECT_FALSE(IpAddress::parse(text)) << text;
}

// RFC 4291 §2.5.5.2
TEST(IpAddress, IsTheSameInItsMappedForm) {
  EXPECT_EQ(ip("::ffff:192.0.2.1"), ip("192.0.2.1"));
  EXPECT_TRUE(ip("::ffff:192.0.2.1").is_v4());
  EXPECT_FALSE(ip("::192.0.2.1").is_v4());
  EXPECT_EQ(IpAddress::v4(0xc0000201).v4_host_order(), 0xc0000201u);
}

TEST(IpAddress, KnowsItsKind) {
  EXPECT_TRUE(ip("0.0.0.0").is_unspecified());
  EXPECT_TRUE(ip("::").is_unspecified());
  EXPECT_FALSE(ip("0.0.0.1").is_unspecified());
  EXPECT_TRUE(ip("127.9.9.9").is_loopback());
  EXPECT_TRUE(ip("::1").is_loopback());
  EXPECT_FALSE(ip("::2").is_loopback());
  EXPECT_TRUE(ip("224.0.0.1").is_multicast());
  EXPECT_TRUE(ip("239.255.255.255").is_multicast());
  EXPECT_FALSE(ip("240.0.0.1").is_multicast());
  EXPECT_TRUE(ip("ff02::1").is_multicast());
  EXPECT_TRUE(ip("fe80::1").is_link_local());
  EXPECT_TRUE(ip("febf::1").is_link_local());
  EXPECT_FALSE(ip("fec0::1").is_link_local());
  EXPECT_TRUE(ip("169.254.1.1").is_link_local());
  EXPECT_TRUE(ip("255.255.255.255").is_limited_broadcast());
}

TEST(Prefix, ContainsItsAddressesAndNoOthers) {
  struct Case {
    const char *prefix, *address;
    bool contains;
  };
  for (const auto& [text, address, contains] : {Case{"198.18.1.0/24", "198.18.1.255", true},
                                                {"198.18.1.77/24", "198.18.1.1", true},
                                                {"198.18.1.0/24", "198.18.2.0", false},
                                                {"198.18.1.1", "198.18.1.1", true},
                                                {"198.18.1.1", "198.18.1.2", false},
                                                {"0.0.0.0/0", "255.0.0.1", true},
                                                {"0.0.0.0/0", "::1", false},
                                                {"::/0", "fd18::1", true},
                                                {"::/0", "198.18.1.1", false},
                                                {"::/1", "198.18.1.1", false},
                                                {"fd18:1::/64", "fd18:1::ffff:1", true},
                                                {"fd18:1::/64", "fd18:1:0:1::1", false},
                                                {"fd18:1::1/127", "fd18:1::", true},
                                                {"10.0.0.0/31", "10.0.0.1", true},
                                                {"10.0.0.0/31", "10.0.0.2", false}})
    EXPECT_EQ(prefix(text).contains(ip(address)), contains) << text << " " << address;
}

TEST(Prefix, CountsTheBitsOfTheFormItIsWrittenIn) {
  EXPECT_EQ(prefix("::ffff:10.0.0.0/104"), prefix("10.0.0.0/8"));
  EXPECT_EQ(prefix("::ffff:10.0.0.1"), prefix("10.0.0.1/32"));
  for (const char* text : {"10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8 ", "/8",
                           "::ffff:10.0.0.0/95", "10.0.0.0/0x8"})
    EXPECT_FALSE(parse_prefix(text)) << text;
}

TEST(Prefix, MasksAtEveryLength) {
  const IpAddress all = ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
  for (unsigned length = 0; length <= 128; ++length) {
    const auto bytes = masked(all, length).bytes();
    for (unsigned bit = 0; bit < 128; ++bit)
      ASSERT_EQ((bytes[bit / 8] >> (7 - bit % 8)) & 1, bit < length ? 1 : 0) << length << " " << bit;
  }
}

TEST(Endpoint, ReadsAndWritesBothFamilies) {
  EXPECT_EQ(to_string(parse_endpoint("198.18.1.1:5060", 0).value()), "198.18.1.1:5060");
  EXPECT_EQ(to_string(parse_endpoint("[fd18:1::1]:5061", 0).value()), "[fd18:1::1]:5061");
  EXPECT_EQ(to_string(parse_endpoint("fd18:1::1", 5060).value()), "[fd18:1::1]:5060");
  EXPECT_EQ(to_string(parse_endpoint("[fd18:1::1]", 5060).value()), "[fd18:1::1]:5060");
  for (const char* text : {"198.18.1.1", "198.18.1.1:", "198.18.1.1:0", "198.18.1.1:65536",
                           "[198.18.1.1]:5060", "[::1", "[::1]5060", ":5060", "198.18.1.1:50 60"})
    EXPECT_FALSE(parse_endpoint(text, 0)) << text;
}

}  // namespace
}  // namespace sallyport
