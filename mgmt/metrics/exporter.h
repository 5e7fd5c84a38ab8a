// exporter.h — the daemon's counters in Prometheus' text format 0.0.4.
//
// Labels come from closed sets only (configured names, enumerators): nothing that a stranger sends can add
// a series (threats R13).
#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <string>
#include <vector>

#include "mgmt/metrics/observation.h"

namespace sallyport::mgmt {

// The families of one observation; each has its HELP and TYPE even when it has no sample yet.
[[nodiscard]] std::vector<prometheus::MetricFamily> metric_families(const Observation& observation);

// Looks anew for each scrape. `observer` must outlive it.
class SnapshotCollectable : public prometheus::Collectable {
 public:
  explicit SnapshotCollectable(Observer& observer) : observer_(observer) {}
  [[nodiscard]] std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  Observer& observer_;
};

inline constexpr const char* kMetricsContentType = "text/plain; version=0.0.4; charset=utf-8";
[[nodiscard]] std::string metrics_text(const prometheus::Collectable& source);

}  // namespace sallyport::mgmt
