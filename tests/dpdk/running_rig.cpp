// running_rig.cpp — starts threads as data_plane.cpp does.
#include "tests/dpdk/running_rig.h"

#include "dataplane/dpdk/clock.h"

namespace sallyport::dataplane {

RunningRig::RunningRig(RigSettings settings) : rig(std::move(settings)), journalled_(rig.shards.size()) {
  for (std::size_t i = 0; i < rig.shards.size(); ++i) {
    shard_threads_.push_back(std::make_unique<ShardThread>(*rig.shards[i], rig.links->shard_bell(i)));
    shard_threads_.back()->start(static_cast<unsigned>(i));
  }
  for (std::size_t i = 0; i < rig.workers.size(); ++i) {
    lcore_threads_.push_back(std::make_unique<LcoreThread>(*rig.workers[i], IdleMode::Adaptive, -1));
    EXPECT_TRUE(lcore_threads_.back()->start(static_cast<unsigned>(i)));
  }
}

RunningRig::~RunningRig() {
  for (const auto& thread : shard_threads_) thread->stop();
  for (const auto& thread : lcore_threads_) thread->stop();
  for (std::size_t port = 0; port < rig.config.ports.size(); ++port) (void)rig.sent(port);
  rig.turn_stream();  // frees what it holds
}

bool RunningRig::run_until(const std::function<bool()>& is_done,
                           const std::function<void(std::size_t port, const Bytes& frame)>& see) {
  const Timestamp until = read_clock() + 10s;
  while (!is_done() && read_clock() < until) {
    rig.turn_stream();
    for (std::size_t port = 0; port < rig.config.ports.size(); ++port)
      for (const Bytes& frame : rig.sent(port)) see(port, frame);
    for (std::size_t engine = 0; engine < journalled_.size(); ++engine)
      while (const auto event = rig.events->take(engine))
        if (const auto* record = std::get_if<sip::RecordEvent>(&event->what))
          rig.events->journalled(engine, journalled_[engine] = record->sequence);
    (void)rig.events->wait(1ms);
  }
  return is_done();
}

}  // namespace sallyport::dataplane
