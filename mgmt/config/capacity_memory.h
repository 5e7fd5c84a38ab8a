// capacity_memory.h — how much memory a configuration takes at start, as a sum that can be read.
#pragma once

#include <cstdint>

#include "policy/model/sbc_config.h"

namespace sallyport::mgmt {

// `cpu_count`: CPUs that the process may run on; what is left to "auto" follows from them.
[[nodiscard]] std::uint64_t memory_bytes_needed(const SbcConfig& config, std::uint32_t cpu_count);

}  // namespace sallyport::mgmt
