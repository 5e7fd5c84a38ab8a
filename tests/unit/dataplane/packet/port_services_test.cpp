// port_services_test.cpp — what each word of linux.services opens, and that nothing else does.
#include "dataplane/packet/port_services.h"

#include <gtest/gtest.h>

#include <array>

namespace sallyport::dataplane {
namespace {

using Kind = LinuxServiceKind;

Endpoint at(const char* text) { return *parse_endpoint(text, 0); }
IpAddress ip(const char* text) { return *IpAddress::parse(text); }

PortServices with(std::vector<LinuxService> services, const DnsConfig& dns = {}) {
  SbcConfig config;
  config.dns = dns;
  PortConfig& port = config.ports.emplace_back();
  port.name = "outside";
  port.services = std::move(services);
  return PortServices(config, port);
}

TEST(PortServices, AreNoneUnlessConfigured) {
  const PortServices none = with({});
  EXPECT_FALSE(none.has_any());
  EXPECT_FALSE(none.takes_udp(53));
  EXPECT_FALSE(none.takes_tcp(179));
  EXPECT_FALSE(none.asks_by_udp(at("192.0.2.1:53")));
  EXPECT_FALSE(none.opens_tcp(at("192.0.2.1:53")));
  EXPECT_FALSE(none.tells_by_udp(3784, 3784));
  EXPECT_FALSE(none.speaks(kProtocolOspf, ip("224.0.0.5")));
  EXPECT_FALSE(none.speaks(kProtocolVrrp, ip("224.0.0.18")));
  EXPECT_TRUE(none.groups().empty());
}

TEST(PortServices, DnsAndNtpAskAndAreNotAsked) {
  const PortServices dns = with({{Kind::Dns}}), ntp = with({{Kind::Ntp}});
  EXPECT_TRUE(dns.asks_by_udp(at("192.0.2.1:53")) && dns.opens_tcp(at("192.0.2.1:53")));
  EXPECT_FALSE(dns.asks_by_udp(at("192.0.2.1:123")) || dns.takes_udp(53) || dns.takes_tcp(53));
  EXPECT_TRUE(ntp.asks_by_udp(at("192.0.2.1:123")));
  EXPECT_FALSE(ntp.asks_by_udp(at("192.0.2.1:53")) || ntp.takes_udp(123) ||
               ntp.opens_tcp(at("192.0.2.1:123")));
}

TEST(PortServices, BgpOpensAndIsOpened) {
  const PortServices bgp = with({{Kind::Bgp}});
  EXPECT_TRUE(bgp.takes_tcp(179) && bgp.opens_tcp(at("192.0.2.1:179")));
  EXPECT_FALSE(bgp.takes_tcp(5060) || bgp.opens_tcp(at("192.0.2.1:5060")) || bgp.takes_udp(179));
}

TEST(PortServices, BfdSpeaksOnItsThreePorts) {
  const PortServices bfd = with({{Kind::Bfd}});
  for (const std::uint16_t port : std::to_array<std::uint16_t>({3784, 3785, 4784})) {
    EXPECT_TRUE(bfd.takes_udp(port));
    EXPECT_TRUE(bfd.tells_by_udp(50000, port));
    EXPECT_FALSE(bfd.tells_by_udp(port, 50000));
  }
  EXPECT_FALSE(bfd.takes_udp(3786));
}

TEST(PortServices, RoutingProtocolsSpeakToTheirGroupsAndToHosts) {
  const PortServices ospf = with({{Kind::Ospf}}), vrrp = with({{Kind::Vrrp}});
  for (const char* group : {"224.0.0.5", "224.0.0.6", "ff02::5", "ff02::6", "198.18.1.2", "fd18:1::2"})
    EXPECT_TRUE(ospf.speaks(kProtocolOspf, ip(group))) << group;
  for (const char* group : {"224.0.0.1", "224.0.0.18", "ff02::1", "ff05::5", "239.0.0.5"})
    EXPECT_FALSE(ospf.speaks(kProtocolOspf, ip(group))) << group;
  for (const char* group : {"224.0.0.18", "ff02::12"}) EXPECT_TRUE(vrrp.speaks(kProtocolVrrp, ip(group)));
  for (const char* group : {"224.0.0.5", "ff02::18"}) EXPECT_FALSE(vrrp.speaks(kProtocolVrrp, ip(group)));
  EXPECT_FALSE(vrrp.speaks(kProtocolOspf, ip("224.0.0.18")));
  EXPECT_FALSE(ospf.speaks(47, ip("198.18.1.2")));
  EXPECT_EQ(ospf.groups().size(), 4u);
  EXPECT_EQ(vrrp.groups().size(), 2u);
  EXPECT_TRUE(vrrp.has_vrrp());
}

TEST(PortServices, AUdpPortIsAskedAndAnswers) {
  const PortServices snmp = with({{Kind::Udp, 161}});
  EXPECT_TRUE(snmp.takes_udp(161) && snmp.tells_by_udp(161, 40000));
  EXPECT_FALSE(snmp.takes_udp(162) || snmp.tells_by_udp(40000, 161) || snmp.asks_by_udp(at("192.0.2.1:161")));
}

TEST(PortServices, SallyportsOwnNameServersAreAskedWhereItsNamesAreLookedUp) {
  const PortServices via = with({}, {.servers = {at("192.0.2.1:5353")}, .via = "outside"});
  EXPECT_TRUE(via.asks_by_udp(at("192.0.2.1:5353")) && via.opens_tcp(at("192.0.2.1:5353")));
  EXPECT_FALSE(via.asks_by_udp(at("192.0.2.2:53")));
  EXPECT_TRUE(with({}, {.servers = {}, .via = "outside"}).asks_by_udp(at("192.0.2.2:53")))
      << "those of the system";
  EXPECT_FALSE(with({}, {.servers = {at("192.0.2.1:53")}, .via = "inside"}).has_any());
}

TEST(PortServices, PortsOfSipAndMediaAreNotForLinux) {
  SbcConfig config;
  config.ports.resize(2);
  config.ports[0].name = "outside";
  config.ports[1].name = "inside";
  RealmConfig& realm = config.realms.emplace_back();
  realm.port = "outside";
  realm.listen.resize(2);
  realm.listen[1].port = 5070;
  realm.media.ports = {30000, 39999};
  EXPECT_EQ(ports_not_for_linux(config, config.ports[0]), "5060,5070,30000-39999");
  EXPECT_EQ(ports_not_for_linux(config, config.ports[1]), "");
}

}  // namespace
}  // namespace sallyport::dataplane
