// trunk_engine.cpp — OPTIONS probes of targets and what follows from them: RFC 3261 §11.1, RFC 3263 §4.3.
#include "sipalg/trunk/trunk_engine.h"

#include <algorithm>
#include <utility>

#include "policy/route/target_order.h"
#include "sipalg/engine/earliest.h"
#include "sipalg/trunk/trunk_state.h"

namespace sallyport::sip {
namespace {

constexpr unsigned kPeersPerCall = 16;
constexpr Duration kLook = std::chrono::seconds(1);  // how soon a call that failed elsewhere is heard of
constexpr Duration kNoRoomPause = std::chrono::seconds(1);
constexpr Duration kFirstPingsWithin = std::chrono::seconds(5);
constexpr std::uint32_t kCSeqMax = 0x7fffffff;     // RFC 3261 §8.1.1.5
constexpr std::int64_t kCSeqZero = 1'600'000'000;  // in September 2020; thus it grows until 2088

// `base` times 90 to 109 percent, so that no two peers keep step.
Duration spread(Duration base, std::uint64_t chance) noexcept {
  return base / 100 * static_cast<std::int64_t>(90 + chance % 20);
}

}  // namespace

TrunkEngine::TrunkEngine(const TrunkParts& parts)
    : parts_(parts),
      rules_(parts.shared.rulebook.read()),
      places_(static_cast<std::uint32_t>(peer_places(parts.config))),
      trunks_(2 * places_),
      wheel_(2 * places_ + 1) {}
TrunkEngine::~TrunkEngine() = default;

std::uint64_t TrunkEngine::chance() noexcept {
  const std::uint64_t count = ++chances_;
  return keyed_hash(parts_.settings.table_key, {reinterpret_cast<const char*>(&count), sizeof count});
}

void TrunkEngine::start(Timestamp now) {
  has_started_ = true;
  if (const auto due = wheel_.pop_due(now)) wheel_.arm(*due, now);  // it may be new, and learns the time
  for (std::uint32_t place = 0; place < places_; ++place)
    if (const PeerSide* const side = side_to_watch(place)) begin(place, *side, now);
  watch_board(now);
}

// Null: there is nothing to do for that peer, or no such peer.
const PeerSide* TrunkEngine::side_to_watch(std::uint32_t place) const noexcept {
  const PeerSide* const side = rules_->peer_side(PeerIndex(place));
  if (side == nullptr || side->config->is_retired) return nullptr;
  return side->config->health.ping || side->config->registration ? side : nullptr;
}

void TrunkEngine::begin(std::uint32_t place, const PeerSide& side, Timestamp now) {
  trunks_[place] = std::make_unique<Trunk>();
  Trunk& trunk = *trunks_[place];
  trunk.slot = place;
  trunk.peer = PeerIndex(place);
  trunk.rules = rules_;
  trunk.side = &side;
  if (side.config->registration) make_registration(trunk, now);
  look_at_targets(trunk, now);
  arm(trunk);
}

void TrunkEngine::watch_board(Timestamp now) {
  const auto look = static_cast<std::uint32_t>(trunks_.size());
  const bool has_work = std::any_of(trunks_.begin(), trunks_.begin() + places_,
                                    [](const auto& trunk) { return trunk != nullptr; });
  if (!has_work) return wheel_.disarm(look);
  if (!wheel_.is_armed(look)) wheel_.arm(look, now + kLook);
}

void TrunkEngine::on_deadline(Timestamp now, EngineOutput& out) {
  if (!has_started_) start(now);
  for (unsigned i = 0; i < kPeersPerCall && !out.is_nearly_full(); ++i) {
    const auto due = wheel_.pop_due(now);
    if (!due) return;
    if (*due == trunks_.size()) {
      wheel_.arm(*due, now + kLook);
      look_at_board({now, out});
    } else if (Trunk* const trunk = trunks_[*due].get(); trunk != nullptr) {
      work(*trunk, {now, out});
    }
  }
}

std::optional<Timestamp> TrunkEngine::next_deadline() const noexcept {
  if (!has_started_) return Timestamp{};  // at once
  return wheel_.next_deadline();
}

void TrunkEngine::look_at_board(Turn turn) {
  const std::uint64_t version = parts_.shared.targets.version();
  const bool is_new = version != std::exchange(board_version_, version);
  for (std::uint32_t place = 0; place < places_; ++place) {
    Trunk* const trunk = trunks_[place].get();
    if (trunk == nullptr) continue;
    if (is_new) look_at_targets(*trunk, turn.now);
    look_at_failures(*trunk, turn.now);
    arm(*trunk);
  }
}

// What is known of a target stays with it when names are resolved anew.
void TrunkEngine::look_at_targets(Trunk& trunk, Timestamp now) {
  auto list = parts_.shared.targets.targets_of(trunk.peer);
  if (list == trunk.list) return;
  std::vector<Watch> watches;
  for (const auto& target : *list) {
    if (watches.size() == policy::kOrderedTargetsMax) break;
    const auto known = std::ranges::find_if(trunk.watches, [&](const Watch& watch) {
      return watch.target && is_same_target(*watch.target, *target);
    });
    Watch& watch = watches.emplace_back();
    if (known != trunk.watches.end()) {
      watch = std::move(*known);
      known->target = nullptr;
      known->pending = 0;
    } else {
      watch.health = TargetHealth(target->is_up.load(std::memory_order_relaxed));
      watch.next_probe = first_probe(trunk, now);
      watch.failures_seen = target->failures.load(std::memory_order_relaxed);
    }
    watch.target = target;
    target->is_up.store(watch.health.is_up(), std::memory_order_relaxed);
  }
  for (const Watch& gone : trunk.watches)
    if (gone.pending != 0) parts_.clients.forget(gone.pending);
  trunk.list = std::move(list);
  trunk.watches = std::move(watches);
  if (!trunk.registration || !trunk.registration->registrar) return;
  const policy::BoardTarget& registrar = *trunk.registration->registrar;
  if (std::ranges::none_of(*trunk.list,
                           [&](const auto& target) { return is_same_target(*target, registrar); }))
    trunk.registration->machine.hurry(now);
}

Timestamp TrunkEngine::first_probe(const Trunk& trunk, Timestamp now) noexcept {
  const Duration within = std::min(trunk.config().health.ping.value_or(kFirstPingsWithin), kFirstPingsWithin);
  return now + spread(within * static_cast<std::int64_t>(chance() % 100) / 100, chance());
}

// Calls that failed for want of an answer, in any engine. RFC 3263 §4.3
void TrunkEngine::look_at_failures(Trunk& trunk, Timestamp now) {
  if (!trunk.is_probed()) return;
  for (Watch& watch : trunk.watches) {
    const std::uint32_t failures = watch.target->failures.load(std::memory_order_relaxed);
    const std::uint32_t fresh = failures - watch.failures_seen;
    if (fresh == 0) continue;
    watch.failures_seen = failures;
    if (watch.pending == 0) watch.next_probe = now;
    watch.health.on_failed_calls(trunk.config().health, fresh);
  }
}

void TrunkEngine::work(Trunk& trunk, Turn turn) {
  if (trunk.is_probed())
    for (Watch& watch : trunk.watches) {
      if (turn.out.is_nearly_full()) break;
      if (watch.next_at() > turn.now) continue;
      if (watch.pending != 0) {
        parts_.clients.forget(watch.pending);
        on_probe_result(trunk, watch, 408, turn);
      }
      if (watch.next_at() <= turn.now) probe(trunk, watch, turn);
    }
  if (trunk.registration) {
    RegistrationMachine& machine = trunk.registration->machine;
    if (is_leaving_) machine.leave(turn.now);
    if (machine.is_due(turn.now))
      must_wait(trunk) ? machine.postpone(turn.now + kLook) : ask(trunk, true, turn);
  }
  settle(trunk, turn.now);
}

void TrunkEngine::arm(const Trunk& trunk) {
  std::optional<Timestamp> next;
  if (trunk.is_probed())
    for (const Watch& watch : trunk.watches) keep_earlier(next, watch.next_at());
  if (trunk.registration) keep_earlier(next, trunk.registration->machine.next_at());
  next ? wheel_.arm(trunk.slot, *next) : wheel_.disarm(trunk.slot);
}

std::uint64_t TrunkEngine::send(const Trunk& trunk, const policy::BoardTarget& target,
                                OwnRequestParts request, Turn turn) {
  const Place* const place =
      rules_->places.towards(trunk.side->realm, target.address.address, target.transport);
  const std::uint32_t most = parts_.settings.transactions_max;
  if (place == nullptr || parts_.clients.size() + most / 8 + 1 >= most) return 0;  // calls go before
  const Path path{.realm = trunk.side->realm,
                  .local = place->endpoint,
                  .remote = target.address,
                  .transport = target.transport,
                  .peer = trunk.peer};
  const std::uint64_t number = parts_.numbers.take_number();
  const TokenText branch =
      write_token(parts_.settings.token_key, TokenKind::Branch, {.shard = 0, .part = 0, .number = number});
  RequestParts& parts = request.parts;
  PeerCredentials& credentials = trunk.own ? *trunk.own : parts_.credentials;
  lines_ += credentials.lines_for(trunk.peer, {parts.method, parts.request_uri});
  parts.own = &place->names;
  parts.branch = sip::view(branch);
  parts.own_lines = lines_;
  const std::span<char> room = turn.out.room();
  const auto bytes = write_request(room, parts);
  if (!bytes) return 0;
  const Method method = method_of(parts.method);
  const std::string_view sent = turn.out.commit(path, bytes->size(), 0);
  parts_.counters[to_position(path.realm)]
      .requests[static_cast<std::size_t>(Direction::Out)][static_cast<std::size_t>(method)]
      .add();
  const bool is_kept = parts_.clients.start({.number = number,
                                             .kind = TransactionKind::NonInvite,
                                             .user = {0, trunk.slot, request.purpose, 0},
                                             .path = path,
                                             .request = sent,
                                             .timers = trunk.side->neighbour.timers,
                                             .reliability = reliability_of(path.transport),
                                             .method = method,
                                             .cseq = parts.cseq},
                                            turn.now);
  return is_kept ? number : 0;
}

// RFC 3261 §11.1. Each probe is a Call-ID of its own; it says nothing of us but the place it comes from.
void TrunkEngine::probe(Trunk& trunk, Watch& watch, Turn turn) {
  const policy::BoardTarget& target = *watch.target;
  const Place* const place =
      rules_->places.towards(trunk.side->realm, target.address.address, target.transport);
  if (place == nullptr) {  // no listener to send from: it can't be told what lives there
    watch.next_probe = turn.now + *trunk.config().health.ping;
    return;
  }
  const Token name{.shard = 0, .part = kRegistrationPart, .number = parts_.numbers.take_number()};
  const TokenText call_id = write_token(parts_.settings.token_key, TokenKind::CallId, name);
  const TokenText tag = write_token(parts_.settings.token_key, TokenKind::Tag, name);
  ruri_ = "sip:" + target.host;
  from_ = "<sip:" + place->names.uri_host + ">;tag=" + std::string(sip::view(tag));
  to_ = "<" + ruri_ + ">";
  contact_ = "<sip:" + place->names.contact_host + place->names.contact_params + ">";
  lines_ = "Accept: application/sdp\r\n";
  RequestParts parts;
  parts.method = "OPTIONS";
  parts.request_uri = ruri_;
  parts.from = from_;
  parts.to = to_;
  parts.call_id = sip::view(call_id);
  parts.contact = contact_;
  parts.allow = trunk.side->neighbour.allow;
  parts.wants_supported = true;
  watch.pending = send(trunk, target, {parts, kPingPurpose}, turn);
  watch.asked_at = turn.now;
  if (watch.pending == 0) watch.next_probe = turn.now + kNoRoomPause;
}

void TrunkEngine::on_probe_result(Trunk& trunk, Watch& watch, std::uint16_t code, Turn turn) {
  const HealthConfig& health = trunk.config().health;
  watch.pending = 0;
  watch.last_code = code;
  const bool is_alive = is_sign_of_life(code);
  if (is_alive) watch.round_trip = turn.now - watch.asked_at;
  const bool has_changed = is_alive ? watch.health.on_success(health) : watch.health.on_failure(health);
  watch.next_probe = std::max(watch.asked_at + spread(watch.health.interval(health), chance()), turn.now);
  if (has_changed) on_change(trunk, watch, turn);
}

void TrunkEngine::on_change(Trunk& trunk, Watch& watch, Turn turn) {
  const bool is_up = watch.health.is_up();
  watch.since = turn.now;
  watch.target->is_up.store(is_up, std::memory_order_relaxed);
  tell_alarms(trunk, turn);
  if (!trunk.registration) return;
  // Registered at one that is gone, or waiting for one that has come back. RFC 3263 §4.3
  const Registration& registration = *trunk.registration;
  const bool was_there = registration.registrar && is_same_target(*registration.registrar, *watch.target);
  const bool waits = registration.machine.state() == RegistrationState::Waiting;
  if ((!is_up && was_there && !trunk.all_down()) || (is_up && waits))
    trunk.registration->machine.hurry(turn.now);
}

TrunkEngine::Trunk* TrunkEngine::trunk_of(const TransactionUser& user) noexcept {
  return user.part < trunks_.size() ? trunks_[user.part].get() : nullptr;
}

void TrunkEngine::on_response(const TransactionUser& user, std::uint64_t number, const SipMessage& response,
                              Timestamp now, EngineOutput& out) {
  Trunk* const trunk = trunk_of(user);
  const std::uint16_t code = response.start.status_code;
  if (trunk == nullptr || code < 200) return;
  if (user.purpose == kRegisterPurpose) {
    take_register_response(*trunk, number, response, {now, out});
  } else {
    for (Watch& watch : trunk->watches)
      if (watch.pending == number) on_probe_result(*trunk, watch, code, {now, out});
  }
  settle(*trunk, now);
}

void TrunkEngine::on_transaction_end(const TransactionEvent& event, Timestamp now, EngineOutput& out) {
  Trunk* const trunk = trunk_of(event.user);
  if (trunk == nullptr) return;
  const std::uint16_t code = event.end == TransactionEnd::Timeout ? 408 : 503;  // RFC 3261 §8.1.3.1
  if (event.user.purpose == kRegisterPurpose) {
    if (trunk->registration && trunk->registration->pending == event.number) {
      trunk->registration->pending = 0;
      if (event.end != TransactionEnd::TransportError || !waits_for_way(*trunk, now))
        on_register_result(*trunk, {.code = code}, {now, out});
    }
  } else {
    for (Watch& watch : trunk->watches)
      if (watch.pending == event.number) on_probe_result(*trunk, watch, code, {now, out});
  }
  settle(*trunk, now);
}

std::optional<std::uint32_t> TrunkEngine::take_repeat(const RepeatableRequest& request, std::uint64_t number,
                                                      std::uint64_t again) {
  Trunk* const trunk = trunk_of(request.terms.user);
  if (trunk == nullptr) return std::nullopt;
  if (request.terms.user.purpose == kRegisterPurpose) {
    if (!trunk->registration || trunk->registration->pending != number) return std::nullopt;
    trunk->registration->pending = again;
    return ++trunk->registration->cseq;
  }
  for (Watch& watch : trunk->watches) {
    if (watch.pending != number) continue;
    watch.pending = again;
    return request.terms.cseq + 1;
  }
  return std::nullopt;
}

void TrunkEngine::tell_alarms(Trunk& trunk, Turn turn) {
  if (trunk.is_leaving()) return;
  const bool is_down = trunk.is_probed() && trunk.all_down();
  const bool has_failed = trunk.registration && trunk.registration->machine.has_failed();
  const std::string& name = trunk.config().name;
  if (is_down != std::exchange(trunk.is_down, is_down))
    turn.out.add(turn.now, AlarmEvent{"peer_down", is_down, is_down ? "no target answers" : "", name});
  if (has_failed == std::exchange(trunk.has_failed, has_failed)) return;
  std::string detail;
  if (has_failed) detail = "last answer " + std::to_string(trunk.registration->machine.last_code());
  turn.out.add(turn.now, AlarmEvent{"registration_failed", has_failed, std::move(detail), name});
}

void TrunkEngine::drain() noexcept {
  is_leaving_ = true;
  for (const auto& trunk : trunks_)
    if (trunk && trunk->registration) wheel_.arm(trunk->slot, Timestamp{});
}

// Grows through a restart, because the clock does. RFC 3261 §10.2: a binding is changed by a higher one only
std::uint32_t TrunkEngine::next_cseq(std::uint32_t last, Timestamp now) const noexcept {
  const auto utc =
      std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch() + parts_.settings.utc_at_zero);
  const auto by_clock = std::clamp<std::int64_t>(utc.count() - kCSeqZero, 1, kCSeqMax);
  return std::max(last + 1, static_cast<std::uint32_t>(by_clock));
}

