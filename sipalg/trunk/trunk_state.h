// trunk_state.h — what the trunk engine knows of one peer.
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "policy/route/target_board.h"
#include "sipalg/auth/peer_credentials.h"
#include "sipalg/engine/rulebook.h"
#include "sipalg/trunk/trunk_engine.h"

namespace sallyport::sip {

// One address of a target, and the probe that is under way.
struct TrunkEngine::Watch {
  SharedValue<policy::BoardTarget> target;
  TargetHealth health;
  Timestamp since{};
  Timestamp next_probe{};
  std::uint64_t pending = 0;  // number of the probe's transaction; 0: none
  Timestamp asked_at{};
  std::optional<Duration> round_trip;
  std::uint16_t last_code = 0;
  std::uint32_t failures_seen = 0;  // of those that the board has counted

  [[nodiscard]] Timestamp next_at() const noexcept {
    return pending != 0 ? asked_at + kProbePatience : next_probe;
  }
};

struct TrunkEngine::Registration {
  explicit Registration(RegistrationMachine first) noexcept : machine(first) {}
  RegistrationMachine machine;
  std::string registrar_uri;  // Request-URI
  std::string call_id, tag, user;
  std::uint32_t cseq = 0;
  std::uint64_t pending = 0;
  unsigned unsent = 0;                                  // times in a row that it could not be sent
  SharedValue<policy::BoardTarget> registrar;           // that was asked last
  std::vector<SharedValue<policy::BoardTarget>> asked;  // in this round
};

// Or a registration of it that is being taken back because a reload has changed it, or taken out the peer:
// that goes by the rulebook and the credentials that it was made with.
struct TrunkEngine::Trunk {
  std::uint32_t slot = 0;
  PeerIndex peer = PeerIndex::kNone;
  SharedValue<Rulebook> rules;
  const PeerSide* side = nullptr;          // one of theirs
  std::unique_ptr<PeerCredentials> own;    // of one that is being taken back
  SharedValue<policy::BoardTargets> list;  // as it was looked at last
  std::vector<Watch> watches;
  std::optional<Registration> registration;
  bool is_down = false, has_failed = false;  // as the alarms say

  [[nodiscard]] const PeerConfig& config() const noexcept { return *side->config; }
  [[nodiscard]] bool is_leaving() const noexcept { return own != nullptr; }
  [[nodiscard]] bool is_probed() const noexcept { return config().health.ping.has_value() && !is_leaving(); }
  [[nodiscard]] bool all_down() const noexcept {
    return !watches.empty() &&
           std::ranges::none_of(watches, [](const Watch& watch) { return watch.health.is_up(); });
  }
};

}  // namespace sallyport::sip
