// peer_budget_watch.h — raises the alarm peer_over_budget while more datagrams come in a peer's name than its
// limits of calls can need (policy/decide/peer_budget.h): somebody writes its addresses on a flood, or the
// peer itself sends more than it said. Says which peer, since when, and how many were dropped; threats R1,
// R2.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mgmt/alarms/alarm_registry.h"
#include "policy/base/time.h"
#include "policy/model/sbc_config.h"

namespace sallyport::mgmt {

// One thread.
class PeerBudgetWatch {
 public:
  static constexpr Duration kAlarmFor = 60s;  // since the last look that found more

  // `alarms` must outlive it.
  explicit PeerBudgetWatch(AlarmRegistry& alarms) : alarms_(alarms) {}

  // Every few seconds. `dropped`: datagrams since the start, in the order of the peers.
  void look(const SbcConfig& config, std::span<const std::uint64_t> dropped, Timestamp now);

 private:
  struct Place {
    std::string peer;  // a reload may give its place to another
    std::uint64_t seen = 0;
    std::uint64_t before = 0;        // the alarm was raised
    std::optional<Timestamp> until;  // of the alarm; nothing: it is not up
  };
  void clear(Place& place);

  AlarmRegistry& alarms_;
  std::vector<Place> places_;  // by PeerIndex
};

}  // namespace sallyport::mgmt
