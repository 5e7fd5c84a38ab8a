// show_json.cpp — an observation as JSON.
#include "mgmt/cli/show_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>

#include "mgmt/log/log_line.h"

namespace sallyport::mgmt {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::string_view, 4> kClassNames{"unclassified", "media", "signalling", "exception"};

[[nodiscard]] std::string mac_text(const dataplane::MacAddress& mac) {
  return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", mac[0], mac[1], mac[2], mac[3], mac[4],
                     mac[5]);
}

[[nodiscard]] Json traffic_json(const std::array<dataplane::TrafficCount, 4>& counts) {
  Json out = Json::object();
  for (const std::size_t i : {2u, 1u, 3u, 0u})
    out[std::string(kClassNames[i])] = {{"packets", counts[i].packets}, {"bytes", counts[i].bytes}};
  return out;
}

// Those that are not 0, under their names.
template <class Counts, class Names>
[[nodiscard]] Json named_counts(const Counts& counts, const Names& names) {
  Json out = Json::object();
  for (std::size_t i = 0; i < counts.size(); ++i)
    if (counts[i] != 0) out[std::string(names[i])] = counts[i];
  return out;
}

[[nodiscard]] Json drops_json(const dataplane::PortSnapshot& port) {
  const std::uint64_t total = std::reduce(port.dropped.begin(), port.dropped.end(), std::uint64_t{0});
  return {{"total", total}, {"reasons", named_counts(port.dropped, dataplane::kDropReasonNames)}};
}

[[nodiscard]] Json port_json(const dataplane::PortSnapshot& port) {
  Json addresses = Json::array();
  for (const Prefix& address : port.addresses) addresses.push_back(to_string(address));
  return {{"name", port.name},
          {"device", port.device},
          {"driver", port.driver},
          {"namespace", port.network_namespace},
          {"link", port.link_up ? "up" : "down"},
          {"mac", mac_text(port.mac)},
          {"mtu", port.mtu},
          {"vlan", port.vlan == 0 ? Json(nullptr) : Json(port.vlan)},
          {"addresses", std::move(addresses)},
          {"received", traffic_json(port.received)},
          {"sent", traffic_json(port.sent)},
          {"dropped", drops_json(port)}};
}

// What of a port changes while it works.
[[nodiscard]] Json port_counts_json(const dataplane::PortSnapshot& port) {
  return {{"name", port.name},
          {"link", port.link_up ? "up" : "down"},
          {"received", traffic_json(port.received)},
          {"sent", traffic_json(port.sent)},
          {"dropped", drops_json(port)}};
}

[[nodiscard]] std::array<std::string, sip::kCodeLabelCount> code_names() {
  std::array<std::string, sip::kCodeLabelCount> out;
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = i < sip::kCountedCodes.size() ? std::to_string(sip::kCountedCodes[i])
                                           : fmt::format("{}xx", i - sip::kCountedCodes.size() + 1);
  return out;
}

[[nodiscard]] Json realm_json(const std::string& name, const sip::RealmSipCounts& counts) {
  const auto codes = code_names();
  return {
      {"name", name},
      {"requests",
       {{"in", named_counts(counts.requests[0], sip::kMethodLabels)},
        {"out", named_counts(counts.requests[1], sip::kMethodLabels)}}},
      {"responses",
       {{"in", named_counts(counts.responses[0], codes)}, {"out", named_counts(counts.responses[1], codes)}}},
      {"dropped", named_counts(counts.dropped, sip::kSipDropReasonNames)},
      {"retransmissions", {{"received", counts.retransmissions_in}, {"sent", counts.retransmissions_out}}}};
}

[[nodiscard]] Json traffic(const dataplane::TrafficCount& count) {
  return {{"packets", count.packets}, {"bytes", count.bytes}};
}

// Means over all directions whose calls have ended.
[[nodiscard]] Json quality_json(const std::vector<PeerMediaQuality>& peers) {
  const auto sum = [](const auto& counts) {
    return std::reduce(counts.begin(), counts.end(), std::uint64_t{0});
  };
  std::uint64_t lost = 0, jitter = 0, mos = 0;
  double lost_sum = 0, jitter_sum = 0, mos_sum = 0;
  for (const PeerMediaQuality& peer : peers) {
    lost += sum(peer.loss), jitter += sum(peer.jitter), mos += sum(peer.mos);
    lost_sum += peer.loss_ratios, jitter_sum += peer.jitter_seconds, mos_sum += peer.mos_sum;
  }
  const auto mean = [](double of, std::uint64_t count) {
    return count == 0 ? Json(nullptr) : Json(of / static_cast<double>(count));
  };
  return {{"directions", std::max({lost, jitter, mos})},
          {"lost_ratio", mean(lost_sum, lost)},
          {"jitter_ms", mean(jitter_sum * 1000, jitter)},
          {"mos", mean(mos_sum, mos)}};
}

