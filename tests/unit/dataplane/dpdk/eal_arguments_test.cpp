// eal_arguments_test.cpp — the command line for EAL, device kind by device kind.
#include "dataplane/dpdk/eal_arguments.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace sallyport::dataplane {
namespace {

DeviceSpec spec(DeviceKind kind, std::string name = "") {
  DeviceSpec made;
  made.kind = kind;
  made.text = made.name = std::move(name);
  return made;
}

PortConfig port(std::string name, DeviceSpec device, std::uint16_t mtu = 1500) {
  PortConfig made;
  made.name = std::move(name);
  made.device = std::move(device);
  made.mtu = mtu;
  return made;
}

EalSurroundings surroundings() { return {.prefix = "sallyport-7", .cpus = {0, 1}, .hugepage_bytes_free = 0}; }

Result<EalArguments, StartError> arguments_of(const SbcConfig& config,
                                              const EalSurroundings& around = surroundings()) {
  const auto devices = plan_devices(config);
  return eal_arguments(config, devices, plan_memory(devices, {}), around);
}

// EAL's words, then what each device's driver is told.
std::vector<std::string> words_of(std::vector<PortConfig> ports) {
  SbcConfig config;
  config.ports = std::move(ports);
  auto arguments = arguments_of(config);
  if (!arguments) return {arguments.error().message};
  arguments->words.insert(arguments->words.end(), arguments->devices.begin(), arguments->devices.end());
  return arguments->words;
}

bool has(const std::vector<std::string>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

TEST(EalArguments, CutAfPacketRingsByTheMtu) {
  EXPECT_TRUE(has(words_of({port("outside", spec(DeviceKind::AfPacket, "s-out"))}),
                  "iface=s-out,qpairs=1,blocksz=4096,framesz=2048,framecnt=1024,"
                  "qdisc_bypass=1"));
  EXPECT_TRUE(has(words_of({port("outside", spec(DeviceKind::AfPacket, "s-out"), 9000)}),
                  "iface=s-out,qpairs=1,blocksz=16384,framesz=16384,framecnt=1024,"
                  "qdisc_bypass=1"));
}

TEST(EalArguments, NumberDevicesOfAKind) {
  const auto words = words_of(
      {port("outside", spec(DeviceKind::AfXdp, "s-out")), port("inside", spec(DeviceKind::AfXdp, "s-in"))});
  EXPECT_TRUE(has(words, "iface=s-out,start_queue=0,queue_count=1,busy_budget=0"));
  EXPECT_TRUE(has(words, "iface=s-in,start_queue=0,queue_count=1,busy_budget=0"));
  SbcConfig config;
  config.ports = {port("a", spec(DeviceKind::AfXdp, "a")), port("b", spec(DeviceKind::AfPacket, "b")),
                  port("c", spec(DeviceKind::AfXdp, "c"))};
  const auto devices = plan_devices(config);
  EXPECT_EQ(devices[0].eal_name, "net_af_xdp0");
  EXPECT_EQ(devices[1].eal_name, "net_af_packet0");
  EXPECT_EQ(devices[2].eal_name, "net_af_xdp1");
}

TEST(EalArguments, NamePciDevicesAndOnlyThenLookAtTheBus) {
  const auto words = words_of({port("outside", spec(DeviceKind::Pci, "0000:3b:00.0"))});
  const auto allow = std::find(words.begin(), words.end(), "-a");
  ASSERT_NE(allow, words.end());
  EXPECT_EQ(*(allow + 1), "0000:3b:00.0");
  EXPECT_FALSE(has(words, "--no-pci"));
  EXPECT_TRUE(has(words_of({port("outside", spec(DeviceKind::Discard))}), "--no-pci"));
}

TEST(EalArguments, GiveMemifItsRole) {
  DeviceSpec server = spec(DeviceKind::Memif, "/run/sallyport/a.sock");
  server.memif_server = true;
  server.memif_id = 3;
  EXPECT_TRUE(has(words_of({port("outside", server)}),
                  "role=server,id=3,socket=/run/sallyport/a.sock,socket-abstract=no,"
                  "bsize=2048,rsize=10"));
  server.memif_server = false;
  EXPECT_TRUE(has(words_of({port("outside", server)}),
                  "role=client,id=3,socket=/run/sallyport/a.sock,socket-abstract=no,"
                  "bsize=2048,rsize=10"));
}

TEST(EalArguments, GivePcapOnlyTheFilesThatWereNamed) {
  DeviceSpec pcap = spec(DeviceKind::Pcap);
  pcap.pcap_in = "in.pcap";
  EXPECT_TRUE(has(words_of({port("outside", pcap)}), "rx_pcap=in.pcap"));
  pcap.pcap_out = "out.pcap";
  EXPECT_TRUE(has(words_of({port("outside", pcap)}), "rx_pcap=in.pcap,tx_pcap=out.pcap"));
}

TEST(EalArguments, MakeDiscardNeverReceive) {
  EXPECT_TRUE(has(words_of({port("outside", spec(DeviceKind::Discard))}), "no-rx=1"));
}

TEST(EalArguments, LeaveRingsToBeMadeAfterwards) {
  SbcConfig config;
  config.ports = {port("outside", spec(DeviceKind::Ring, "lab"))};
  EXPECT_EQ(arguments_of(config)->devices, std::vector<std::string>{""});
}

TEST(EalArguments, ShareADeviceBetweenVlans) {
  SbcConfig config;
  config.ports = {port("one", spec(DeviceKind::AfPacket, "s-out")),
                  port("two", spec(DeviceKind::AfPacket, "s-out"), 9000)};
  const auto devices = plan_devices(config);
  ASSERT_EQ(devices.size(), 1U);
  EXPECT_EQ(devices[0].ports.size(), 2U);
  EXPECT_EQ(devices[0].mtu, 9000);
  EXPECT_EQ(devices[0].eal_name, "net_af_packet0");
  config.ports = {port("one", spec(DeviceKind::Discard)), port("two", spec(DeviceKind::Discard))};
  EXPECT_EQ(plan_devices(config).size(), 2U);
}

TEST(EalArguments, UseHugepagesOnlyWhenEnoughAreFree) {
  SbcConfig config;
  config.ports = {port("outside", spec(DeviceKind::Discard))};
  EalSurroundings around = surroundings();
  EXPECT_TRUE(has(arguments_of(config, around)->words, "--no-huge"));
  around.hugepage_bytes_free = std::uint64_t{4} << 30;
  const auto with = arguments_of(config, around);
  EXPECT_FALSE(has(with->words, "--no-huge"));
  EXPECT_TRUE(with->hugepages);
  config.dataplane.hugepages = HugepageMode::Never;
  EXPECT_TRUE(has(arguments_of(config, around)->words, "--no-huge"));
}

TEST(EalArguments, HaveAPrefixAndFloatOverTheCpus) {
  const auto words = words_of({port("outside", spec(DeviceKind::Discard))});
  EXPECT_TRUE(has(words, "--file-prefix=sallyport-7"));
  EXPECT_TRUE(has(words, "--lcores=0@(0,1)"));
}

// EAL splits its words at commas and equals signs: a name with one would set further options.
TEST(EalArguments, RefuseNamesThatEalWouldReadAsOptions) {
  for (const DeviceSpec& bad :
       {spec(DeviceKind::AfPacket, "s-out,qpairs=9"), spec(DeviceKind::AfXdp, "a-name-of-16-chr"),
        spec(DeviceKind::AfPacket, ""), spec(DeviceKind::Pci, "3b:00.0"),
        spec(DeviceKind::Pci, "0000:3b:00.0,x"), spec(DeviceKind::Memif, "/run/a,b"),
        spec(DeviceKind::Ring, "a ring"), spec(DeviceKind::Pcap)}) {
    SbcConfig config;
    config.ports = {port("outside", bad)};
    const auto arguments = arguments_of(config);
    ASSERT_FALSE(arguments) << bad.text;
    EXPECT_TRUE(arguments.error().message.starts_with("port outside: ")) << arguments.error().message;
  }
}

TEST(MemoryPlan, HoldsTheLargestFrameInOneBuffer) {
  SbcConfig config;
  config.ports = {port("outside", spec(DeviceKind::AfPacket, "s-out"), 9000)};
  EXPECT_GE(plan_memory(plan_devices(config), {}).data_room, 16384U + 128U);
  config.ports = {port("outside", spec(DeviceKind::Discard), 9000)};
  EXPECT_GE(plan_memory(plan_devices(config), {}).data_room, 9022U + 128U);
}

TEST(ThreadPlan, IsOneLcoreAndOneShardOnTwoCpus) {
  const ThreadPlan plan = plan_threads({}, 2);
  EXPECT_EQ(plan.lcores, 1U);
  EXPECT_EQ(plan.shards, 1U);
  EXPECT_TRUE(plan.cpus.empty());
}

TEST(ThreadPlan, HasOneLcoreForEachNamedCpu) {
  DataplaneConfig config;
  config.lcore_cpus = {2, 3};
  config.signalling_threads = 3;
  const ThreadPlan plan = plan_threads(config, 8);
  EXPECT_EQ(plan.lcores, 2U);
  EXPECT_EQ(plan.shards, 3U);
  EXPECT_EQ(plan.cpus, (std::vector<std::uint32_t>{2, 3}));
}

}  // namespace
}  // namespace sallyport::dataplane
