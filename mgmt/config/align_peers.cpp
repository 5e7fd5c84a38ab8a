// align_peers.cpp — places of peers over a reload.
#include "mgmt/config/align_peers.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace sallyport::mgmt {
namespace {

using Places = std::vector<std::optional<PeerConfig>>;

void put_known(const SbcConfig& running, std::vector<PeerConfig>& left, Places& places) {
  for (std::size_t i = 0; i < running.peers.size(); ++i) {
    const auto again = std::ranges::find(left, running.peers[i].name, &PeerConfig::name);
    if (again == left.end()) continue;
    places[i] = std::move(*again);
    left.erase(again);
  }
}

// What is left of the old ones: calls may still go through them.
void keep_retired(const SbcConfig& running, const std::vector<bool>& is_idle, Places& places) {
  for (std::size_t i = 0; i < running.peers.size(); ++i) {
    const bool is_free = i < is_idle.size() && is_idle[i];
    if (places[i] || is_free) continue;
    places[i] = running.peers[i];
    places[i]->is_retired = true;
  }
}

}  // namespace

Result<void, std::string> align_peers(const SbcConfig& running, const std::vector<bool>& is_idle,
                                      SbcConfig& next) {
  std::vector<PeerConfig> left = std::move(next.peers);
  Places places(running.peers.size());
  put_known(running, left, places);
  keep_retired(running, is_idle, places);
  auto place = places.begin();
  for (PeerConfig& peer : left) {
    while (place != places.end() && *place) ++place;
    if (place == places.end()) place = places.insert(place, std::nullopt);
    *place = std::move(peer);
  }
  if (places.size() > running.peer_places)
    return fail("there is room for " + std::to_string(running.peer_places) +
                " peers, those with calls that were removed among them; restart for more");
  next.peers.clear();
  for (std::size_t i = 0; i < places.size(); ++i) {
    if (!places[i]) {  // nobody's: numbers behind it must not move
      places[i] = running.peers[i];
      places[i]->is_retired = true;
    }
    next.peers.push_back(std::move(*places[i]));
  }
  next.peer_places = running.peer_places;
  return {};
}

}  // namespace sallyport::mgmt
