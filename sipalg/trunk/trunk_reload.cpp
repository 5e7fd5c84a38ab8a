// trunk_reload.cpp — from one rulebook to the next: what stays the same goes on undisturbed, what is not
// wanted any more is taken back. RFC 3261 §10.2.2
#include <algorithm>
#include <utility>

#include "sipalg/trunk/trunk_engine.h"
#include "sipalg/trunk/trunk_state.h"

namespace sallyport::sip {
namespace {

// The same binding at the same registrar: AOR and Contact. How long it lasts may differ.
bool is_same_binding(const PeerSide& a, const PeerSide& b) noexcept {
  const auto& one = a.config->registration;
  const auto& other = b.config->registration;
  return one && other && one->aor == other->aor && one->mode == other->mode && a.realm == b.realm &&
         a.config->transport == b.config->transport;
}

// Our Contact is what it was.
bool is_shown_alike(const Rulebook& a, const Rulebook& b, RealmIndex realm, const policy::BoardTarget* to) {
  if (to == nullptr) return true;  // nobody has been told yet
  const Place* const one = a.places.towards(realm, to->address.address, to->transport);
  const Place* const other = b.places.towards(realm, to->address.address, to->transport);
  if (one == nullptr || other == nullptr) return one == other;
  return one->names.contact_host == other->names.contact_host &&
         one->names.contact_params == other->names.contact_params;
}

}  // namespace

void TrunkEngine::adopt(SharedValue<Rulebook> next, Timestamp now, EngineOutput& out) {
  rules_ = std::move(next);
  if (!has_started_) return;
  for (std::uint32_t place = 0; place < places_; ++place) adopt_place(place, {now, out});
  watch_board(now);
}

void TrunkEngine::adopt_place(std::uint32_t place, Turn turn) {
  const PeerSide* const side = side_to_watch(place);
  Trunk* const trunk = trunks_[place].get();
  const bool is_another = trunk != nullptr && side != nullptr && side->config->name != trunk->config().name;
  if (trunk != nullptr && side != nullptr && !is_another) return go_on(*trunk, *side, turn);
  if (trunk != nullptr) dismiss(place, turn);
  if (side != nullptr) begin(place, *side, turn.now);
}

void TrunkEngine::go_on(Trunk& trunk, const PeerSide& side, Turn turn) {
  const auto old_rules = std::exchange(trunk.rules, rules_);
  const PeerSide& before = *std::exchange(trunk.side, &side);
  adopt_registration(trunk, old_rules, turn.now);
  look_at_targets(trunk, turn.now);
  adopt_health(trunk, before.config->health, turn.now);
  tell_alarms(trunk, turn);
  arm(trunk);
}

// How often one may fail before it is down counts from the next probe on.
void TrunkEngine::adopt_health(Trunk& trunk, const HealthConfig& before, Timestamp now) {
  const HealthConfig& health = trunk.config().health;
  if (health == before) return;
  if (!health.ping) return end_probes(trunk);
  for (Watch& watch : trunk.watches) {
    if (!before.ping)
      watch.next_probe = first_probe(trunk, now);
    else
      watch.next_probe = std::min(watch.next_probe, now + watch.health.interval(health));
  }
}

void TrunkEngine::adopt_registration(Trunk& trunk, const SharedValue<Rulebook>& old_rules, Timestamp now) {
  const PeerSide& before = *old_rules->peer_side(trunk.peer);
  const auto& wanted = trunk.config().registration;
  const auto* const registrar = trunk.registration ? trunk.registration->registrar.get() : nullptr;
  if (is_same_binding(before, *trunk.side) &&
      is_shown_alike(*old_rules, *rules_, trunk.side->realm, registrar)) {
    const bool is_as_before = before.config->registration->expires == wanted->expires &&
                              before.config->credentials == trunk.config().credentials;
    if (is_as_before) return;
    trunk.registration->machine.set_lifetime(wanted->expires);
    trunk.registration->machine.hurry(now);
    return;
  }
  std::uint32_t cseq = 0;
  if (trunk.registration) {
    cseq = trunk.registration->cseq;
    take_back(trunk.peer, old_rules, std::move(*trunk.registration), now);
    trunk.registration.reset();
  }
  if (!wanted) return;
  make_registration(trunk, now);
  trunk.registration->cseq = cseq;  // under the same Call-ID they grow. RFC 3261 §10.2
}

// What is on its way for it is answered to nobody any more.
void TrunkEngine::dismiss(std::uint32_t place, Turn turn) {
  Trunk& trunk = *trunks_[place];
  end_probes(trunk);
  trunk.watches.clear();
  if (trunk.registration) take_back(trunk.peer, trunk.rules, std::move(*trunk.registration), turn.now);
  trunk.registration.reset();
  tell_alarms(trunk, turn);
  wheel_.disarm(place);
  trunks_[place].reset();
}

// Who is not asked is up.
void TrunkEngine::end_probes(Trunk& trunk) {
  for (Watch& watch : trunk.watches) {
    if (watch.pending != 0) parts_.clients.forget(std::exchange(watch.pending, 0));
    watch.health = {};
    watch.target->is_up.store(true, std::memory_order_relaxed);
  }
}

// By the rulebook that it was made with. One that this place took back before is given up: it ends by itself.
void TrunkEngine::take_back(PeerIndex peer, const SharedValue<Rulebook>& rules, Registration&& registration,
                            Timestamp now) {
  if (registration.pending != 0) parts_.clients.forget(std::exchange(registration.pending, 0));
  RegistrationMachine& machine = registration.machine;
  machine.state() == RegistrationState::Leaving ? machine.postpone(now) : machine.leave(now);
  if (machine.state() != RegistrationState::Leaving) return;  // there is no binding
  const auto slot = static_cast<std::uint32_t>(places_ + to_position(peer));
  std::unique_ptr<Trunk>& leaving = trunks_[slot];
  if (leaving && leaving->registration->pending != 0) parts_.clients.forget(leaving->registration->pending);
  leaving = std::make_unique<Trunk>();
  leaving->slot = slot;
  leaving->peer = peer;
  leaving->rules = rules;
  leaving->side = rules->peer_side(peer);
  leaving->own =
      std::make_unique<PeerCredentials>(peer, leaving->config(), HashKey{.k0 = chance(), .k1 = chance()});
  leaving->registration = std::move(registration);
  arm(*leaving);
}

void TrunkEngine::mark_leaving(std::vector<bool>& peers) const {
  for (const auto& trunk : trunks_)
    if (trunk && trunk->is_leaving() && to_position(trunk->peer) < peers.size())
      peers[to_position(trunk->peer)] = true;
}

PeerCredentials* TrunkEngine::own_credentials(const TransactionUser& user) noexcept {
  const Trunk* const trunk = trunk_of(user);
  return trunk == nullptr ? nullptr : trunk->own.get();
}

// A REGISTER waits until there is an end to the one before. RFC 3261 §10.2
bool TrunkEngine::must_wait(const Trunk& trunk) const noexcept {
  if (trunk.is_leaving()) return false;
  const Trunk* const leaving = trunks_[places_ + trunk.slot].get();
  return leaving != nullptr && leaving->registration->call_id == trunk.registration->call_id;
}

void TrunkEngine::settle(Trunk& trunk, Timestamp now) {
  if (!trunk.is_leaving() || trunk.registration->machine.state() != RegistrationState::Gone)
    return arm(trunk);
  Trunk* const next = trunks_[trunk.slot - places_].get();
  if (next != nullptr && next->registration && must_wait(*next)) {
    next->registration->cseq = std::max(next->registration->cseq, trunk.registration->cseq);
    next->registration->machine.hurry(now);
    arm(*next);
  }
  wheel_.disarm(trunk.slot);
  trunks_[trunk.slot].reset();
}

}  // namespace sallyport::sip
