// running_rig.h — the rig's lcores and shards on threads of their own, by the real clock, with a writer that
// says of every record that it is on disk. The test's thread stands in for the network and the stream thread.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <vector>

#include "dataplane/shard/shard_thread.h"
#include "dataplane/worker/lcore_thread.h"
#include "tests/dpdk/lcore_rig.h"

namespace sallyport::dataplane {

class RunningRig {
 public:
  explicit RunningRig(RigSettings settings);
  ~RunningRig();

  // Gives each frame that leaves a port to `see`, until is_done() or ten seconds have passed. False: those.
  [[nodiscard]] bool run_until(const std::function<bool()>& is_done,
                               const std::function<void(std::size_t port, const Bytes& frame)>& see);

  LcoreRig rig;

 private:
  std::vector<std::unique_ptr<ShardThread>> shard_threads_;
  std::vector<std::unique_ptr<LcoreThread>> lcore_threads_;
  std::vector<std::uint64_t> journalled_;
};

}  // namespace sallyport::dataplane
