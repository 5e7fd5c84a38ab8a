// observation.cpp — snapshot and names put together.
#include "mgmt/metrics/observation.h"

#include <algorithm>
#include <utility>

#include "policy/signatures/signature_set.h"

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

bool is_shown(const PeerConfig& peer, const dataplane::PeerCallCounts& calls) noexcept {
  return !peer.is_retired || calls.active[0] + calls.active[1] != 0;
}

namespace {

// The members at `places`; and the last one, which stands for all that is no peer, when `has_rest`.
template <class T>
void keep(const std::vector<std::size_t>& places, bool has_rest, std::vector<T>& all) {
  const std::size_t peers = all.size() - (has_rest && !all.empty() ? 1 : 0);
  std::vector<T> kept;
  for (const std::size_t place : places)
    if (place < peers) kept.push_back(all[place]);
  if (peers != all.size()) kept.push_back(all.back());
  all = std::move(kept);
}

void keep_shown_peers(const SbcConfig& config, Observation& seen) {
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < config.peers.size(); ++i) {
    const bool is_counted = i + 1 < seen.plane.peers.size();
    if (!is_shown(config.peers[i], is_counted ? seen.plane.peers[i] : dataplane::PeerCallCounts{})) continue;
    places.push_back(i);
    seen.peer_names.push_back(config.peers[i].name);
    seen.are_registrars.push_back(config.peers[i].is_of_registrar());
  }
  seen.peer_names.emplace_back(kNoPeer);
  keep(places, true, seen.plane.peers);
  keep(places, true, seen.media_quality);
  keep(places, false, seen.peers_up);
}

// One that a reload took out is there for the calls that it still has: of its peers, or of anybody with
// media.
bool is_shown(const SbcConfig& config, std::size_t place,
              const dataplane::DataPlaneSnapshot& plane) noexcept {
  const RealmConfig& realm = config.realms[place];
  if (!realm.is_retired) return true;
  if (place < plane.media.realms.size() && plane.media.realms[place].port_pairs_taken != 0) return true;
  for (std::size_t i = 0; i < config.peers.size() && i + 1 < plane.peers.size(); ++i)
    if (config.peers[i].realm == realm.name && plane.peers[i].active[0] + plane.peers[i].active[1] != 0)
      return true;
  return false;
}

void keep_shown_realms(const SbcConfig& config, Observation& seen) {
  std::vector<std::size_t> places;
  for (std::size_t i = 0; i < config.realms.size(); ++i) {
    if (!is_shown(config, i, seen.plane)) continue;
    places.push_back(i);
    seen.realm_names.push_back(config.realms[i].name);
  }
  keep(places, false, seen.plane.realms);
  keep(places, false, seen.plane.media.realms);
  keep(places, false, seen.plane.connections.handshakes);
}

// Those that never matched would be as many series as there are rules.
[[nodiscard]] std::vector<SignatureCount> signature_counts(const policy::SignatureSet* set) {
  std::vector<SignatureCount> out;
  for (std::size_t i = 0; set != nullptr && i < set->rules().size(); ++i) {
    const policy::SignatureCounts& counts = set->counts(i);
    const SignatureCount one{
        set->rules()[i].signature.sid,
        policy::kSignatureActionNames[static_cast<std::size_t>(set->rules()[i].signature.action)],
        counts.matches.load(std::memory_order_relaxed), counts.dry_runs.load(std::memory_order_relaxed)};
    if (one.matches + one.dry_runs != 0) out.push_back(one);
  }
  return out;
}

}  // namespace

Observer::Observer(const SharedSlot<SbcConfig>& config, SnapshotSource source, Addition addition)
    : config_(config), source_(std::move(source)), addition_(std::move(addition)) {}

Observation Observer::observe() {
  Observation out;
  const SharedValue<SbcConfig> config = config_.read();
  out.plane = source_();
  out.busy_ratios = busy_meter_.observe(out.plane.lcores);
  out.signatures = signature_counts(config->security.signature_set.get());
  if (addition_) addition_(out);
  keep_shown_realms(*config, out);
  keep_shown_peers(*config, out);
  return out;
}

}  // namespace sallyport::mgmt
