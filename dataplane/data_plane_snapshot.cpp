// data_plane_snapshot.cpp — sums what lcores, shards and the stream thread counted.
#include <rte_version.h>

#include <algorithm>

#include "dataplane/running_data_plane.h"

namespace sallyport::dataplane {
namespace {

template <std::size_t kSize>
void add_each(std::array<std::uint64_t, kSize>& sums, const std::array<Counter, kSize>& counters) noexcept {
  for (std::size_t i = 0; i < kSize; ++i) sums[i] += counters[i].value();
}

void add_realm(RealmMediaSnapshot& snapshot, const media::RealmMediaCounters& counters) noexcept {
  snapshot.in.packets += counters.packets_in.value();
  snapshot.in.bytes += counters.bytes_in.value();
  snapshot.out.packets += counters.packets_out.value();
  snapshot.out.bytes += counters.bytes_out.value();
  for (std::size_t reason = 0; reason < snapshot.dropped.size(); ++reason)
    snapshot.dropped[reason] += counters.dropped.value(static_cast<media::MediaDropReason>(reason));
}

void add_counters(DataPlaneSnapshot& snapshot, const sip::EngineCounters& counters) noexcept {
  for (std::size_t peer = 0; peer + 1 < std::min(snapshot.peers.size(), counters.peers.size()); ++peer)
    snapshot.peers[peer].add(counters.peers[peer]);
  snapshot.peers.back().add(counters.peers.back());
  for (std::size_t label = 0; label < snapshot.detections.size(); ++label)
    snapshot.detections[label] += counters.detections.value(static_cast<sip::DetectionLabel>(label));
  snapshot.calls_active += counters.calls_active.value();
  snapshot.dialogs_active += counters.dialogs_active.value();
  snapshot.registrations_active += counters.registrations_active.value();
  snapshot.transactions_active += counters.transactions_active.value();
  snapshot.messages_lost += counters.messages_lost.value();
}

}  // namespace

void PeerCallCounts::add(const sip::PeerCallCounters& counters) noexcept {
  for (std::size_t direction = 0; direction < results.size(); ++direction) {
    for (std::size_t result = 0; result < results[direction].size(); ++result)
      results[direction][result] += counters.results[direction].value(static_cast<CallResult>(result));
    add_each(setup[direction], counters.setup[direction]);
    add_each(duration[direction], counters.duration[direction]);
  }
  add_each(setup_milliseconds, counters.setup_milliseconds);
  add_each(duration_milliseconds, counters.duration_milliseconds);
}

void ConnectionsSnapshot::add(const ConnectionCounters& counters) {
  for (std::size_t transport = 0; transport < active.size(); ++transport) {
    add_each(active[transport], counters.active[transport]);
    add_each(opened[transport], counters.opened[transport]);
  }
  for (std::size_t why = 0; why < refused.size(); ++why)
    refused[why] += counters.refused.value(static_cast<Refusal>(why));
  for (std::size_t why = 0; why < closed.size(); ++why)
    closed[why] += counters.closed.value(static_cast<Ending>(why));
  handshakes.resize(std::max(handshakes.size(), counters.handshakes.size()));
  for (std::size_t realm = 0; realm < counters.handshakes.size(); ++realm)
    for (std::size_t result = 0; result < handshakes[realm].size(); ++result)
      handshakes[realm][result] += counters.handshakes[realm].value(static_cast<TlsResult>(result));
  messages_in += counters.messages_in.value();
  messages_out += counters.messages_out.value();
  messages_failed += counters.messages_failed.value();
  queue_full += counters.queue_full.value();
  failures_lost += counters.failures_lost.value();
}

ConnectionsSnapshot RunningDataPlane::connections_snapshot() const {
  ConnectionsSnapshot snapshot;
  snapshot.capacity = config_.dataplane.capacity.connections;
  if (connections_ != nullptr) snapshot.add(connections_->counters());
  snapshot.handshakes.resize(of_the_day().realms.size());
  return snapshot;
}

DataPlaneSnapshot RunningDataPlane::snapshot() const {
  const std::lock_guard lock(mutex_);
  return runs_ ? take_snapshot() : last_;
}

std::vector<DroppedSource> RunningDataPlane::dropped_of(const IpAddress& address) const {
  const std::lock_guard lock(mutex_);
  std::vector<DroppedSource> found;
  if (!runs_) return found;
  for (const auto& worker : workers_) worker->dropped_sources().look_up(address, found);
  return found;
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
    snapshot.sources_tracked += workers_[lcore]->guard().sources_tracked();
    snapshot.sources_capacity += workers_[lcore]->guard().sources_capacity();
  }
  for (std::size_t shard = 0; shard < shard_threads_.size(); ++shard)
    snapshot.threads.push_back(
        {"signalling thread " + std::to_string(shard), shard_threads_[shard]->rouse()});
  snapshot.threads.push_back({"stream thread", stream_->rouse()});
  snapshot.rings = links_->snapshot();
  snapshot.mbufs_free = pools_->free();
  snapshot.mbufs_total = pools_->total();
  add_engines(snapshot);
  snapshot.media = media_snapshot();
  snapshot.connections = connections_snapshot();
  return snapshot;
}

