// lcore_thread.h — the polling thread of a Worker: turns without end, with pauses when nothing moves.
#pragma once

#include <atomic>
#include <thread>
#include <utility>

#include "dataplane/worker/wake_latency.h"
#include "dataplane/worker/worker.h"
#include "policy/model/sbc_config.h"

namespace sallyport::dataplane {

// Written by the lcore's thread alone. Busy are the turns that moved something.
struct LcoreTimes {
  Counter busy_ns, total_ns;
};

class LcoreThread {
 public:
  // The worker outlives it. cpu -1: any.
  LcoreThread(Worker& worker, IdleMode idle, int cpu, WakeLatency latency = {})
      : worker_(worker), idle_mode_(idle), cpu_(cpu), latency_(std::move(latency)) {}
  ~LcoreThread() { stop(); }
  LcoreThread(const LcoreThread&) = delete;
  LcoreThread& operator=(const LcoreThread&) = delete;

  // False: it can't run on its CPU.
  [[nodiscard]] bool start(unsigned number);
  void stop() noexcept;  // idempotent

  [[nodiscard]] const LcoreTimes& times() const noexcept { return times_; }
  [[nodiscard]] int cpu() const noexcept { return cpu_; }

 private:
  void run(unsigned number) noexcept;

  Worker& worker_;
  IdleMode idle_mode_;
  int cpu_;
  WakeLatency latency_;
  LcoreTimes times_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace sallyport::dataplane
