// show_json.h — what `show ports` and `show stats` answer, as JSON: the form that programs read.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "mgmt/metrics/observation.h"

namespace sallyport::mgmt {

// {"ports":[{"name","device","driver","namespace","link","mac","mtu","vlan","addresses":[],
//   "received":{CLASS:{"packets","bytes"}},"sent":{...},"dropped":{"total","reasons":{REASON:n}}}]}
[[nodiscard]] nlohmann::ordered_json ports_json(const Observation& observation);
// {"version","dpdk","hugepages","node","at","started","uptime_s","is_draining",
//   "ports":[{"name","link","received","sent","dropped"}],"realms":[{"name","requests":{"in":{METHOD:n},"out":{}},"responses":{...},
//   "dropped":{REASON:n},"retransmissions":{"received","sent"}}],
//   "calls":{"active","capacity"},"dialogs":{"active"},"transactions":{"active","capacity"},
//   "sources":{"tracked","capacity"},"blocked":{"prefixes","capacity"},
//   "detections":{"total","by":[]},"alarms":{"active",SEVERITY:n},"media":{...},"mbufs":{"free","total"},"lcores":[...],"rings":[...]}
// Counts by method, code and reason leave out those that are 0.
[[nodiscard]] nlohmann::ordered_json stats_json(const Observation& observation);

}  // namespace sallyport::mgmt
