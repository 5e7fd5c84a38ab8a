// shard_thread.cpp — runs a Shard and puts it to sleep.
#include "dataplane/shard/shard_thread.h"

#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>

#include <algorithm>
#include <ctime>

#include "dataplane/dpdk/clock.h"
#include "dataplane/dpdk/eal.h"

namespace sallyport::dataplane {

void ShardThread::start(unsigned number) {
  thread_ = std::thread([this] { run(); });
  pthread_setname_np(thread_.native_handle(), fmt::format("sp-shard-{}", number).c_str());
}

void ShardThread::stop() noexcept {
  stopping_.store(true, std::memory_order_release);
  bell_.ring_always();
  if (thread_.joinable()) thread_.join();
}

std::uint64_t ShardThread::rouse() noexcept {
  const std::uint64_t turns = turns_.value();
  bell_.ring_always();
  return turns;
}

void ShardThread::run() noexcept {
  const ThreadRegistration registration;
  Timestamp looked = read_clock();
  Duration worked = read_thread_time();
  while (!stopping_.load(std::memory_order_acquire)) {
    turns_.add();
    const Timestamp now = read_clock();
    if (now - looked >= kLookEvery) {
      const Duration all_worked = read_thread_time();
      shard_.note_busy(static_cast<double>((all_worked - worked).count()) /
                       static_cast<double>((now - looked).count()));
      looked = now;
      worked = all_worked;
    }
    if (shard_.run_once(now) == 0) sleep(now);
  }
}

void ShardThread::sleep(Timestamp now) noexcept {
  bell_.announce_sleep();
  if (!shard_.has_mail() && !stopping_.load(std::memory_order_acquire)) {
    const auto deadline = shard_.next_deadline(now);
    const Duration wait = deadline ? std::max(*deadline - now, Duration::zero()) : Duration(0);
    const timespec timeout{static_cast<time_t>(wait.count() / 1'000'000'000),
                           static_cast<long>(wait.count() % 1'000'000'000)};
    pollfd bell{bell_.fd(), POLLIN, 0};
    ppoll(&bell, 1, deadline ? &timeout : nullptr, nullptr);
  }
  bell_.wake_up();
}

}  // namespace sallyport::dataplane
