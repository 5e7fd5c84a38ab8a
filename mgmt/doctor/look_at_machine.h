// look_at_machine.h — reads what machine_checks.h judges: /proc, /sys, a few questions to the kernel. Nothing
// is changed.
#pragma once

#include "mgmt/config/load_config.h"
#include "mgmt/doctor/machine_checks.h"

namespace sallyport::mgmt {

// `config` says which devices, files and addresses to look at.
[[nodiscard]] MachineFacts look_at_machine(const SbcConfig& config);
[[nodiscard]] MachineWants wants_of(const LoadedConfig& loaded);

}  // namespace sallyport::mgmt
