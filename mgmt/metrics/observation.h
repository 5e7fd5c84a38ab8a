// observation.h — what the daemon shows of itself at one moment: the data plane's counters with the names
// that the configuration gives them. The exporter and the control socket both show an Observation.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/data_plane_snapshot.h"
#include "mgmt/alarms/alarm_registry.h"
#include "mgmt/log/wall_clock.h"
#include "mgmt/metrics/media_quality.h"
#include "policy/base/shared_value.h"
#include "policy/base/time.h"
#include "policy/model/sbc_config.h"

namespace sallyport::mgmt {

inline constexpr const char* kVersion = SALLYPORT_VERSION;
// Label `peer` of calls that come from or go to no configured peer; no peer can have this name.
inline constexpr const char* kNoPeer = "-";

// Turns ever-growing busy times into ratios of the time since an earlier look. The data plane's own total
// is the clock: looks less than kSpanMin apart share one ratio, however many clients ask.
class BusyMeter {
 public:
  static constexpr std::uint64_t kSpanMinNs = 1'000'000'000;
  // In the order of `lcores`; 0 to 1. The first look gives the ratio since start.
  [[nodiscard]] std::vector<double> observe(const std::vector<dataplane::LcoreSnapshot>& lcores);

 private:
  struct Look {
    std::uint64_t busy_ns = 0, total_ns = 0;
    double ratio = 0;
  };
  std::vector<Look> looks_;
};

struct CertificateEnd {
  std::string name;
  std::int64_t not_after = 0;  // Unix seconds
};

// Copies of messages to a collector.
struct HepCounts {
  std::uint64_t sent = 0, dropped = 0;
};

// What one signature has done since it was loaded.
struct SignatureCount {
  std::uint32_t sid = 0;
  std::string_view action;  // of static storage
  std::uint64_t matches = 0, dry_runs = 0;
};

struct Observation {
  dataplane::DataPlaneSnapshot plane;
  std::vector<std::string> realm_names;  // of plane.realms, without retired ones that have no calls
  std::vector<std::string> peer_names;   // of plane.peers; the last stands for all that is no peer.
                                         // Retired peers without calls are not among them
  std::vector<double> busy_ratios;       // of plane.lcores
  std::vector<bool> peers_up;            // of plane.peers, but for the last
  std::vector<bool> are_registrars;      // the same: endpoints of one, which is neither up nor down
  std::vector<AlarmCount> alarms;        // of all names
  std::uint64_t blocked_prefixes = 0, blocked_capacity = 0;
  std::uint64_t cdr_queue = 0;                  // records that are not in their CDR files yet
  std::vector<PeerMediaQuality> media_quality;  // of plane.peers
  std::uint64_t media_reports_late = 0;  // last figures of streams whose calls had their records already
  std::vector<CertificateEnd> certificates;
  std::vector<SignatureCount> signatures;  // those that matched
  std::optional<HepCounts> hep;            // nothing: no collector is configured
  bool last_reload_successful = true;
  double last_reload_success = 0;  // Unix seconds
  std::string node;                // its name
  WallTime at{}, started{};
  Duration uptime{};  // not their difference when somebody set the clock
  bool is_draining = false;
  std::vector<std::pair<std::string_view, std::uint64_t>> rest_refused;  // requests, by reason
};

// A peer that a reload took out is shown while calls go through it.
[[nodiscard]] bool is_shown(const PeerConfig& peer, const dataplane::PeerCallCounts& calls) noexcept;

// Used by the management thread alone.
class Observer {
 public:
  using SnapshotSource = std::function<dataplane::DataPlaneSnapshot()>;
  using Addition = std::function<void(Observation&)>;
  // `config`: that of the day; it must outlive the observer. `addition` fills in what is not the data
  // plane's, for each peer of that configuration.
  Observer(const SharedSlot<SbcConfig>& config, SnapshotSource source, Addition addition = {});
  [[nodiscard]] Observation observe();

 private:
  const SharedSlot<SbcConfig>& config_;
  SnapshotSource source_;
  Addition addition_;
  BusyMeter busy_meter_;
};

}  // namespace sallyport::mgmt
