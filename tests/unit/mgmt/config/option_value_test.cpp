// option_value_test.cpp — values with units, at their edges.
#include "mgmt/config/option_value.h"

#include <gmock/gmock.h>

namespace sallyport::mgmt {
namespace {

TEST(OptionValue, ReadsTimes) {
  EXPECT_EQ(parse_duration("500ms"), Duration(500ms));
  EXPECT_EQ(parse_duration("2s"), Duration(2s));
  EXPECT_EQ(parse_duration("30m"), Duration(30min));
  EXPECT_EQ(parse_duration("1h"), Duration(1h));
  EXPECT_EQ(parse_duration("21d"), Duration(24h * 21));
  for (const char* text : {"", "5", "s", "-5s", "5 s", "1.5s", "5S", "5sec", "0x5s", "99999999999999999999s",
                           "9223372036854775807d"})
    EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(OptionValue, ReadsRates) {
  EXPECT_EQ(parse_rate("200/s"), (Rate{200, 1s}));
  EXPECT_EQ(parse_rate("30/m"), (Rate{30, 1min}));
  EXPECT_EQ(parse_rate("10/h"), (Rate{10, 1h}));
  for (const char* text : {"", "200", "/s", "200/", "200/d", "200/ss", "-1/s", "200s", "1000000001/s"})
    EXPECT_FALSE(parse_rate(text)) << text;
}

TEST(OptionValue, ReadsSizesBitRatesAndShares) {
  EXPECT_EQ(parse_byte_count("64KB")->bytes, 64'000u);
  EXPECT_EQ(parse_byte_count("100MB")->bytes, 100'000'000u);
  EXPECT_FALSE(parse_byte_count("64kb"));
  EXPECT_FALSE(parse_byte_count("99999999999TB"));
  EXPECT_EQ(parse_bit_rate("1Gbit")->bits_per_second, 1'000'000'000u);
  EXPECT_EQ(parse_bit_rate("64kbit")->bits_per_second, 64'000u);
  EXPECT_FALSE(parse_bit_rate("1GB"));
  EXPECT_EQ(parse_percent("150%"), 150u);
  EXPECT_FALSE(parse_percent("150"));
  EXPECT_FALSE(parse_percent("%"));
}

TEST(OptionValue, ReadsDscpByNameAndNumber) {
  EXPECT_EQ(parse_dscp("EF")->value, 46);
  EXPECT_EQ(parse_dscp("BE")->value, 0);
  EXPECT_EQ(parse_dscp("VA")->value, 44);
  EXPECT_EQ(parse_dscp("CS3")->value, 24);
  EXPECT_EQ(parse_dscp("CS7")->value, 56);
  EXPECT_EQ(parse_dscp("AF41")->value, 34);
  EXPECT_EQ(parse_dscp("AF13")->value, 14);
  EXPECT_EQ(parse_dscp("63")->value, 63);
  for (const char* text : {"", "64", "CS8", "CS", "CSx", "AF51", "AF40", "AF14", "AF01", "AFxy", "ef"})
    EXPECT_FALSE(parse_dscp(text)) << text;
}

TEST(OptionValue, ReadsNetworksAndNamesTheNetworkThatWasMeant) {
  EXPECT_EQ(to_string(*parse_network("192.0.2.0/24")), "192.0.2.0/24");
  EXPECT_EQ(to_string(*parse_network("192.0.2.7")), "192.0.2.7/32");
  EXPECT_EQ(to_string(*parse_network("2001:db8::/32")), "2001:db8::/32");
  EXPECT_EQ(parse_network("2001:db8::1/32").error().instead, "write 2001:db8::/32");
  EXPECT_FALSE(parse_network("192.0.2.0/33"));
}

TEST(OptionValue, ReadsTheAddressesOfAPort) {
  EXPECT_EQ(to_string(*parse_interface_address("198.18.1.1/24")), "198.18.1.1/24");
  for (const char* text :
       {"198.18.1.1", "224.0.0.1/24", "0.0.0.0/0", "127.0.0.1/8", "::/0", "255.255.255.255/32"})
    EXPECT_FALSE(parse_interface_address(text)) << text;
}

TEST(OptionValue, ReadsPortRanges) {
  EXPECT_EQ(parse_port_range("20000-29999"), (PortRange{20000, 29999}));
  for (const char* text :
       {"", "20000", "20000-", "-20000", "1000-2000", "20000-65536", "3000-2000", "3000-3000"})
    EXPECT_FALSE(parse_port_range(text)) << text;
}

TEST(OptionValue, TellsAThreadCountFromCpuIds) {
  EXPECT_EQ(parse_lcores("2", false)->count, 2u);
  EXPECT_TRUE(parse_lcores("2", false)->cpus.empty());
  EXPECT_EQ(parse_lcores("2", true)->cpus, (std::vector<std::uint32_t>{2}));
  EXPECT_EQ(parse_lcores("2-3", true)->cpus, (std::vector<std::uint32_t>{2, 3}));
  EXPECT_EQ(parse_lcores("7,0,2-3", true)->cpus, (std::vector<std::uint32_t>{0, 2, 3, 7}));
  for (const char* text : {"", "a", "3-2", "1,1", "1-3,2", "0-99999999999"})
    EXPECT_FALSE(parse_lcores(text, true)) << text;
  EXPECT_FALSE(parse_lcores("0", false));
}

TEST(OptionValue, ReadsDomains) {
  EXPECT_EQ(parse_domain("sip.example.net")->domain, "sip.example.net");
  EXPECT_EQ(parse_domain("sip.example.net")->domain_port, 0);
  EXPECT_EQ(parse_domain("sip.example.net:5070")->domain_port, 5070);
  for (const char* text :
       {"", ".", "a..b", "-a", "a-", "a b", "192.0.2.1", "a:0", "a:65536", "a:", "2001:db8::1"})
    EXPECT_FALSE(parse_domain(text)) << text;
}

TEST(OptionValue, ReadsLinuxServices) {
  EXPECT_EQ(parse_linux_service("bgp")->kind, LinuxServiceKind::Bgp);
  EXPECT_EQ(parse_linux_service("udp:161")->udp_port, 161);
  for (const char* text : {"", "ssh", "udp", "udp:", "udp:0", "udp:65536"})
    EXPECT_FALSE(parse_linux_service(text)) << text;
}

}  // namespace
}  // namespace sallyport::mgmt
