// device_checks_test.cpp — devices that can't be had are refused with the port's name and the way out.
#include "dataplane/dpdk/device_checks.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "dataplane/dpdk/memif_socket.h"

namespace sallyport::dataplane {
namespace {

SbcConfig with_device(DeviceKind kind, const std::string& name, std::uint16_t mtu = 1500) {
  SbcConfig config;
  PortConfig& port = config.ports.emplace_back();
  port.name = "outside";
  port.device.kind = kind;
  port.device.name = name;
  port.mtu = mtu;
  return config;
}

// Empty: no complaint.
std::string complaint(const SbcConfig& config) {
  const auto checked = check_devices(config, plan_devices(config));
  return checked ? "" : checked.error().message;
}

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string form = std::filesystem::temp_directory_path() / ("device-checks-" + std::string(6, 'X'));
    path_ = mkdtemp(form.data());
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  [[nodiscard]] std::string file(const char* name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

int bound_socket(const std::string& path) {
  const int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
  EXPECT_EQ(bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(listen(fd, 1), 0);
  return fd;
}

TEST(DeviceChecks, NameTheMissingInterface) {
  const std::string text = complaint(with_device(DeviceKind::AfPacket, "no-such-if0"));
  EXPECT_TRUE(text.starts_with("port outside: there is no interface no-such-if0")) << text;
}

TEST(DeviceChecks, NameTheMissingPciDevice) {
  const std::string text = complaint(with_device(DeviceKind::Pci, "ffff:ff:1f.7"));
  EXPECT_TRUE(text.starts_with("port outside: there is no PCI device ffff:ff:1f.7")) << text;
}

TEST(DeviceChecks, NameTheMissingFolderOfAMemifSocket) {
  const std::string text = complaint(with_device(DeviceKind::Memif, "/no/such/folder/a.sock"));
  EXPECT_TRUE(text.starts_with("port outside: the folder /no/such/folder ")) << text;
}

TEST(DeviceChecks, NameTheUnreadablePcapFile) {
  SbcConfig config = with_device(DeviceKind::Pcap, "");
  config.ports[0].device.pcap_in = "/no/such/file.pcap";
  EXPECT_TRUE(complaint(config).starts_with("port outside: /no/such/file.pcap can't be read"));
}

TEST(DeviceChecks, RemoveTheSocketFileOfAKilledMemifServer) {
  const TemporaryFolder folder;
  SbcConfig config = with_device(DeviceKind::Memif, folder.file("m.sock"));
  config.ports[0].device.memif_server = true;
  close(bound_socket(folder.file("m.sock")));
  ASSERT_TRUE(std::filesystem::exists(folder.file("m.sock")));
  EXPECT_EQ(complaint(config), "");
  EXPECT_FALSE(std::filesystem::exists(folder.file("m.sock")));
}

TEST(DeviceChecks, LeaveALivingMemifServerAlone) {
  const TemporaryFolder folder;
  SbcConfig config = with_device(DeviceKind::Memif, folder.file("m.sock"));
  config.ports[0].device.memif_server = true;
  const int server = bound_socket(folder.file("m.sock"));
  EXPECT_TRUE(complaint(config).starts_with("port outside: another program is the memif server"));
  EXPECT_TRUE(std::filesystem::exists(folder.file("m.sock")));
  close(server);
}

TEST(DeviceChecks, NeverRemoveAFileThatIsNoSocket) {
  const TemporaryFolder folder;
  SbcConfig config = with_device(DeviceKind::Memif, folder.file("precious"));
  config.ports[0].device.memif_server = true;
  std::ofstream(folder.file("precious")) << "text";
  EXPECT_TRUE(complaint(config).find("is no socket") != std::string::npos);
  EXPECT_TRUE(std::filesystem::exists(folder.file("precious")));
}

// Port `outside` on af_xdp, port `inside` as told. Empty: no complaint.
std::string complaint_beside_af_xdp(DeviceKind kind, std::uint16_t mtu) {
  SbcConfig config = with_device(DeviceKind::AfXdp, "s-out");
  config.ports.push_back(with_device(kind, "s-in", mtu).ports[0]);
  config.ports[1].name = "inside";
  const auto checked = check_buffer_size(config, plan_devices(config));
  return checked ? "" : checked.error().message;
}

TEST(DeviceChecks, RefuseAJumboPortBesideAfXdp) {
  const std::string text = complaint_beside_af_xdp(DeviceKind::AfPacket, 9000);
  EXPECT_TRUE(
      text.starts_with("port inside: an MTU of 9000 does not go together with af_xdp on port outside"))
      << text;
  EXPECT_TRUE(complaint_beside_af_xdp(DeviceKind::Memif, 9000).starts_with("port inside: an MTU of 9000"));
}

TEST(DeviceChecks, AllowBesideAfXdpWhatTheRefusalAdvises) {
  for (const DeviceKind kind : {DeviceKind::AfPacket, DeviceKind::Memif, DeviceKind::AfXdp}) {
    EXPECT_EQ(complaint_beside_af_xdp(kind, 1500), "");
    EXPECT_EQ(complaint_beside_af_xdp(kind, largest_mtu_beside_af_xdp(kind)), "");
  }
  EXPECT_NE(
      complaint_beside_af_xdp(DeviceKind::AfPacket, largest_mtu_beside_af_xdp(DeviceKind::AfPacket) + 1), "");
}

TEST(DeviceChecks, TellAJumboPortWithoutAfXdpNothing) {
  const SbcConfig config = with_device(DeviceKind::AfPacket, "s-out", 9000);
  EXPECT_TRUE(check_buffer_size(config, plan_devices(config)));
}

TEST(MemifSocket, TellsALivingServerFromADeadAndFromABusyOne) {
  const TemporaryFolder folder;
  const std::string path = folder.file("m.sock");
  EXPECT_EQ(look_for_memif_server(path), MemifServer::Absent) << "no file";
  const int server = bound_socket(path);
  EXPECT_EQ(look_for_memif_server(path), MemifServer::Present);
  int asked = 1;
  while (asked < 10 && look_for_memif_server(path) == MemifServer::Present) ++asked;
  EXPECT_EQ(look_for_memif_server(path), MemifServer::Busy) << "nobody accepts";
  close(server);
  EXPECT_EQ(look_for_memif_server(path), MemifServer::Absent) << "a file that was left behind";
}

}  // namespace
}  // namespace sallyport::dataplane
