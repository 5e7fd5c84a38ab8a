// port_table_test.cpp — ports by device and VLAN, and the addresses that are theirs.
#include "dataplane/packet/port_table.h"

#include <gtest/gtest.h>

#include "tests/support/packet_builder.h"

namespace sallyport::dataplane {
namespace {

using Kind = PortAddress::Kind;
using test::ip;

TEST(PortTable, PutsPortsOfOneDeviceTogether) {
  SbcConfig config = test::small_config();
  config.ports.resize(4);
  config.ports[2].device.kind = config.ports[3].device.kind = DeviceKind::Discard;
  const PortTable ports = test::ports_of(config);
  EXPECT_EQ(ports.device_count(), 3u);
  EXPECT_EQ(ports.device_of(PortIndex{0}), 0);
  EXPECT_EQ(ports.device_of(PortIndex{1}), 0);
  EXPECT_EQ(ports.device_of(PortIndex{2}), 1);
  EXPECT_EQ(ports.device_of(PortIndex{3}), 2) << "each discard is a device of its own";
  EXPECT_EQ(ports.device(0).find(0)->port, PortIndex{0});
  EXPECT_EQ(ports.device(0).find(7)->port, PortIndex{1});
  EXPECT_EQ(ports.device(0).find(8), nullptr);
  EXPECT_EQ(ports.device(0).first_port(), PortIndex{0});
  EXPECT_EQ(ports.network(PortIndex{1}).port, PortIndex{1});
}

TEST(PortTable, KnowsWhatAnAddressIsToAPort) {
  const PortTable ports = test::ports_of(test::small_config());
  const auto& addresses = ports.network(PortIndex{0}).addresses;
  EXPECT_EQ(addresses.find(ip("198.18.1.1")).kind, Kind::Own);
  EXPECT_EQ(addresses.find(ip("fd18:1::1")).kind, Kind::Own);
  EXPECT_EQ(addresses.find(ip("fe80::ff:fe00:1")).kind, Kind::Own) << "RFC 4291 App. A";
  EXPECT_EQ(addresses.find(ip("ff02::1:ff00:1")).kind, Kind::OwnGroup);
  EXPECT_EQ(addresses.find(ip("ff02::1")).kind, Kind::OwnGroup);
  EXPECT_EQ(addresses.find(ip("ff02::2")).kind, Kind::Other) << "Sallyport is no router";
  EXPECT_EQ(addresses.find(ip("198.18.1.255")).kind, Kind::Broadcast);
  EXPECT_EQ(addresses.find(ip("198.18.1.0")).kind, Kind::Broadcast);
  EXPECT_EQ(addresses.find(ip("198.18.1.254")).kind, Kind::Neighbour);
  EXPECT_EQ(addresses.find(ip("198.18.1.2")).kind, Kind::Neighbour);
  EXPECT_EQ(addresses.find(ip("198.18.7.1")).kind, Kind::Other);
}

TEST(PortTable, NumbersOwnAddressesThroughAllPorts) {
  const PortTable ports = test::ports_of(test::small_config());
  EXPECT_EQ(ports.own_address(PortIndex{0}, ip("198.18.1.1")), 0);
  EXPECT_EQ(ports.own_address(PortIndex{0}, ip("fd18:1::1")), 1);
  EXPECT_EQ(ports.own_address(PortIndex{1}, ip("198.18.7.1")), 3);
  EXPECT_EQ(ports.own_address_count(), 5u);
  EXPECT_EQ(ports.own_address(PortIndex{0}, ip("198.18.7.1")), kNoLocalAddress);
}

// RFC 3021: both addresses of a /31 are hosts.
TEST(PortTable, TakesNoHostOfAPointToPointLinkForABroadcast) {
  SbcConfig config = test::small_config();
  config.ports[0].addresses = {*parse_prefix("198.18.1.1/31")};
  config.peers.clear();
  const PortTable ports = test::ports_of(config);
  EXPECT_EQ(ports.network(PortIndex{0}).addresses.find(ip("198.18.1.0")).kind, Kind::Other);
}

TEST(PortTable, CompletesChecksumsAsTheConfigurationOrTheDeviceSays) {
  SbcConfig config = test::small_config();
  config.ports.resize(1);
  const auto completes = [&] { return test::ports_of(config).device(0).completes_checksums(PortIndex{0}); };
  EXPECT_TRUE(completes()) << "af_packet, auto";
  config.ports[0].device.kind = DeviceKind::Pci;
  EXPECT_FALSE(completes()) << "pci, auto";
  config.ports[0].checksums = ChecksumMode::Complete;
  EXPECT_TRUE(completes());
  config.ports[0].checksums = ChecksumMode::Verify;
  config.ports[0].device.kind = DeviceKind::Memif;
  EXPECT_FALSE(completes());
}

// RFC 2464 §7
TEST(GroupMac, IsMadeOfTheGroupsLastOctets) {
  EXPECT_EQ(group_mac(ip("ff02::1:ff12:3456")), (MacAddress{0x33, 0x33, 0xff, 0x12, 0x34, 0x56}));
}

}  // namespace
}  // namespace sallyport::dataplane
