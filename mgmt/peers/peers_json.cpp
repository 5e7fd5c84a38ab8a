// peers_json.cpp — writes peers.
#include "mgmt/peers/peers_json.h"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace sallyport::mgmt {
namespace {

using Json = nlohmann::ordered_json;

[[nodiscard]] Json time_json(const std::optional<WallTime>& at) {
  return at ? Json(iso_8601(*at)) : Json(nullptr);
}
[[nodiscard]] Json code_json(std::uint16_t code) { return code == 0 ? Json(nullptr) : Json(code); }

[[nodiscard]] Json milliseconds_json(const std::optional<Duration>& time) {
  if (!time) return nullptr;
  return static_cast<double>(std::chrono::duration_cast<std::chrono::microseconds>(*time).count()) / 1000;
}

[[nodiscard]] Json target_json(const PeerTargetView& target) {
  return {{"target", target.name},
          {"address", target.address ? Json(to_string(*target.address)) : Json(nullptr)},
          {"transport", to_string(target.transport)},
          {"state", target.state},
          {"since", time_json(target.since)},
          {"round_trip_ms", milliseconds_json(target.round_trip)},
          {"last_code", code_json(target.last_code)},
          {"calls", target.calls},
          {"weight", target.weight}};
}

[[nodiscard]] Json registration_json(const std::optional<PeerRegistrationView>& registration) {
  if (!registration) return nullptr;
  const sip::RegistrationView& seen = registration->seen;
  return {{"aor", seen.aor},
          {"state", seen.state},
          {"registrar", seen.registrar.empty() ? Json(nullptr) : Json(seen.registrar)},
          {"expires", time_json(registration->expires)},
          {"next", time_json(registration->next)},
          {"last_code", code_json(seen.last_code)}};
}

[[nodiscard]] Json peer_json(const PeerView& peer) {
  Json targets = Json::array();
  for (const PeerTargetView& target : peer.targets) targets.push_back(target_json(target));
  const auto calls = [&peer](std::size_t direction) {
    return Json{{"active", peer.active[direction]}, {"limit", peer.limit[direction]}};
  };
  return {{"name", peer.name},
          {"realm", peer.realm},
          {"profile", peer.profile},
          {"transport", to_string(peer.transport)},
          {"balance", to_string(peer.balance)},
          {"up", peer.is_up},
          {"probed", peer.is_probed},
          {"retired", peer.is_retired},
          {"calls", {{"in", calls(0)}, {"out", calls(1)}}},
          {"targets", std::move(targets)},
          {"registration", registration_json(peer.registration)}};
}

}  // namespace

Json peers_json(std::span<const PeerView> peers, std::size_t after, std::size_t limit) {
  const std::size_t first = std::min(after, peers.size()), count = std::min(limit, peers.size() - first);
  Json list = Json::array();
  for (const PeerView& peer : peers.subspan(first, count)) list.push_back(peer_json(peer));
  const bool is_last = first + count == peers.size();
  return {{"peers", std::move(list)},
          {"next", is_last ? Json(nullptr) : Json(std::to_string(first + count))}};
}

}  // namespace sallyport::mgmt