std::vector<TrunkView> TrunkEngine::view(Timestamp now) const {
  std::vector<TrunkView> views;
  for (std::size_t i = 0; i < rules_->peers.size(); ++i) {
    const PeerConfig& peer = *rules_->peers[i].config;
    if (peer.is_retired) continue;
    TrunkView& shown = views.emplace_back();
    shown.peer = peer.name;
    const Trunk* const trunk = i < places_ ? trunks_[i].get() : nullptr;
    shown.is_probed = trunk != nullptr && trunk->is_probed();
    shown.is_up = parts_.shared.targets.is_up(PeerIndex(i));
    const auto targets = parts_.shared.targets.targets_of(PeerIndex(i));
    for (const auto& target : *targets) {
      TrunkTargetView& one = shown.targets.emplace_back();
      one.host = target->host;
      one.address = target->address;
      one.transport = target->transport;
      one.is_up = target->is_up.load(std::memory_order_relaxed);
      if (trunk == nullptr) continue;
      const auto watch = std::ranges::find_if(
          trunk->watches, [&](const Watch& known) { return is_same_target(*known.target, *target); });
      if (watch == trunk->watches.end()) continue;
      one.since = watch->since;
      one.round_trip = watch->round_trip;
      one.last_code = watch->last_code;
      one.failures_in_a_row = watch->health.failures();
    }
    if (trunk != nullptr && trunk->registration) shown.registration = view_of(*trunk, now);
  }
  return views;
}

}  // namespace sallyport::sip
