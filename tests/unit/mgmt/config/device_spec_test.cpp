// device_spec_test.cpp — every form of `device:`, and what is near to one.
#include <gmock/gmock.h>

#include "mgmt/config/option_value.h"

namespace sallyport::mgmt {
namespace {

TEST(DeviceSpec, TakesAPciAddress) {
  const auto device = parse_device("pci:0000:3b:00.0");
  ASSERT_TRUE(device);
  EXPECT_EQ(device->kind, DeviceKind::Pci);
  EXPECT_EQ(device->name, "0000:3b:00.0");
  EXPECT_EQ(device->text, "pci:0000:3b:00.0");
  EXPECT_EQ(parse_device("pci:3b:00.1")->name, "0000:3b:00.1");
}

TEST(DeviceSpec, TakesLinuxInterfaces) {
  EXPECT_EQ(parse_device("af_xdp:eth1")->kind, DeviceKind::AfXdp);
  const auto device = parse_device("af_packet:s-out");
  ASSERT_TRUE(device);
  EXPECT_EQ(device->kind, DeviceKind::AfPacket);
  EXPECT_EQ(device->name, "s-out");
  EXPECT_TRUE(parse_device("af_packet:fifteen-letters"));
}

TEST(DeviceSpec, TakesMemifWithItsRoleAndId) {
  const auto device = parse_device("memif:/run/a.sock,role=server,id=7");
  ASSERT_TRUE(device);
  EXPECT_EQ(device->kind, DeviceKind::Memif);
  EXPECT_EQ(device->name, "/run/a.sock");
  EXPECT_TRUE(device->memif_server);
  EXPECT_EQ(device->memif_id, 7u);
  EXPECT_FALSE(parse_device("memif:/run/a.sock,role=client")->memif_server);
  EXPECT_FALSE(parse_device("memif:/run/a.sock")->memif_server);
}

TEST(DeviceSpec, TakesPcapWithEitherFileLeftOut) {
  const auto device = parse_device("pcap:in=a.pcap,out=b.pcap");
  ASSERT_TRUE(device);
  EXPECT_EQ(device->pcap_in, "a.pcap");
  EXPECT_EQ(device->pcap_out, "b.pcap");
  EXPECT_EQ(parse_device("pcap:out=b.pcap")->pcap_in, "");
}

TEST(DeviceSpec, TakesRingAndDiscard) {
  EXPECT_EQ(parse_device("ring:r0")->kind, DeviceKind::Ring);
  EXPECT_EQ(parse_device("ring:r0")->name, "r0");
  EXPECT_EQ(parse_device("discard")->kind, DeviceKind::Discard);
}

class NoDevice : public testing::TestWithParam<const char*> {};

TEST_P(NoDevice, IsRefused) { EXPECT_FALSE(parse_device(GetParam())) << GetParam(); }

INSTANTIATE_TEST_SUITE_P(Forms, NoDevice,
                         testing::Values("", "eth0", "pci:", "pci:0000:3b:00", "pci:0000:3b:00.8",
                                         "pci:000g:3b:00.0", "af_packet:", "af_packet:a b", "af_packet:a/b",
                                         "af_packet:..", "af_packet:sixteen-letters1", "af_xdp:a,b=c",
                                         "memif:run/a", "memif:/a,role=boss", "memif:/a,id=x",
                                         "memif:/a,id=1,id=2", "memif:/a,colour=red", "memif:/a,role",
                                         "pcap:", "pcap:a.pcap", "pcap:in=,out=", "pcap:in=a,in=b",
                                         "pcap:through=a", "ring:", "ring:a:b", "discard:", "discard:x",
                                         "tap:x"));

}  // namespace
}  // namespace sallyport::mgmt
