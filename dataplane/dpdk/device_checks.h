// device_checks.h — finds out before DPDK starts whether each device can be had, because DPDK's own answer
// would be obscure: one clear sentence that names the port and the way out.
#pragma once

#include <span>

#include "dataplane/data_plane.h"
#include "dataplane/dpdk/device_plan.h"

namespace sallyport::dataplane {

// Also removes the socket file that a killed memif server left behind.
[[nodiscard]] Result<void, StartError> check_devices(const SbcConfig& config,
                                                     std::span<const DevicePlan> devices);

// Part of the above: no port has frames so large that an af_xdp port could not share its buffers.
[[nodiscard]] Result<void, StartError> check_buffer_size(const SbcConfig& config,
                                                         std::span<const DevicePlan> devices);

}  // namespace sallyport::dataplane
