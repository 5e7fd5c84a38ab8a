// data_plane_snapshot.cpp — sums what lcores, shards and the stream thread counted.
#include <rte_version.h>

#include "dataplane/running_data_plane.h"

namespace sallyport::dataplane {

DataPlaneSnapshot RunningDataPlane::snapshot() const {
  const std::lock_guard lock(mutex_);
  return runs_ ? take_snapshot() : last_;
}

DataPlaneSnapshot RunningDataPlane::take_snapshot() const {
  DataPlaneSnapshot snapshot;
  snapshot.dpdk_version = rte_version();
  snapshot.hugepages = eal_->hugepages();
  for (std::size_t port = 0; port < config_.ports.size(); ++port)
    snapshot.ports.push_back(port_snapshot(port));
  for (std::size_t lcore = 0; lcore < lcore_threads_.size(); ++lcore) {
    const LcoreThread& thread = *lcore_threads_[lcore];
    snapshot.lcores.push_back({static_cast<unsigned>(lcore), thread.cpu(), thread.times().busy_ns.value(),
                               thread.times().total_ns.value()});
    snapshot.sources_tracked += workers_[lcore]->sources_tracked();
    snapshot.sources_capacity += workers_[lcore]->sources_capacity();
  }
  snapshot.rings = links_->snapshot();
  snapshot.mbufs_free = pools_->free();
  snapshot.mbufs_total = pools_->total();
  add_engines(snapshot);
  return snapshot;
}

PortSnapshot RunningDataPlane::port_snapshot(std::size_t port) const {
  const PortConfig& config = config_.ports[port];
  const auto index = static_cast<PortIndex>(port);
  PortSnapshot snapshot;
  snapshot.name = config.name;
  snapshot.device = config.device.text;
  snapshot.driver = device_of(port).driver();
  snapshot.network_namespace = stream_->network_namespace(index);
  snapshot.link_up = device_of(port).is_link_up();
  snapshot.mac = device_of(port).mac();
  snapshot.addresses = config.addresses;
  snapshot.mtu = config.mtu;
  snapshot.vlan = config.vlan.value_or(0);
  const auto add_drops = [&](const EnumCounters<DropReason>& dropped) {
    for (std::size_t reason = 0; reason < kDropReasonCount; ++reason)
      snapshot.dropped[reason] += dropped.value(static_cast<DropReason>(reason));
  };
  for (const auto& worker : workers_) {
    const PortCounters& counters = worker->counters(index);
    for (std::size_t i = 0; i < snapshot.received.size(); ++i) {
      snapshot.received[i].packets += counters.rx_packets[i].value();
      snapshot.received[i].bytes += counters.rx_bytes[i].value();
      snapshot.sent[i].packets += counters.tx_packets[i].value();
      snapshot.sent[i].bytes += counters.tx_bytes[i].value();
    }
    add_drops(counters.dropped);
  }
  for (const auto& shard : shards_) add_drops(shard->dropped(index));
  add_drops(stream_->counters(index).dropped);
  return snapshot;
}

void RunningDataPlane::add_engines(DataPlaneSnapshot& snapshot) const {
  snapshot.realms.resize(config_.realms.size());
  for (const auto& shard : shards_) {
    for (std::size_t realm = 0; realm < config_.realms.size(); ++realm)
      snapshot.realms[realm].add(shard->engine().counters(static_cast<RealmIndex>(realm)));
    snapshot.transactions_active += shard->engine().transactions_active();
  }
  snapshot.transactions_capacity = config_.dataplane.capacity.transactions;
}

}  // namespace sallyport::dataplane
