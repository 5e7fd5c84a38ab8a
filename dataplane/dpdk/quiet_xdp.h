// quiet_xdp.h — libbpf and libxdp, which the af_xdp driver uses, print straight to stderr; this shuts them
// up.
#pragma once

namespace sallyport::dataplane {

// After DPDK has loaded its drivers. Does nothing when those libraries are not there.
void quiet_xdp_libraries() noexcept;

}  // namespace sallyport::dataplane
