// peer_budget_watch.cpp — an alarm of each peer.
#include "mgmt/daemon/peer_budget_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sallyport::mgmt {
namespace {

constexpr std::string_view kName = "peer_over_budget";

}  // namespace

void PeerBudgetWatch::clear(Place& place) {
  if (std::exchange(place.until, std::nullopt)) alarms_.clear(kName, place.peer);
}

void PeerBudgetWatch::look(const SbcConfig& config, std::span<const std::uint64_t> dropped, Timestamp now) {
  const std::size_t count = std::min(config.peers.size(), dropped.size());
  for (std::size_t i = 0; i < count; ++i) {
    if (i == places_.size()) places_.push_back({config.peers[i].name, 0, 0, std::nullopt});
    Place& place = places_[i];
    if (place.peer != config.peers[i].name) {
      clear(place);
      place = {config.peers[i].name, dropped[i], 0, std::nullopt};
    }
    if (const std::uint64_t before = std::exchange(place.seen, dropped[i]); before != dropped[i]) {
      if (!place.until) place.before = before;
      place.until = now + kAlarmFor;
      alarms_.raise(kName, place.peer, fmt::format("{} datagrams dropped", dropped[i] - place.before));
    } else if (place.until && now >= *place.until) {
      clear(place);
    }
  }
}

}  // namespace sallyport::mgmt
