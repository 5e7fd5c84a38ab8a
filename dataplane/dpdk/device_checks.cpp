// device_checks.cpp — interfaces, privileges, files and PCI bindings.
#include "dataplane/dpdk/device_checks.h"

#include <fmt/format.h>
#include <linux/capability.h>
#include <net/if.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>

#include "dataplane/dpdk/memif_socket.h"

namespace sallyport::dataplane {
namespace {

using Check = Result<void, StartError>;

bool has_capability(unsigned capability) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with("CapEff:")) continue;
    return (std::strtoull(line.c_str() + 7, nullptr, 16) >> capability & 1U) != 0;
  }
  return false;
}

bool is_folder(const std::string& path) {
  struct stat status{};
  return stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::unexpected<StartError> refuse(const std::string& port, const std::string& what) {
  return fail(StartError{fmt::format("port {}: {}", port, what)});
}

Check check_interface(const std::string& port, const DevicePlan& device) {
  const std::string& name = device.spec.name;
  if (if_nametoindex(name.c_str()) == 0) {
    return refuse(port,
                  fmt::format("there is no interface {} in this network namespace; see `ip link`, or start "
                              "sallyport in the namespace that has it",
                              name));
  }
  if (!has_capability(CAP_NET_RAW) || !has_capability(CAP_NET_ADMIN)) {
    return refuse(port,
                  fmt::format("interface {} can't be opened without CAP_NET_RAW and CAP_NET_ADMIN; start "
                              "sallyport as root or from its service unit",
                              name));
  }
  if (device.spec.kind == DeviceKind::AfXdp && device.mtu > kAfXdpMtuMax) {
    return refuse(port, fmt::format("af_xdp carries an MTU of at most {}, not {}; lower mtu or use af_packet",
                                    kAfXdpMtuMax, device.mtu));
  }
  return {};
}

// A server that was killed leaves its socket file, and then the driver could not bind.
Check clear_memif_socket(const std::string& port, const std::string& path) {
  struct stat status{};
  if (lstat(path.c_str(), &status) != 0) return {};
  if (!S_ISSOCK(status.st_mode))
    return refuse(port, fmt::format("{} exists and is no socket; name another memif socket", path));
  if (look_for_memif_server(path) != MemifServer::Absent) {
    return refuse(
        port,
        fmt::format("another program is the memif server of {}; use role=client or another path", path));
  }
  unlink(path.c_str());
  return {};
}

Check check_memif(const std::string& port, const DeviceSpec& spec) {
  const std::string folder = folder_of(spec.name);
  if (!is_folder(folder))
    return refuse(port,
                  fmt::format("the folder {} of its memif socket does not exist; make it first", folder));
  if (access(folder.c_str(), W_OK) != 0 && spec.memif_server)
    return refuse(port, fmt::format("the folder {} of its memif socket is not writable", folder));
  return spec.memif_server ? clear_memif_socket(port, spec.name) : Check{};
}

Check check_pcap(const std::string& port, const DeviceSpec& spec) {
  if (!spec.pcap_in.empty() && access(spec.pcap_in.c_str(), R_OK) != 0)
    return refuse(port, fmt::format("{} can't be read: {}", spec.pcap_in, std::strerror(errno)));
  if (!spec.pcap_out.empty() && access(folder_of(spec.pcap_out).c_str(), W_OK) != 0) {
    return refuse(port, fmt::format("{} can't be written: {}: {}", spec.pcap_out, folder_of(spec.pcap_out),
                                    std::strerror(errno)));
  }
  return {};
}

Check check_pci(const std::string& port, const std::string& address) {
  const std::string folder = "/sys/bus/pci/devices/" + address;
  if (!is_folder(folder))
    return refuse(port, fmt::format("there is no PCI device {}; see `dpdk-devbind.py --status`", address));
  std::array<char, 256> link{};
  const ssize_t size = readlink((folder + "/driver").c_str(), link.data(), link.size() - 1);
  const std::string_view path(link.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  const std::string_view driver = path.substr(path.rfind('/') + 1);
  for (const std::string_view fit : {"vfio-pci", "uio_pci_generic", "igb_uio", "mlx5_core", "mlx4_core"})
    if (driver == fit) return {};
  return refuse(port, fmt::format("PCI device {0} is bound to {1}; bind it to DPDK first: dpdk-devbind.py -b "
                                  "vfio-pci {0}",
                                  address, driver.empty() ? "no driver" : driver));
}

}  // namespace

// The buffers are shared, and the driver gives AF_XDP whole buffers as frames, of at most a page each.
Check check_buffer_size(const SbcConfig& config, std::span<const DevicePlan> devices) {
  const auto name_of = [&](const DevicePlan& device) {
    return config.ports[to_position(device.ports.front())].name;
  };
  const auto xdp = std::find_if(devices.begin(), devices.end(), [](const DevicePlan& device) {
    return device.spec.kind == DeviceKind::AfXdp;
  });
  if (xdp == devices.end()) return {};
  for (const DevicePlan& device : devices) {
    if (fits_af_xdp_buffers(device)) continue;
    return refuse(
        name_of(device),
        fmt::format("an MTU of {} does not go together with af_xdp on port {}: all ports share "
                    "buffers, which af_xdp limits to a memory page; lower the mtu to {}, or use "
                    "af_packet on port {}",
                    device.mtu, name_of(*xdp), largest_mtu_beside_af_xdp(device.spec.kind), name_of(*xdp)));
  }
  return {};
}

Check check_devices(const SbcConfig& config, std::span<const DevicePlan> devices) {
  for (const DevicePlan& device : devices) {
    const std::string& port = config.ports[to_position(device.ports.front())].name;
    Check check;
    switch (device.spec.kind) {
      case DeviceKind::AfPacket:
      case DeviceKind::AfXdp:
        check = check_interface(port, device);
        break;
      case DeviceKind::Memif:
        check = check_memif(port, device.spec);
        break;
      case DeviceKind::Pcap:
        check = check_pcap(port, device.spec);
        break;
      case DeviceKind::Pci:
        check = check_pci(port, device.spec.name);
        break;
      case DeviceKind::Ring:
      case DeviceKind::Discard:
        break;
    }
    if (!check) return check;
  }
  return check_buffer_size(config, devices);
}

}  // namespace sallyport::dataplane
