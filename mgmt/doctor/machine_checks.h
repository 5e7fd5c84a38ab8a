// machine_checks.h — what `sallyport doctor` thinks of a machine: each check is a pure function of what was
// seen of it (look_at_machine.h) and of what the configuration wants of it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "mgmt/log/wall_clock.h"
#include "policy/base/time.h"
#include "policy/model/sbc_config.h"

namespace sallyport::mgmt {

enum class Health : std::uint8_t { Good, Advice, Fault };  // Fault: `run` would not start, or not work

struct Finding {
  Health health = Health::Good;
  std::string about;    // a word or two: cores, memory, ...
  std::string seen;     // a sentence without its full stop
  std::string do_this;  // empty: nothing
};

// A port's device as the machine has it.
struct SeenDevice {
  std::string port, text;  // as configured
  DeviceKind kind = DeviceKind::Discard;
  bool is_there = false;
  std::string driver{};  // of PCI and of interfaces; empty: none, or unknown
  // Of interfaces:
  std::vector<std::string> linux_addresses{};  // routable ones that Linux has given it
  std::uint32_t mtu = 0, mtu_wanted = 0;       // 0: unknown
  bool has_carrier = true;
};

struct SeenCertificate {
  std::string name;
  std::optional<WallTime> not_after;  // nothing: it can't be read
  Duration warn_before{};
};

// An address or a socket that `run` is going to listen on.
struct SeenListener {
  std::string key, address;
  bool is_taken = false;
};

// Zero or empty where the machine does not say.
struct MachineFacts {
  std::uint32_t cores = 0;
  std::uint64_t memory_available = 0, hugepage_bytes_free = 0;
  bool has_sse42 = false;  // what the program was compiled for begins there (x86-64-v2)
  bool has_iommu = false;  // or vfio was told to do without
  bool may_make_namespaces = false, may_use_packet_sockets = false, has_tun = false;
  std::uint64_t file_limit = 0;  // the hard one
  bool is_clock_synchronised = false;
  std::string clock_source;
  WallTime now{};
  std::string state_folder;
  std::optional<std::uint64_t> state_bytes_free;  // nothing: the folder is not there yet
  std::vector<SeenDevice> devices;
  std::vector<SeenCertificate> certificates;
  std::vector<SeenListener> listeners;
};

struct MachineWants {
  std::uint32_t lcores = 0, signalling_threads = 0;  // 0: auto
  std::uint64_t memory_bytes = 0;                    // of capacity
  std::uint64_t connections = 0;
  HugepageMode hugepages = HugepageMode::Auto;
  std::uint64_t disk_bytes = 0;  // one CDR file of each sink, twice, and the journal
};

// In the order in which they are told.
[[nodiscard]] std::vector<Finding> examine(const MachineFacts& facts, const MachineWants& wants);

// One each, or one for each thing of its kind.
[[nodiscard]] Finding check_processor(const MachineFacts& facts);
[[nodiscard]] Finding check_cores(const MachineFacts& facts, const MachineWants& wants);
[[nodiscard]] Finding check_memory(const MachineFacts& facts, const MachineWants& wants);
[[nodiscard]] Finding check_hugepages(const MachineFacts& facts, const MachineWants& wants);
[[nodiscard]] Finding check_rights(const MachineFacts& facts);
[[nodiscard]] Finding check_files(const MachineFacts& facts, const MachineWants& wants);
[[nodiscard]] Finding check_clock(const MachineFacts& facts);
[[nodiscard]] Finding check_disk(const MachineFacts& facts, const MachineWants& wants);
[[nodiscard]] Finding check_device(const SeenDevice& device);
// Nothing: no card is bound to vfio-pci.
[[nodiscard]] std::optional<Finding> check_iommu(const MachineFacts& facts);
[[nodiscard]] Finding check_certificate_date(const SeenCertificate& certificate, WallTime now);
[[nodiscard]] Finding check_listener(const SeenListener& listener);

}  // namespace sallyport::mgmt