MediaSnapshot RunningDataPlane::media_snapshot() const {
  MediaSnapshot snapshot;
  snapshot.realms.resize(of_the_day().realms.size());
  for (std::size_t realm = 0; realm < snapshot.realms.size(); ++realm) {
    const media::PortPool::Use use = policy_.media_ports.use(RealmIndex(realm));
    snapshot.realms[realm].port_pairs_taken = use.taken;
    snapshot.realms[realm].port_pairs = use.capacity;
    for (const auto& worker : workers_)
      add_realm(snapshot.realms[realm], worker->relay().counters(RealmIndex(realm)));
  }
  for (const auto& worker : workers_) {
    const media::RelayCounters& counters = worker->relay().counters();
    snapshot.streams_active += counters.streams_open.value();
    snapshot.streams_secured += counters.streams_secured.value();
    snapshot.streams_closed += counters.streams_closed.value();
    snapshot.sources_learned += counters.latches.value();
    snapshot.commands_refused += counters.commands_refused.value();
    add_each(snapshot.relay_times, worker->relay_times().bursts);
    snapshot.relay_nanoseconds += worker->relay_times().nanoseconds.value();
  }
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
  snapshot.realms.resize(of_the_day().realms.size());
  const std::size_t peers = (day_ != nullptr ? *day_ : config_).peers.size();
  snapshot.peers.resize(peers + 1);
  snapshot.peers_beyond_budget.resize(peers);
  for (std::size_t peer = 0; peer < peers; ++peer)
    for (const auto& worker : workers_)
      snapshot.peers_beyond_budget[peer] += worker->guard().beyond_budget(PeerIndex(peer));
  for (std::size_t engine = 0; engine < shards_.size(); ++engine) {
    const auto& shard = shards_[engine];
    for (std::size_t realm = 0; realm < snapshot.realms.size(); ++realm)
      snapshot.realms[realm].add(shard->engine().counters(static_cast<RealmIndex>(realm)));
    add_counters(snapshot, shard->engine().counters());
    snapshot.events_dropped += events_->line(engine).dropped();
    snapshot.records_lost += events_->line(engine).records_lost();
  }
  for (std::size_t peer = 0; peer < peers; ++peer)
    for (const auto direction : {policy::CallDirection::In, policy::CallDirection::Out}) {
      const auto position = static_cast<std::size_t>(direction);
      snapshot.peers[peer].active[position] = policy_.admission.active(PeerIndex(peer), direction);
      snapshot.peers[peer].limit[position] = policy_.admission.limit(PeerIndex(peer), direction);
    }
  snapshot.transactions_capacity = config_.dataplane.capacity.transactions;
  snapshot.calls_capacity = config_.dataplane.capacity.calls;
  snapshot.registrations_capacity = config_.registrars.empty() ? 0 : config_.dataplane.capacity.registrations;
  snapshot.calls_restored = calls_restored_;
  snapshot.calls_not_restored = calls_not_restored_;
}

}  // namespace sallyport::dataplane
