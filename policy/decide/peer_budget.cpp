// peer_budget.cpp — see peer_budget.h.
#include "policy/decide/peer_budget.h"

#include <algorithm>

namespace sallyport::policy {
namespace {

// OPTIONS, messages, registrations: whatever belongs to no call.
constexpr double kAnyway = 1000;
// A call from its beginning to its end, each datagram sent twice, with credentials and PRACK.
constexpr double kOfNewCall = 20;
// Refreshes, holds and digits of one that is up.
constexpr double kOfCall = 0.25;
// At once: what so much of a second allows, which the way to a signalling thread has room for.
constexpr std::uint64_t kWindows = 20, kAtOnceAnyway = 500;

double needed_by(const CallLimits& limits) noexcept {
  return kOfNewCall * limits.rate.per_second() + kOfCall * limits.calls;
}

}  // namespace

PeerBudget::PeerBudget(const SbcConfig& config) {
  for (const PeerConfig& peer : config.peers) {
    const auto realm = std::ranges::find(config.realms, peer.realm, &RealmConfig::name);
    const CallLimits usual = realm == config.realms.end() ? CallLimits{} : realm->limits;
    const double needed =
        kAnyway + needed_by(peer.limits_in.value_or(usual)) + needed_by(peer.limits_out.value_or(usual));
    const auto events = static_cast<std::uint64_t>(std::min(needed, 1e9));
    const std::uint64_t at_once = std::max(events / kWindows, kAtOnceAnyway);
    places_.push_back({BucketShape::of({{events, 1s}, at_once})});
  }
}

}  // namespace sallyport::policy
