// clock.cpp — reads the monotonic clock through the vDSO: no system call, and no calibration that a move of
// the virtual machine to another host could spoil.
#include "dataplane/dpdk/clock.h"

#include <ctime>

namespace sallyport::dataplane {

Timestamp read_clock() noexcept {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return Timestamp(std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec));
}

}  // namespace sallyport::dataplane
