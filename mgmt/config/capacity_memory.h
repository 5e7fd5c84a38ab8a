// capacity_memory.h — how much memory a configuration takes at start, as a sum that can be read.
#pragma once

#include <cstdint>

#include "policy/model/sbc_config.h"

namespace sallyport::mgmt {

[[nodiscard]] std::uint64_t memory_bytes_needed(const SbcConfig& config);

}  // namespace sallyport::mgmt
