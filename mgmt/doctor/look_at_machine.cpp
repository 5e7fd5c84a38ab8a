// look_at_machine.cpp — see look_at_machine.h. Linux: proc(5), sysfs(5), capabilities(7), adjtimex(2).
#include "mgmt/doctor/look_at_machine.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <openssl/asn1.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <thread>

#include "mgmt/config/regular_file.h"
#include "mgmt/state/descriptor.h"

namespace sallyport::mgmt {
namespace {

namespace fs = std::filesystem;

constexpr int kCapNetAdmin = 12, kCapNetRaw = 13, kCapSysAdmin = 21;  // linux/capability.h

// The first line; empty when the file can't be read.
[[nodiscard]] std::string first_line(const fs::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// Of "Name:   123 kB" in a file such as /proc/meminfo; 0: it is not there.
[[nodiscard]] std::uint64_t value_of(const fs::path& path, const std::string& name, int base = 10) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(name + ":")) return std::strtoull(line.c_str() + name.size() + 1, nullptr, base);
  return 0;
}

// Empty: there is none.
[[nodiscard]] std::string driver_of(const fs::path& device) {
  std::error_code none;
  return fs::read_symlink(device / "driver", none).filename().string();
}

// Those that are good beyond its own wire: a link-local one comes by itself.
[[nodiscard]] std::vector<std::string> addresses_of(const std::string& interface) {
  std::vector<std::string> out;
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return out;
  for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr || interface != one->ifa_name) continue;
    char text[INET6_ADDRSTRLEN] = {};
    if (one->ifa_addr->sa_family == AF_INET) {
      const auto* const address = reinterpret_cast<const sockaddr_in*>(one->ifa_addr);
      ::inet_ntop(AF_INET, &address->sin_addr, text, sizeof text);
    } else if (one->ifa_addr->sa_family == AF_INET6) {
      const auto* const address = reinterpret_cast<const sockaddr_in6*>(one->ifa_addr);
      if (!IN6_IS_ADDR_LINKLOCAL(&address->sin6_addr))
        ::inet_ntop(AF_INET6, &address->sin6_addr, text, sizeof text);
    }
    if (text[0] != '\0') out.emplace_back(text);
  }
  ::freeifaddrs(all);
  return out;
}

[[nodiscard]] SeenDevice see_device(const PortConfig& port) {
  SeenDevice seen{.port = port.name, .text = port.device.text, .kind = port.device.kind, .is_there = true};
  std::error_code none;
  if (port.device.kind == DeviceKind::Pci) {
    const fs::path folder = fs::path("/sys/bus/pci/devices") / port.device.name;
    seen.is_there = fs::exists(folder, none);
    seen.driver = driver_of(folder);
  } else if (port.device.kind == DeviceKind::AfPacket || port.device.kind == DeviceKind::AfXdp) {
    const fs::path folder = fs::path("/sys/class/net") / port.device.name;
    seen.is_there = fs::exists(folder, none);
    seen.driver = driver_of(folder / "device");
    seen.linux_addresses = addresses_of(port.device.name);
    seen.mtu = static_cast<std::uint32_t>(std::strtoul(first_line(folder / "mtu").c_str(), nullptr, 10));
    seen.mtu_wanted = port.mtu;
    seen.has_carrier = first_line(folder / "carrier") == "1";  // can't be read while it is down
  }
  return seen;
}

[[nodiscard]] std::optional<WallTime> end_of(const std::string& path) {
  const FilePtr file = open_regular(path);
  if (!file) return std::nullopt;
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(
      PEM_read_X509(file.get(), nullptr, nullptr, nullptr), &X509_free);
  ERR_clear_error();
  std::tm parts{};
  if (!certificate || ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &parts) != 1)
    return std::nullopt;
  return WallTime(std::chrono::seconds(::timegm(&parts)));
}

