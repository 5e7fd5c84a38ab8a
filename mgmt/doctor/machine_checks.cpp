// machine_checks.cpp — see machine_checks.h.
#include "mgmt/doctor/machine_checks.h"

#include <fmt/format.h>

#include <algorithm>

#include "mgmt/daemon/file_limit.h"
#include "mgmt/log/log_line.h"

namespace sallyport::mgmt {
namespace {

constexpr std::uint64_t kMegabyte = 1'000'000;

[[nodiscard]] Finding good(std::string about, std::string seen) {
  return {Health::Good, std::move(about), std::move(seen), {}};
}
[[nodiscard]] Finding advice(std::string about, std::string seen, std::string do_this) {
  return {Health::Advice, std::move(about), std::move(seen), std::move(do_this)};
}
[[nodiscard]] Finding fault(std::string about, std::string seen, std::string do_this) {
  return {Health::Fault, std::move(about), std::move(seen), std::move(do_this)};
}

[[nodiscard]] std::string megabytes(std::uint64_t bytes) { return fmt::format("{} MB", bytes / kMegabyte); }

}  // namespace

Finding check_processor(const MachineFacts& facts) {
  if (facts.has_sse42) return good("processor", "has what the program was compiled for");
  return fault(
      "processor", "lacks SSE 4.2, which the data plane needs",
      "use an x86-64 processor made since 2010; in a virtual machine choose another CPU model (host)");
}

// Polling threads take theirs whole; what is left is for signalling, management and Linux.
Finding check_cores(const MachineFacts& facts, const MachineWants& wants) {
  const std::uint32_t polling = std::max(wants.lcores, 1u);
  const std::string seen = fmt::format("{} of them, {} polling", facts.cores, polling);
  if (facts.cores < polling)
    return fault("cores", seen, "name fewer in dataplane.lcores, or give the machine more");
  if (facts.cores < polling + 1)
    return advice("cores", seen + ": none is left for signalling",
                  "give the machine one more; until then calls are set up slowly under load");
  return good("cores", seen);
}

Finding check_memory(const MachineFacts& facts, const MachineWants& wants) {
  const std::string seen = fmt::format("{} are free, capacity takes {}", megabytes(facts.memory_available),
                                       megabytes(wants.memory_bytes + kMegabyte - 1));  // as `check` says it
  if (facts.memory_available < wants.memory_bytes)
    return fault("memory", seen, "lower dataplane.capacity, or give the machine more memory");
  if (facts.memory_available < wants.memory_bytes / 4 * 5)
    return advice("memory", seen + ": little is left for bursts", "give the machine a quarter more");
  return good("memory", seen);
}

Finding check_hugepages(const MachineFacts& facts, const MachineWants& wants) {
  const std::string seen = megabytes(facts.hugepage_bytes_free) + " are free";
  if (wants.hugepages == HugepageMode::Never)
    return good("hugepages", "not wanted (dataplane.hugepages: never)");
  if (facts.hugepage_bytes_free == 0)
    return advice("hugepages", "there are none: usual pages are used, and the data plane is somewhat slower",
                  "sysctl vm.nr_hugepages=512 gives a gigabyte; or write dataplane.hugepages: never");
  return good("hugepages", seen);
}

Finding check_rights(const MachineFacts& facts) {
  if (!facts.may_make_namespaces)
    return fault(
        "rights", "network namespaces can't be made: CAP_SYS_ADMIN and CAP_NET_ADMIN are missing",
        "run as root or by the systemd unit; in a container add the capabilities SYS_ADMIN, NET_ADMIN "
        "and NET_RAW");
  if (!facts.has_tun)
    return fault("rights", "/dev/net/tun is not there: ports can't have their taps",
                 "modprobe tun; in a container pass the device /dev/net/tun on");
  if (!facts.may_use_packet_sockets)
    return fault("rights", "packet sockets can't be opened: CAP_NET_RAW is missing",
                 "run as root or by the systemd unit; in a container add the capability NET_RAW");
  return good("rights", "namespaces, taps and packet sockets can be made");
}

Finding check_files(const MachineFacts& facts, const MachineWants& wants) {
  if (const auto few = too_few_files(facts.file_limit, wants.connections))
    return advice("files",
                  fmt::format("{} may be open at once, too few for {} connections", facts.file_limit,
                              wants.connections),
                  "raise the hard limit (ulimit -Hn, LimitNOFILE of the unit)");
  return good("files", fmt::format("{} may be open at once", facts.file_limit));
}

// Certificates, records and blocks are by the calendar; figures of the data plane by the clock source.
Finding check_clock(const MachineFacts& facts) {
  if (!facts.is_clock_synchronised)
    return advice("clock", "the kernel does not hold its clock for synchronised",
                  "run chrony or systemd-timesyncd; call records and certificates go by it");
  if (!facts.clock_source.empty() && facts.clock_source != "tsc" && facts.clock_source != "kvm-clock" &&
      facts.clock_source != "arch_sys_counter")
    return advice("clock", "clock source " + facts.clock_source + " is slow to read",
                  "boot with clocksource=tsc where the processor's counter is constant");
  return good("clock", "synchronised");
}

Finding check_disk(const MachineFacts& facts, const MachineWants& wants) {
  if (!facts.state_bytes_free)
    return advice("disk", facts.state_folder + " is not there yet", "the first start makes it");
  const std::string seen =
      fmt::format("{} are free in {}, records may take {} before they are rotated",
                  megabytes(*facts.state_bytes_free), facts.state_folder, megabytes(wants.disk_bytes));
  if (*facts.state_bytes_free < 100 * kMegabyte)
    return fault("disk", seen, "make room: call records and registrations can't be written without");
  if (*facts.state_bytes_free < wants.disk_bytes)
    return advice("disk", seen, "make room, or lower management.cdr[].rotate and keep");
  return good("disk", seen);
}

namespace {

// The interface becomes Sallyport's: what Linux had there stops working, a shell over it too.
[[nodiscard]] Finding check_interface(const std::string& about, const SeenDevice& device) {
  const std::string name = device.text.substr(device.text.find(':') + 1);
  if (!device.linux_addresses.empty())
    return advice(about,
                  fmt::format("{} carries this machine's own address {}, which will be deaf", device.text,
                              fmt::join(device.linux_addresses, ", ")),
                  fmt::format("move it to another interface, or: ip address flush dev {}", name));
  if (device.mtu != 0 && device.mtu < device.mtu_wanted)
    return advice(about,
                  fmt::format("{} has MTU {}, the port {}", device.text, device.mtu, device.mtu_wanted),
                  fmt::format("ip link set {} mtu {}, or write mtu: {} at the port", name, device.mtu_wanted,
                              device.mtu));
  if (!device.has_carrier)
    return advice(about, device.text + " is there, but without a link",
                  fmt::format("ip link set {} up; look at the cable and at the other end", name));
  return good(about,
              device.text + (device.driver.empty() ? " is there" : " is there, driver " + device.driver));
}

}  // namespace

std::optional<Finding> check_iommu(const MachineFacts& facts) {
  const bool is_used =
      std::ranges::any_of(facts.devices, [](const SeenDevice& one) { return one.driver == "vfio-pci"; });
  if (!is_used) return std::nullopt;
  if (facts.has_iommu) return good("iommu", "on");
  return fault(
      "iommu", "off, and vfio-pci hands no card out without",
      "turn it on in the firmware and boot with intel_iommu=on iommu=pt; in a virtual machine without "
      "one: echo 1 > /sys/module/vfio/parameters/enable_unsafe_noiommu_mode");
}

Finding check_device(const SeenDevice& device) {
  const std::string about = "port " + device.port;
  if (!device.is_there) {
    const bool is_pci = device.kind == DeviceKind::Pci;
    return fault(about, device.text + " is not there",
                 is_pci ? "compare with: lspci -D" : "compare with: ip link; or change the port's device");
  }
  if (device.kind != DeviceKind::Pci) return check_interface(about, device);
  // Drivers that DPDK works beside.
  const bool is_shared = device.driver.starts_with("mlx");
  if (is_shared || device.driver == "vfio-pci" || device.driver == "uio_pci_generic" ||
      device.driver == "igb_uio")
    return good(about, device.text + " has driver " + device.driver);
  return fault(about,
               device.text + (device.driver.empty() ? " has no driver"
                                                    : " belongs to Linux (driver " + device.driver + ")"),
               "bind it: dpdk-devbind.py -b vfio-pci " + device.text.substr(device.text.find(':') + 1));
}

Finding check_certificate_date(const SeenCertificate& certificate, WallTime now) {
  const std::string about = "certificate " + certificate.name;
  if (!certificate.not_after) return fault(about, "can't be read", "sallyport check says why");
  const std::string until = iso_8601(*certificate.not_after).substr(0, 10);
  if (*certificate.not_after <= now)
    return fault(about, "has expired on " + until, "renew it; a reload takes it");
  if (*certificate.not_after - now <= certificate.warn_before)
    return advice(about, "expires on " + until, "renew it; a reload takes it");
  return good(about, "is valid until " + until);
}

Finding check_listener(const SeenListener& listener) {
  if (!listener.is_taken) return good(listener.key, listener.address + " is free");
  return advice(listener.key, listener.address + " is taken: by a Sallyport that runs, or by another program",
                "end that program, or write another address; ss -lntpx shows it");
}

std::vector<Finding> examine(const MachineFacts& facts, const MachineWants& wants) {
  std::vector<Finding> out{check_processor(facts),     check_cores(facts, wants),
                           check_memory(facts, wants), check_hugepages(facts, wants),
                           check_rights(facts),        check_files(facts, wants),
                           check_clock(facts),         check_disk(facts, wants)};
  for (const SeenDevice& device : facts.devices) out.push_back(check_device(device));
  if (auto iommu = check_iommu(facts)) out.push_back(std::move(*iommu));
  for (const SeenCertificate& one : facts.certificates) out.push_back(check_certificate_date(one, facts.now));
  for (const SeenListener& listener : facts.listeners) out.push_back(check_listener(listener));
  return out;
}

}  // namespace sallyport::mgmt
