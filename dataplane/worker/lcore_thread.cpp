// lcore_thread.cpp — runs a Worker, counts its time, puts it to sleep.
#include "dataplane/worker/lcore_thread.h"

#include <fmt/format.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>

#include "dataplane/dpdk/clock.h"
#include "dataplane/dpdk/eal.h"
#include "dataplane/dpdk/turns.h"
#include "dataplane/worker/adaptive_idle.h"
#include "dataplane/worker/lcore_sleep.h"

namespace sallyport::dataplane {
namespace {

[[nodiscard]] Moved kind_of(const Worker& worker, std::size_t moved) noexcept {
  if (moved == 0) return Moved::Nothing;
  if (worker.has_moved_urgent()) return Moved::Urgent;
  return worker.has_moved_media() ? Moved::Media : Moved::Patient;
}

}  // namespace

bool LcoreThread::start(unsigned number) {
  thread_ = std::thread([this, number] { run(number); });
  pthread_setname_np(thread_.native_handle(), fmt::format("sp-lcore-{}", number).c_str());
  if (cpu_ < 0) return true;
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(static_cast<unsigned>(cpu_), &cpus);
  return pthread_setaffinity_np(thread_.native_handle(), sizeof cpus, &cpus) == 0;
}

void LcoreThread::stop() noexcept {
  stopping_.store(true, std::memory_order_release);
  if (thread_.joinable()) thread_.join();
}

void LcoreThread::run(unsigned number) noexcept {
  const ThreadRegistration registration;
  Turns turns(number);
  prctl(PR_SET_TIMERSLACK, 1UL);  // else the kernel adds 50 µs to each nap
  ask_for_short_slices();         // without them it turns later, and that is all
  LcoreSleep sleep(worker_.receive_sockets());
  AdaptiveIdle idle(worker_.lcores(), sleep.can_packets_wake());
  MediaPace pace;
  Timestamp now = read_clock();
  while (!stopping_.load(std::memory_order_acquire)) {
    turns.begin();
    const std::size_t moved = worker_.poll(now);
    if (idle_mode_ != IdleMode::Poll) {
      const Moved kind = kind_of(worker_, moved);
      latency_.keep_awake(pace.after_turn(now, worker_.has_moved_media() ? moved : 0));
      sleep.take(idle.after_turn(now, kind, moved));
    }
    const Timestamp next = read_clock();
    const auto took = static_cast<std::uint64_t>((next - now).count());
    if (moved != 0) times_.busy_ns.add(took);
    times_.total_ns.add(took);
    now = next;
  }
}

}  // namespace sallyport::dataplane
