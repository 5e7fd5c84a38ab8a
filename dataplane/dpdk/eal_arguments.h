// eal_arguments.h — the command line that DPDK's environment layer (EAL) gets, made from the configuration.
// Pure, so that devices which a test machine lacks (PCI) are tested too.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "dataplane/data_plane.h"
#include "dataplane/dpdk/device_plan.h"
#include "policy/base/result.h"

namespace sallyport::dataplane {

// What the machine has.
struct EalSurroundings {
  std::string prefix;               // own for each process: letters, digits, '-', '_'
  std::vector<std::uint32_t> cpus;  // on which this process may run
  std::uint64_t hugepage_bytes_free = 0;
};

struct EalArguments {
  std::vector<std::string> words;  // argv, program name first
  // By device: what its driver is told when it is attached, once EAL runs. Empty for PCI and for rings.
  std::vector<std::string> devices;
  bool hugepages = false;
};

// An error names the port whose device can't be written as an EAL argument.
[[nodiscard]] Result<EalArguments, StartError> eal_arguments(const SbcConfig& config,
                                                             std::span<const DevicePlan> devices,
                                                             const MemoryPlan& memory,
                                                             const EalSurroundings& surroundings);

}  // namespace sallyport::dataplane
