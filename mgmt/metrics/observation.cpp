// observation.cpp — snapshot and names put together.
#include "mgmt/metrics/observation.h"

#include <algorithm>

namespace sallyport::mgmt {

std::vector<double> BusyMeter::observe(const std::vector<dataplane::LcoreSnapshot>& lcores) {
  looks_.resize(lcores.size());
  std::vector<double> ratios;
  ratios.reserve(lcores.size());
  for (std::size_t i = 0; i < lcores.size(); ++i) {
    Look& last = looks_[i];
    const dataplane::LcoreSnapshot& lcore = lcores[i];
    const bool started_anew = lcore.total_ns < last.total_ns || lcore.busy_ns < last.busy_ns;
    if (started_anew) last = Look{};
    const std::uint64_t span = lcore.total_ns - last.total_ns;
    if (span >= kSpanMinNs || (last.total_ns == 0 && span != 0)) {
      const double busy = static_cast<double>(lcore.busy_ns - last.busy_ns) / static_cast<double>(span);
      last = Look{lcore.busy_ns, lcore.total_ns, std::clamp(busy, 0.0, 1.0)};
    }
    ratios.push_back(last.ratio);
  }
  return ratios;
}

Observer::Observer(const SbcConfig& config, SnapshotSource source, Addition addition)
    : source_(std::move(source)), addition_(std::move(addition)) {
  for (const RealmConfig& realm : config.realms) realm_names_.push_back(realm.name);
  for (const PeerConfig& peer : config.peers) peer_names_.push_back(peer.name);
  peer_names_.emplace_back(kNoPeer);
}

Observation Observer::observe() {
  Observation out;
  out.plane = source_();
  out.realm_names = realm_names_;
  out.peer_names = peer_names_;
  out.busy_ratios = busy_meter_.observe(out.plane.lcores);
  if (addition_) addition_(out);
  return out;
}

}  // namespace sallyport::mgmt
