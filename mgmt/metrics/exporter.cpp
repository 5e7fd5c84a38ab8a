// exporter.cpp — builds metric families from an observation.
#include "mgmt/metrics/exporter.h"

#include <fmt/format.h>
#include <prometheus/text_serializer.h>
#include <algorithm>

#include <array>
#include <sstream>
#include <string_view>

#include "mgmt/metrics/metric_family.h"

namespace sallyport::mgmt {
namespace {

constexpr std::array<std::string_view, 2> kSipDirections{"in", "out"};
// What was dropped before it had a class shows in dataplane_dropped_total.
constexpr std::array<std::pair<dataplane::PacketClass, std::string_view>, 3> kClasses{{
    {dataplane::PacketClass::Media, "media"},
    {dataplane::PacketClass::Signalling, "signalling"},
    {dataplane::PacketClass::Exception, "exception"},
}};

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

void add_calls(std::vector<MetricFamily>& out, const Observation& seen) {
  MetricFamily active =
      family("calls_active", MetricType::Gauge, "Calls that are up, by peer; in: from the peer, out: to it.");
  MetricFamily limit = family("calls_limit", MetricType::Gauge, "How many calls of a peer may be up.");
  MetricFamily total = family("calls_total", MetricType::Counter, "Calls that are over, by how they ended.");
  MetricFamily setup = family("call_setup_seconds", MetricType::Histogram, "From INVITE to its answer.");
  MetricFamily duration = family("call_duration_seconds", MetricType::Histogram, "From answer to end.");
  const ShownBounds shown = shown_bounds(seen.plane.peers.size());
  for (std::size_t peer = 0; peer < seen.plane.peers.size(); ++peer) {
    const dataplane::PeerCallCounts& counts = seen.plane.peers[peer];
    const std::string& name = seen.peer_names.at(peer);
    for (std::size_t direction = 0; direction < kSipDirections.size(); ++direction) {
      const std::string way(kSipDirections[direction]);
      const Labels labels{{"peer", name}, {"direction", way}};
      if (peer + 1 < seen.plane.peers.size()) {  // what is no peer has no count and no limit of its own
        add(active, labels, std::uint64_t{counts.active[direction]});
        add(limit, labels, std::uint64_t{counts.limit[direction]});
      }
      for (std::size_t i = 0; i < static_cast<std::size_t>(CallResult::kCount); ++i)
        add(total,
            {{"peer", name},
             {"direction", way},
             {"result", std::string(to_string(static_cast<CallResult>(i)))}},
            counts.results[direction][i]);
      add(setup, labels,
          histogram(sip::kSetupBounds, shown.setup, counts.setup[direction],
                    static_cast<double>(counts.setup_milliseconds[direction]) / 1000));
      add(duration, labels,
          histogram(sip::kDurationBounds, shown.duration, counts.duration[direction],
                    static_cast<double>(counts.duration_milliseconds[direction]) / 1000));
    }
  }
  for (MetricFamily* one : {&active, &limit, &total, &setup, &duration}) out.push_back(std::move(*one));
  MetricFamily up = family("peer_up", MetricType::Gauge, "Whether one of the peer's targets is up.");
  const auto is_registrar = [&seen](std::size_t peer) {
    return peer < seen.are_registrars.size() && seen.are_registrars[peer];
  };
  for (std::size_t peer = 0; peer < std::min(seen.peers_up.size(), seen.peer_names.size()); ++peer)
    if (!is_registrar(peer)) add(up, {{"peer", seen.peer_names[peer]}}, seen.peers_up[peer] ? 1.0 : 0.0);
  out.push_back(std::move(up));
  MetricFamily detections =
      family("detections_total", MetricType::Counter, "What looked like an attack, and what was done.");
  for (std::size_t i = 0; i < sip::kDetectionNames.size(); ++i)
    add(detections,
        {{"detector", std::string(sip::kDetectionNames[i].detector)},
         {"action", std::string(sip::kDetectionNames[i].action)}},
        seen.plane.detections[i]);
  out.push_back(std::move(detections));
}

void add_signatures(std::vector<MetricFamily>& out, const Observation& seen) {
  if (seen.signatures.empty()) return;
  MetricFamily matches = family("signature_matches_total", MetricType::Counter,
                                "What a signature matched; dry_run: it was only counted.");
  for (const SignatureCount& one : seen.signatures)
    for (const bool is_dry : {false, true})
      if (const std::uint64_t count = is_dry ? one.dry_runs : one.matches; count != 0)
        add(matches,
            {{"sid", std::to_string(one.sid)},
             {"action", std::string(one.action)},
             {"dry_run", is_dry ? "true" : "false"}},
            count);
  out.push_back(std::move(matches));
}

void add_rest(std::vector<MetricFamily>& out, const Observation& seen) {
  MetricFamily refused =
      family("rest_refused_total", MetricType::Counter, "Requests over REST that were not let in.");
  for (const auto& [reason, count] : seen.rest_refused)
    add(refused, {{"reason", std::string(reason)}}, count);
  out.push_back(std::move(refused));
}

void add_operation(std::vector<MetricFamily>& out, const Observation& seen) {
  MetricFamily alarms = family("alarms_active", MetricType::Gauge, "Alarms that are up.");
  for (const AlarmCount& alarm : seen.alarms)
    add(alarms, {{"name", std::string(alarm.name)}, {"severity", std::string(to_string(alarm.severity))}},
        alarm.active);
  out.push_back(std::move(alarms));
  MetricFamily ends = family("certificate_expiry_timestamp_seconds", MetricType::Gauge,
                             "When a certificate, or one of its chain, expires.");
  for (const CertificateEnd& certificate : seen.certificates)
    add(ends, {{"certificate", certificate.name}}, static_cast<double>(certificate.not_after));
  out.push_back(std::move(ends));
  out.push_back(single_gauge("blocked_prefixes", "Prefixes from which nothing is taken.",
                             static_cast<double>(seen.blocked_prefixes)));
  out.push_back(single_gauge("cdr_queue", "Call records that are not in their files yet.",
                             static_cast<double>(seen.cdr_queue)));
}

void add_hep(std::vector<MetricFamily>& out, const Observation& seen) {
  if (!seen.hep) return;
  MetricFamily sent = family("hep_sent_total", MetricType::Counter, "Messages copied to the collector.");
  MetricFamily dropped = family("hep_dropped_total", MetricType::Counter,
                                "Messages that found no room on their way to the collector.");
  add(sent, {}, seen.hep->sent);
  add(dropped, {}, seen.hep->dropped);
  out.push_back(std::move(sent));
  out.push_back(std::move(dropped));
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
  add_calls(out, observation);
  add_sip(out, observation);
  out.push_back(single_gauge("transactions_active", "SIP transactions in memory.",
                             static_cast<double>(observation.plane.transactions_active)));
  out.push_back(single_gauge("dialogs_active", "SIP dialogs in memory.",
                             static_cast<double>(observation.plane.dialogs_active)));
  out.push_back(single_gauge("registrations_active", "Contacts of endpoints that are registered.",
                             static_cast<double>(observation.plane.registrations_active)));
  add_ports(out, observation.plane);
  add_lcores(out, observation);
  add_media(out, observation);
  add_connections(out, observation);
  add_rest(out, observation);
  add_operation(out, observation);
  add_signatures(out, observation);
  add_hep(out, observation);
  out.push_back(single_gauge("config_last_reload_successful",
                             "1 when the last attempt to load a configuration succeeded, else 0.",
                             observation.last_reload_successful ? 1 : 0));
  out.push_back(single_gauge("config_last_reload_success_timestamp_seconds",
                             "When a configuration was last loaded, at the start or later.",
                             observation.last_reload_success));
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
