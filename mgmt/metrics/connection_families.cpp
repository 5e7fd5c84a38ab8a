// connection_families.cpp — TCP and TLS: what is open, what was refused, how handshakes and connections
// ended.
#include <array>
#include <string>

#include "mgmt/metrics/metric_family.h"

namespace sallyport::mgmt {
namespace {

constexpr std::array<const char*, 2> kTransports{"tcp", "tls"};
constexpr std::array<const char*, 2> kDirections{"in", "out"};  // opened by the other side; by us

void add_ways(std::vector<MetricFamily>& out, const dataplane::ConnectionsSnapshot& connections) {
  MetricFamily active = family("connections_active", MetricType::Gauge,
                               "Connections that are open; in: opened by the other side.");
  MetricFamily opened =
      family("connections_opened_total", MetricType::Counter, "Connections that were accepted or begun.");
  for (std::size_t way = 0; way < kTransports.size(); ++way)
    for (std::size_t direction = 0; direction < kDirections.size(); ++direction) {
      const Labels labels{{"transport", kTransports[way]}, {"direction", kDirections[direction]}};
      add(active, labels, connections.active[way][direction]);
      add(opened, labels, connections.opened[way][direction]);
    }
  out.push_back(std::move(active));
  out.push_back(std::move(opened));
}

template <class Names, class Counts>
void add_reasons(MetricFamily& into, const Names& names, const Counts& counts) {
  for (std::size_t i = 0; i < names.size(); ++i) add(into, {{"reason", std::string(names[i])}}, counts[i]);
}

void add_handshakes(std::vector<MetricFamily>& out, const Observation& seen) {
  MetricFamily handshakes =
      family("tls_handshakes_total", MetricType::Counter, "TLS handshakes, by how they ended.");
  const auto& realms = seen.plane.connections.handshakes;
  for (std::size_t realm = 0; realm < realms.size(); ++realm)
    for (std::size_t result = 0; result < realms[realm].size(); ++result)
      add(handshakes,
          {{"realm", seen.realm_names.at(realm)},
           {"result", std::string(to_string(static_cast<dataplane::TlsResult>(result)))}},
          realms[realm][result]);
  out.push_back(std::move(handshakes));
}

}  // namespace

void add_connections(std::vector<MetricFamily>& out, const Observation& seen) {
  const dataplane::ConnectionsSnapshot& connections = seen.plane.connections;
  if (connections.capacity == 0) return;  // UDP alone
  add_ways(out, connections);
  MetricFamily refused = family("connections_refused_total", MetricType::Counter,
                                "Connections that were closed as soon as they were opened to us.");
  add_reasons(refused, dataplane::kRefusalNames, connections.refused);
  MetricFamily closed =
      family("connections_closed_total", MetricType::Counter, "Connections that ended, by why.");
  add_reasons(closed, dataplane::kEndingNames, connections.closed);
  MetricFamily failed = family("connection_messages_failed_total", MetricType::Counter,
                               "Messages that no connection could carry away.");
  add(failed, {}, connections.messages_failed);
  for (MetricFamily* one : {&refused, &closed, &failed}) out.push_back(std::move(*one));
  add_handshakes(out, seen);
}

}  // namespace sallyport::mgmt
