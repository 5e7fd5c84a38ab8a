// metric_family.h — how the exporter's files put metric families together.
#pragma once

#include <fmt/format.h>
#include <prometheus/metric_family.h>

#include <array>
#include <cstdint>
#include <limits>
#include <numeric>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "mgmt/metrics/observation.h"

namespace sallyport::mgmt {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

[[nodiscard]] inline MetricFamily family(std::string_view name, MetricType type, std::string_view help) {
  MetricFamily out;
  out.name = fmt::format("sallyport_{}", name);
  out.help = help;
  out.type = type;
  return out;
}

inline void add(MetricFamily& family, Labels labels, double value) {
  ClientMetric metric;
  metric.label = std::move(labels);
  if (family.type == MetricType::Counter)
    metric.counter.value = value;
  else
    metric.gauge.value = value;
  family.metric.push_back(std::move(metric));
}

inline void add(MetricFamily& family, Labels labels, std::uint64_t value) {
  add(family, std::move(labels), static_cast<double>(value));
}

inline void add(MetricFamily& family, Labels labels, ClientMetric::Histogram value) {
  ClientMetric metric;
  metric.label = std::move(labels);
  metric.histogram = std::move(value);
  family.metric.push_back(std::move(metric));
}

[[nodiscard]] inline MetricFamily single_gauge(std::string_view name, std::string_view help, double value) {
  MetricFamily out = family(name, MetricType::Gauge, help);
  add(out, {}, value);
  return out;
}

// `counts` of each bucket alone; those of the text format count all that is below their bound. `shown`: which
// of the bounds, by position.
template <std::size_t kBounds>
[[nodiscard]] ClientMetric::Histogram histogram(const std::array<double, kBounds>& bounds,
                                                std::span<const std::size_t> shown,
                                                const std::array<std::uint64_t, kBounds + 1>& counts,
                                                double sum) {
  ClientMetric::Histogram out;
  for (const std::size_t i : shown)
    out.bucket.push_back(
        {std::accumulate(counts.begin(), counts.begin() + i + 1, std::uint64_t{0}), bounds[i]});
  out.sample_count = std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
  out.sample_sum = sum;
  out.bucket.push_back({out.sample_count, std::numeric_limits<double>::infinity()});
  return out;
}

// Which bounds of the histograms by peer are shown. The contract has fewer than 5,000 series with a hundred
// peers, so the more peers there are, the fewer bounds each has.
struct ShownBounds {
  std::span<const std::size_t> setup, duration, jitter, loss, mos;
};
[[nodiscard]] ShownBounds shown_bounds(std::size_t peers);

// Streams, packets and their quality.
void add_media(std::vector<MetricFamily>& out, const Observation& seen);
// TCP and TLS; nothing where there is only UDP.
void add_connections(std::vector<MetricFamily>& out, const Observation& seen);

}  // namespace sallyport::mgmt
