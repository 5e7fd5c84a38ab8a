// align_peers.cpp — places of peers over a reload.
#include "mgmt/config/align_peers.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace sallyport::mgmt {
namespace {

using Places = std::vector<std::optional<PeerConfig>>;

// Nobody reloads so often under one call.
constexpr std::size_t kFormerSourcesMax = 64;

std::vector<Prefix> sources_of(const PeerConfig& peer) {
  std::vector<Prefix> sources = peer.sources;
  for (const PeerTarget& target : peer.targets)
    if (target.address) {
      const IpAddress& address = target.address->address;
      sources.push_back({address, static_cast<std::uint8_t>(address.is_v4() ? 32 : 128)});
    }
  return sources;
}

// `is_idle`: no call was of it when this reload began; what it lost before that is forgotten.
void keep_former_sources(const PeerConfig& before, bool is_idle, PeerConfig& now) {
  const std::vector<Prefix> stay = sources_of(now);
  std::vector<Prefix> former = sources_of(before);
  if (!is_idle) former.insert(former.end(), before.former_sources.begin(), before.former_sources.end());
  for (const Prefix& one : former) {
    const bool is_known = std::ranges::find(stay, one) != stay.end() ||
                          std::ranges::find(now.former_sources, one) != now.former_sources.end();
    if (!is_known && now.former_sources.size() < kFormerSourcesMax) now.former_sources.push_back(one);
  }
}

void put_known(const SbcConfig& running, const std::vector<bool>& is_idle, std::vector<PeerConfig>& left,
               Places& places) {
  for (std::size_t i = 0; i < running.peers.size(); ++i) {
    const auto again = std::ranges::find(left, running.peers[i].name, &PeerConfig::name);
    if (again == left.end()) continue;
    keep_former_sources(running.peers[i], i < is_idle.size() && is_idle[i], *again);
    places[i] = std::move(*again);
    left.erase(again);
  }
}

// What is left of the old ones: calls may still go through them. To one that is taken out only now a call may
// come until all threads have followed, however idle it was when this reload began.
void keep_retired(const SbcConfig& running, const std::vector<bool>& is_idle, Places& places) {
  for (std::size_t i = 0; i < running.peers.size(); ++i) {
    const bool is_free = running.peers[i].is_retired && i < is_idle.size() && is_idle[i];
    if (places[i] || is_free) continue;
    places[i] = running.peers[i];
    places[i]->is_retired = true;
  }
}

// Nobody's, but the numbers behind it must not move.
PeerConfig empty_place(const PeerConfig& last) {
  PeerConfig place = last;
  place.sources.clear();
  place.former_sources.clear();
  place.targets.clear();
  return place;
}

}  // namespace

Result<void, std::string> align_peers(const SbcConfig& running, const std::vector<bool>& is_idle,
                                      SbcConfig& next) {
  std::vector<PeerConfig> left = std::move(next.peers);
  Places places(running.peers.size());
  put_known(running, is_idle, left, places);
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
    if (!places[i]) places[i] = empty_place(running.peers[i]);
    next.peers.push_back(std::move(*places[i]));
  }
  next.peer_places = running.peer_places;
  return {};
}

}  // namespace sallyport::mgmt
