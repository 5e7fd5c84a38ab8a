// show_json.cpp — an observation as JSON.
#include "mgmt/cli/show_json.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>
#include <string>

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

[[nodiscard]] Json port_json(const dataplane::PortSnapshot& port) {
  std::uint64_t dropped = 0;
  for (const std::uint64_t count : port.dropped) dropped += count;
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
          {"dropped",
           {{"total", dropped}, {"reasons", named_counts(port.dropped, dataplane::kDropReasonNames)}}}};
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
  Json realms = Json::array(), lcores = Json::array(), rings = Json::array();
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
      {"realms", std::move(realms)},
      {"calls", {{"active", plane.calls_active}, {"capacity", plane.calls_capacity}}},
      {"dialogs", {{"active", plane.dialogs_active}}},
      {"registrations", {{"active", plane.registrations_active}, {"capacity", plane.registrations_capacity}}},
      {"transactions", {{"active", plane.transactions_active}, {"capacity", plane.transactions_capacity}}},
      {"sources", {{"tracked", plane.sources_tracked}, {"capacity", plane.sources_capacity}}},
      {"media", media_json(observation)},
      {"mbufs", {{"free", plane.mbufs_free}, {"total", plane.mbufs_total}}},
      {"lcores", std::move(lcores)},
      {"rings", std::move(rings)}};
}

}  // namespace sallyport::mgmt
