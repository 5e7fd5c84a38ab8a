// wake_latency.cpp — /dev/cpu_dma_latency and sched_setattr().
#include "dataplane/worker/wake_latency.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace sallyport::dataplane {
namespace {

// Microseconds within which idle processors have to be back. The second is Linux's own "no matter".
constexpr std::int32_t kAtOnce = 0, kWhenever = 2'000'000'000;
// The least that Linux grants.
constexpr std::uint64_t kSliceNs = 100'000;

// What sched_setattr(2) takes, in its first form; the kernel's header and the C library's exclude each other.
struct SchedulingAttributes {
  std::uint32_t size = sizeof(SchedulingAttributes), policy = 0;  // SCHED_OTHER
  std::uint64_t flags = 0;
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime = 0, deadline = 0, period = 0;
};

}  // namespace

WakeLatency WakeLatency::of_machine() noexcept {
  return WakeLatency(UniqueFd(open("/dev/cpu_dma_latency", O_WRONLY | O_CLOEXEC)));
}

void WakeLatency::keep_awake(bool is_wanted) noexcept {
  if (is_wanted == is_kept_ || !file_) return;
  const std::int32_t microseconds = is_wanted ? kAtOnce : kWhenever;
  // What failed is not tried again with every packet.
  [[maybe_unused]] const ssize_t written = write(file_.get(), &microseconds, sizeof microseconds);
  is_kept_ = is_wanted;
}

bool ask_for_short_slices() noexcept {
  errno = 0;
  const int nice = getpriority(PRIO_PROCESS, 0);  // of this thread, in Linux
  if (nice == -1 && errno != 0) return false;
  SchedulingAttributes wanted;
  wanted.nice = nice;
  wanted.runtime = kSliceNs;
  return syscall(SYS_sched_setattr, 0, &wanted, 0) == 0;
}

}  // namespace sallyport::dataplane
