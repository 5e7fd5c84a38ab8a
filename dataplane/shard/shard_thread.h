// shard_thread.h — the thread of a Shard: works while there is mail, else sleeps until a lcore rings or the
// next timer of its engine is due.
#pragma once

#include <atomic>
#include <cstdint>
#include <thread>

#include "dataplane/shard/shard.h"
#include "dataplane/worker/doorbell.h"
#include "policy/base/counters.h"

namespace sallyport::dataplane {

class ShardThread {
 public:
  // The shard outlives it.
  ShardThread(Shard& shard, Doorbell& bell) : shard_(shard), bell_(bell) {}
  ~ShardThread() { stop(); }
  ShardThread(const ShardThread&) = delete;
  ShardThread& operator=(const ShardThread&) = delete;

  void start(unsigned number);
  void stop() noexcept;  // idempotent
  // Any thread. Wakes it; how many turns it has made until now.
  std::uint64_t rouse() noexcept;

 private:
  static constexpr Duration kLookEvery = 100ms;  // at how busy it is
  void run() noexcept;
  void sleep(Timestamp now) noexcept;

  Shard& shard_;
  Doorbell& bell_;
  std::atomic<bool> stopping_{false};
  Counter turns_;
  std::thread thread_;
};

}  // namespace sallyport::dataplane
