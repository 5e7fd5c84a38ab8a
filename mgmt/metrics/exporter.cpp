// exporter.cpp — builds metric families from an observation.
#include "mgmt/metrics/exporter.h"

#include <fmt/format.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <sstream>
#include <string_view>

namespace sallyport::mgmt {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;

constexpr std::array<std::string_view, 2> kSipDirections{"in", "out"};
// What was dropped before it had a class shows in dataplane_dropped_total.
constexpr std::array<std::pair<dataplane::PacketClass, std::string_view>, 3> kClasses{{
    {dataplane::PacketClass::Media, "media"},
    {dataplane::PacketClass::Signalling, "signalling"},
    {dataplane::PacketClass::Exception, "exception"},
}};

[[nodiscard]] MetricFamily family(std::string_view name, MetricType type, std::string_view help) {
  MetricFamily out;
  out.name = fmt::format("sallyport_{}", name);
  out.help = help;
  out.type = type;
  return out;
}

void add(MetricFamily& family, Labels labels, double value) {
  ClientMetric metric;
  metric.label = std::move(labels);
  if (family.type == MetricType::Counter)
    metric.counter.value = value;
  else
    metric.gauge.value = value;
  family.metric.push_back(std::move(metric));
}

void add(MetricFamily& family, Labels labels, std::uint64_t value) {
  add(family, std::move(labels), static_cast<double>(value));
}

[[nodiscard]] MetricFamily single_gauge(std::string_view name, std::string_view help, double value) {
  MetricFamily out = family(name, MetricType::Gauge, help);
  add(out, {}, value);
  return out;
}

[[nodiscard]] std::string code_label_text(std::size_t label) {
  const std::size_t counted = sip::kCountedCodes.size();
  return label < counted ? std::to_string(sip::kCountedCodes[label])
                         : fmt::format("{}xx", label - counted + 1);
}

void add_sip(std::vector<MetricFamily>& out, const Observation& seen) {
  MetricFamily requests = family("sip_requests_total", MetricType::Counter,
                                 "SIP requests received (in) and sent (out), retransmissions not counted.");
  MetricFamily responses = family("sip_responses_total", MetricType::Counter,
                                  "SIP responses received (in) and sent (out), retransmissions not counted.");
  MetricFamily dropped =
      family("sip_dropped_total", MetricType::Counter, "SIP messages dropped without an answer.");
  MetricFamily again = family("sip_retransmissions_total", MetricType::Counter,
                              "SIP messages that came again (received) or were sent again (sent).");
  for (std::size_t realm = 0; realm < seen.plane.realms.size(); ++realm) {
    const sip::RealmSipCounts& counts = seen.plane.realms[realm];
    const std::string& name = seen.realm_names.at(realm);
    for (std::size_t direction = 0; direction < kSipDirections.size(); ++direction) {
      const std::string way(kSipDirections[direction]);
      for (std::size_t i = 0; i < sip::kMethodLabels.size(); ++i)
        add(requests, {{"realm", name}, {"direction", way}, {"method", std::string(sip::kMethodLabels[i])}},
            counts.requests[direction][i]);
      for (std::size_t i = 0; i < sip::kCodeLabelCount; ++i) {
        const std::uint64_t value = counts.responses[direction][i];
        // 56 codes that never came would only fill the page; 200 is always there, so the family is too.
        if (value != 0 || i == sip::code_label(200))
          add(responses, {{"realm", name}, {"direction", way}, {"code", code_label_text(i)}}, value);
      }
    }
    for (std::size_t i = 0; i < sip::kSipDropReasonNames.size(); ++i)
      add(dropped, {{"realm", name}, {"reason", std::string(sip::kSipDropReasonNames[i])}},
          counts.dropped[i]);
    add(again, {{"realm", name}, {"reason", "received"}}, counts.retransmissions_in);
    add(again, {{"realm", name}, {"reason", "sent"}}, counts.retransmissions_out);
  }
  for (MetricFamily* one : {&requests, &responses, &dropped, &again}) out.push_back(std::move(*one));
}

void add_ports(std::vector<MetricFamily>& out, const dataplane::DataPlaneSnapshot& plane) {
  MetricFamily packets = family("dataplane_packets_total", MetricType::Counter,
                                "Packets carried by a port, by class; dropped ones are not among them.");
  MetricFamily bytes = family("dataplane_bytes_total", MetricType::Counter,
                              "Octets of the frames carried by a port, by class.");
  MetricFamily dropped = family("dataplane_dropped_total", MetricType::Counter,
                                "Packets that the data plane did not carry, by reason.");
  for (const dataplane::PortSnapshot& port : plane.ports) {
    for (const auto& [packet_class, class_name] : kClasses) {
      const auto position = static_cast<std::size_t>(packet_class);
      const auto labels = [&](const char* direction) {
        return Labels{{"port", port.name}, {"direction", direction}, {"class", std::string(class_name)}};
      };
      add(packets, labels("in"), port.received[position].packets);
      add(packets, labels("out"), port.sent[position].packets);
      add(bytes, labels("in"), port.received[position].bytes);
      add(bytes, labels("out"), port.sent[position].bytes);
    }
    for (std::size_t i = 0; i < dataplane::kDropReasonCount; ++i)
      add(dropped, {{"port", port.name}, {"reason", std::string(dataplane::kDropReasonNames[i])}},
          port.dropped[i]);
  }
  for (MetricFamily* one : {&packets, &bytes, &dropped}) out.push_back(std::move(*one));
}

void add_lcores(std::vector<MetricFamily>& out, const Observation& seen) {
  MetricFamily busy = family("dataplane_busy_ratio", MetricType::Gauge,
                             "Share of its time that an lcore spent on packets, 0 to 1.");
  for (std::size_t i = 0; i < seen.plane.lcores.size(); ++i)
    add(busy, {{"lcore", std::to_string(seen.plane.lcores[i].lcore)}}, seen.busy_ratios.at(i));
  MetricFamily rings =
      family("dataplane_ring_used_ratio", MetricType::Gauge, "Fill of a hand-over ring, 0 to 1.");
  for (const dataplane::RingSnapshot& ring : seen.plane.rings) {
    const double capacity = static_cast<double>(ring.capacity);
    add(rings, {{"ring", ring.name}}, ring.capacity == 0 ? 0.0 : static_cast<double>(ring.used) / capacity);
  }
  out.push_back(std::move(busy));
  out.push_back(std::move(rings));
  out.push_back(single_gauge("dataplane_mbufs_free", "Packet buffers that are free.",
                             static_cast<double>(seen.plane.mbufs_free)));
}

}  // namespace

std::vector<MetricFamily> metric_families(const Observation& observation) {
  std::vector<MetricFamily> out;
  MetricFamily build = family("build_info", MetricType::Gauge, "Always 1; the labels say what is running.");
  add(build, {{"version", kVersion}, {"dpdk", observation.plane.dpdk_version}}, std::uint64_t{1});
  out.push_back(std::move(build));
  add_sip(out, observation);
  out.push_back(single_gauge("transactions_active", "SIP transactions in memory.",
                             static_cast<double>(observation.plane.transactions_active)));
  add_ports(out, observation.plane);
  add_lcores(out, observation);
  out.push_back(single_gauge("config_last_reload_successful",
                             "1 when the last attempt to load a configuration succeeded, else 0.",
                             observation.last_reload_successful ? 1 : 0));
  return out;
}

std::vector<MetricFamily> SnapshotCollectable::Collect() const {
  return metric_families(observer_.observe());
}

std::string metrics_text(const prometheus::Collectable& source) {
  std::ostringstream out;
  prometheus::TextSerializer().Serialize(out, source.Collect());
  return out.str();
}

}  // namespace sallyport::mgmt
