// turns.cpp — turns counted, and munmap() of this program: on EAL's interrupt thread it waits for the lcores.
#include "dataplane/dpdk/turns.h"

#include <rte_interrupts.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <ctime>

#include "policy/base/check.h"

namespace sallyport::dataplane {
namespace {

struct alignas(64) Count {
  std::atomic<std::uint64_t> turn{0};  // 0: no such lcore runs
};
// For the whole program, because munmap() is: it has no object to find them by.
std::array<Count, kTurningLcoresMax> counts;

}  // namespace

Turns::Turns(std::size_t lcore) noexcept : lcore_(lcore) {
  SALLYPORT_CHECK(lcore < counts.size());
  counts[lcore_].turn.store(1);
}

Turns::~Turns() { counts[lcore_].turn.store(0); }

// A full barrier: what this turn reads of a device's state is read after the count can be seen.
void Turns::begin() noexcept { counts[lcore_].turn.fetch_add(1, std::memory_order_seq_cst); }

void wait_for_turns() noexcept {
  for (Count& count : counts) {
    // Adding nothing reads the count after all that was written before, which a load alone need not.
    const std::uint64_t turn = count.turn.fetch_add(0, std::memory_order_seq_cst);
    while (turn != 0 && count.turn.load(std::memory_order_seq_cst) == turn) {
      const timespec moment{0, 20'000};
      nanosleep(&moment, nullptr);
    }
  }
}

}  // namespace sallyport::dataplane

// Takes the place of the C library's for the drivers, which are opened at run time and look here first.
extern "C" int munmap(void* address, std::size_t size) noexcept {
  if (rte_thread_is_intr() != 0) sallyport::dataplane::wait_for_turns();
  return static_cast<int>(syscall(SYS_munmap, address, size));
}
