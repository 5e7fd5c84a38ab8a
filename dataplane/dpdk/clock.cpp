// clock.cpp — reads the monotonic clock through the vDSO: no system call, and no calibration that a move of
// the virtual machine to another host could spoil.
#include "dataplane/dpdk/clock.h"

#include <ctime>

namespace sallyport::dataplane {
namespace {

[[nodiscard]] Duration read(clockid_t clock) noexcept {
  timespec time{};
  clock_gettime(clock, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
}

}  // namespace

Timestamp read_clock() noexcept { return Timestamp(read(CLOCK_MONOTONIC)); }
Duration read_thread_time() noexcept { return read(CLOCK_THREAD_CPUTIME_ID); }

}  // namespace sallyport::dataplane