[[nodiscard]] bool is_taken(const Endpoint& endpoint) {
  const bool is_v4 = endpoint.address.is_v4();
  const Descriptor socket(::socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(socket.number(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (is_v4) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(endpoint.port);
    address.sin_addr.s_addr = htonl(endpoint.address.v4_host_order());
    return ::bind(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
           errno == EADDRINUSE;
  }
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_port = htons(endpoint.port);
  std::memcpy(&address.sin6_addr, endpoint.address.bytes().data(), 16);
  return ::bind(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
         errno == EADDRINUSE;
}

[[nodiscard]] bool does_answer(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return false;
  std::memcpy(address.sun_path, path.data(), path.size());
  const Descriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return ::connect(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

void see_kernel(MachineFacts& facts) {
  facts.cores = std::thread::hardware_concurrency();
  facts.memory_available = value_of("/proc/meminfo", "MemAvailable") * 1024;
  facts.hugepage_bytes_free =
      value_of("/proc/meminfo", "HugePages_Free") * value_of("/proc/meminfo", "Hugepagesize") * 1024;
  std::error_code none;
  facts.has_iommu = !fs::is_empty("/sys/kernel/iommu_groups", none) && !none;
  if (first_line("/sys/module/vfio/parameters/enable_unsafe_noiommu_mode") == "Y") facts.has_iommu = true;
  facts.has_sse42 = __builtin_cpu_supports("sse4.2") != 0;
  const std::uint64_t rights = value_of("/proc/self/status", "CapEff", 16);
  const auto has = [rights](int capability) { return (rights >> capability & 1) != 0; };
  facts.may_make_namespaces = has(kCapSysAdmin) && has(kCapNetAdmin);
  facts.may_use_packet_sockets = has(kCapNetRaw);
  facts.has_tun = ::access("/dev/net/tun", F_OK) == 0;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) facts.file_limit = limit.rlim_max;
  timex clock{};
  facts.is_clock_synchronised = ::adjtimex(&clock) != TIME_ERROR && (clock.status & STA_UNSYNC) == 0;
  facts.clock_source = first_line("/sys/devices/system/clocksource/clocksource0/current_clocksource");
}

}  // namespace

MachineFacts look_at_machine(const SbcConfig& config) {
  MachineFacts facts;
  see_kernel(facts);
  facts.now = system_wall_time();
  facts.state_folder = config.node.state;
  std::error_code error;
  const fs::space_info space = fs::space(config.node.state, error);
  if (!error) facts.state_bytes_free = space.available;
  for (const PortConfig& port : config.ports) facts.devices.push_back(see_device(port));
  for (const CertificateConfig& one : config.tls.certificates)
    facts.certificates.push_back({one.name, end_of(one.certificate_file), one.warn_before});
  const ManagementConfig& management = config.management;
  if (management.listen.port != 0)  // without a configuration there is none
    facts.listeners.push_back(
        {"management.listen", to_string(management.listen), is_taken(management.listen)});
  if (const auto& other = management.metrics_listen; other && *other != management.listen)
    facts.listeners.push_back({"management.metrics.listen", to_string(*other), is_taken(*other)});
  facts.listeners.push_back({"management.socket", management.socket, does_answer(management.socket)});
  return facts;
}

MachineWants wants_of(const LoadedConfig& loaded) {
  const DataplaneConfig& dataplane = loaded.config.dataplane;
  constexpr std::uint64_t kJournal = 64'000'000;
  MachineWants wants;
  wants.lcores = dataplane.lcore_cpus.empty() ? dataplane.lcore_count
                                              : static_cast<std::uint32_t>(dataplane.lcore_cpus.size());
  wants.signalling_threads = dataplane.signalling_threads;
  wants.memory_bytes = loaded.memory_bytes_needed;
  wants.connections = dataplane.capacity.connections;
  wants.hugepages = dataplane.hugepages;
  wants.disk_bytes = kJournal;
  for (const CdrSink& sink : loaded.config.management.cdr) wants.disk_bytes += 2 * sink.rotate.bytes;
  return wants;
}

}  // namespace sallyport::mgmt