[[nodiscard]] Json detections_found(const dataplane::DataPlaneSnapshot& plane) {
  std::uint64_t total = 0;
  Json by = Json::array();
  for (std::size_t i = 0; i < plane.detections.size(); ++i) {
    if (plane.detections[i] == 0) continue;
    total += plane.detections[i];
    by.push_back({{"detector", sip::kDetectionNames[i].detector},
                  {"action", sip::kDetectionNames[i].action},
                  {"count", plane.detections[i]}});
  }
  return {{"total", total}, {"by", std::move(by)}};
}

[[nodiscard]] Json alarms_up(const std::vector<AlarmCount>& alarms) {
  Json out{{"active", 0}, {"critical", 0}, {"major", 0}, {"minor", 0}, {"warning", 0}};
  for (const AlarmCount& alarm : alarms)
    for (const std::string_view name : {std::string_view("active"), to_string(alarm.severity)})
      out[std::string(name)] = out[std::string(name)].get<std::uint64_t>() + alarm.active;
  return out;
}

[[nodiscard]] Json media_json(const Observation& observation) {
  const dataplane::MediaSnapshot& media = observation.plane.media;
  Json realms = Json::array();
  for (std::size_t i = 0; i < media.realms.size(); ++i) {
    const dataplane::RealmMediaSnapshot& realm = media.realms[i];
    realms.push_back({{"name", observation.realm_names.at(i)},
                      {"in", traffic(realm.in)},
                      {"out", traffic(realm.out)},
                      {"dropped", named_counts(realm.dropped, media::kMediaDropReasonNames)},
                      {"port_pairs", {{"taken", realm.port_pairs_taken}, {"capacity", realm.port_pairs}}}});
  }
  std::uint64_t sampled = 0;
  for (const std::uint64_t count : media.relay_times) sampled += count;
  return {{"streams",
           {{"active", media.streams_active},
            {"secured", media.streams_secured},
            {"closing", media.streams_closed}}},
          {"sources_learned", media.sources_learned},
          {"commands_refused", media.commands_refused},
          {"reports_late", observation.media_reports_late},
          {"relay_mean_ns", sampled == 0 ? Json(nullptr) : Json(media.relay_nanoseconds / sampled)},
          {"quality", quality_json(observation.media_quality)},
          {"realms", std::move(realms)}};
}

}  // namespace

Json ports_json(const Observation& observation) {
  Json ports = Json::array();
  for (const dataplane::PortSnapshot& port : observation.plane.ports) ports.push_back(port_json(port));
  return {{"ports", std::move(ports)}};
}

Json stats_json(const Observation& observation) {
  const dataplane::DataPlaneSnapshot& plane = observation.plane;
  Json realms = Json::array(), lcores = Json::array(), rings = Json::array(), ports = Json::array();
  for (const dataplane::PortSnapshot& port : plane.ports) ports.push_back(port_counts_json(port));
  for (std::size_t i = 0; i < plane.realms.size(); ++i)
    realms.push_back(realm_json(observation.realm_names.at(i), plane.realms[i]));
  for (std::size_t i = 0; i < plane.lcores.size(); ++i)
    lcores.push_back({{"lcore", plane.lcores[i].lcore},
                      {"cpu", plane.lcores[i].cpu < 0 ? Json(nullptr) : Json(plane.lcores[i].cpu)},
                      {"busy_ratio", observation.busy_ratios.at(i)},
                      {"busy_ns", plane.lcores[i].busy_ns},
                      {"total_ns", plane.lcores[i].total_ns}});
  for (const dataplane::RingSnapshot& ring : plane.rings)
    rings.push_back({{"name", ring.name}, {"used", ring.used}, {"capacity", ring.capacity}});
  return {
      {"version", kVersion},
      {"dpdk", plane.dpdk_version},
      {"hugepages", plane.hugepages},
      {"node", observation.node},
      {"at", iso_8601(observation.at)},
      {"started", iso_8601(observation.started)},
      {"uptime_s", std::chrono::floor<std::chrono::seconds>(observation.uptime).count()},
      {"is_draining", observation.is_draining},
      {"ports", std::move(ports)},
      {"realms", std::move(realms)},
      {"calls", {{"active", plane.calls_active}, {"capacity", plane.calls_capacity}}},
      {"dialogs", {{"active", plane.dialogs_active}}},
      {"registrations", {{"active", plane.registrations_active}, {"capacity", plane.registrations_capacity}}},
      {"transactions", {{"active", plane.transactions_active}, {"capacity", plane.transactions_capacity}}},
      {"sources", {{"tracked", plane.sources_tracked}, {"capacity", plane.sources_capacity}}},
      {"blocked", {{"prefixes", observation.blocked_prefixes}, {"capacity", observation.blocked_capacity}}},
      {"detections", detections_found(plane)},
      {"alarms", alarms_up(observation.alarms)},
      {"media", media_json(observation)},
      {"mbufs", {{"free", plane.mbufs_free}, {"total", plane.mbufs_total}}},
      {"lcores", std::move(lcores)},
      {"rings", std::move(rings)}};
}

}  // namespace sallyport::mgmt
