// detector_board.cpp — see detector_board.h.
#include "policy/detect/detector_board.h"

#include <algorithm>

#include "policy/detect/actor_keys.h"
#include "policy/detect/call_spam.h"
#include "policy/detect/detector_settings.h"
#include "policy/detect/emergency_callbacks.h"
#include "policy/detect/finding_maker.h"
#include "policy/detect/invite_flood.h"
#include "policy/detect/malformed.h"
#include "policy/detect/punished_flows.h"
#include "policy/detect/register_bruteforce.h"
#include "policy/detect/scanner.h"
#include "policy/detect/tdos.h"
#include "policy/detect/toll_fraud.h"

namespace sallyport::policy {
namespace {

using Standing = InviteFloodDetector::Standing;

// How the room is shared out. What a stranger does once leaks away in half a second and leaves its place to
// the next; only those who do much need theirs.
struct Rooms {
  std::size_t calls, callees, counts, targets, accounts, punished;
  explicit Rooms(std::uint32_t capacity) noexcept
      : calls(std::max<std::size_t>(capacity, kLeast)),
        callees(std::max<std::size_t>(capacity / 4, kLeast)),
        counts(std::max<std::size_t>(capacity / 2, kLeast)),
        targets(std::max<std::size_t>(capacity / 4, kLeast)),
        accounts(std::max<std::size_t>(capacity / 8, kLeast)),
        punished(std::max<std::size_t>(capacity / 8, kLeast)) {}

 private:
  static constexpr std::size_t kLeast = 1024;
};

// Ticks of the counts of malformed, register_bruteforce and scanner: three days until they begin anew.
constexpr Duration kTick = std::chrono::milliseconds(250);
constexpr Duration kLongest = std::chrono::hours(1);

}  // namespace

struct DetectorBoard::Tables {
  Tables(const DetectorsConfig& config, const Rooms& rooms, const HashKey& node_key, const EarnedTrust& trust)
      : key{node_key.k0 ^ 0x6465746563746f72u, node_key.k1},
        earned(trust),
        settings(config),
        punished(rooms.punished),
        maker(settings, earned, punished),
        counts(rooms.counts, kLongest, kTick),
        malformed(settings, counts),
        logins(settings, key, counts),
        scanner(rooms.targets, key, counts),
        flood(rooms.calls, key),
        tdos(settings, rooms.callees),
        toll(settings, rooms.accounts),
        spam(settings, key),
        callbacks(key) {}

  [[nodiscard]] Standing standing_of(Timestamp now, const Actor& actor) const noexcept {
    if (actor.is_peer) return Standing::Peer;
    const bool is_proved =
        actor.trust > TrustClass::Untrusted || earned.holds(earned.name_of(actor.realm, actor.source), now);
    return is_proved ? Standing::Proved : Standing::Stranger;
  }
  // 0: no number is dialled.
  [[nodiscard]] std::uint64_t callee_key(std::string_view called) const noexcept {
    return called.empty() ? 0 : std::max<std::uint64_t>(text_key(key, called), 1);
  }
  [[nodiscard]] std::optional<Finding> found(Timestamp now, const Actor& actor, const ActorKeys& keys,
                                             const std::optional<Suspicion>& suspicion) {
    if (!suspicion) return std::nullopt;
    return maker.make(now, actor, keys, *suspicion);
  }

  HashKey key;
  const EarnedTrust& earned;
  DetectorSettings settings;
  PunishedFlows punished;
  FindingMaker maker;
  ThresholdTable counts;
  MalformedDetector malformed;
  RegisterBruteforceDetector logins;
  ScannerDetector scanner;
  InviteFloodDetector flood;
  TdosDetector tdos;
  TollFraudDetector toll;
  CallSpamDetector spam;
  EmergencyCallbacks callbacks;
};

DetectorBoard::DetectorBoard(const DetectorsConfig& config, std::uint32_t capacity, const HashKey& key,
                             const EarnedTrust& earned)
    : tables_(std::make_unique<Tables>(config, Rooms(capacity), key, earned)) {}

DetectorBoard::~DetectorBoard() = default;

void DetectorBoard::adopt(const DetectorsConfig& config) { tables_->settings.adopt(config); }

std::size_t DetectorBoard::memory_for(std::uint32_t capacity) noexcept {
  const Rooms rooms(capacity);
  return PunishedFlows::memory_for(rooms.punished) + FindingMaker::memory_bytes() +
         ThresholdTable::memory_for(rooms.counts) + ScannerDetector::memory_for(rooms.targets) +
         InviteFloodDetector::memory_for(rooms.calls) + TdosDetector::memory_for(rooms.callees) +
         TollFraudDetector::memory_for(rooms.accounts) + EmergencyCallbacks::memory_bytes();
}

bool DetectorBoard::is_punished(Timestamp now, const Actor& actor) const noexcept {
  const Tables& tables = *tables_;
  if (tables.punished.is_empty() || actor.is_peer) return false;
  const ActorKeys keys(tables.key, actor);
  const auto standing = tables.punished.standing(keys.flow(Purpose::Punished), now);
  if (standing == PunishedFlows::Standing::Free) return false;
  if (standing == PunishedFlows::Standing::Punished || actor.is_proved)
    return standing == PunishedFlows::Standing::Punished;
  // What somebody else may have sent in its name does not meet who has earned trust since.
  return tables.standing_of(now, actor) == Standing::Stranger;
}

std::optional<Finding> DetectorBoard::on_malformed(Timestamp now, const Actor& actor) {
  const ActorKeys keys(tables_->key, actor);
  return tables_->found(now, actor, keys, tables_->malformed.on_malformed(now, keys));
}

std::optional<Finding> DetectorBoard::on_unheard(Timestamp now, const Actor& actor, std::string_view target) {
  const ActorKeys keys(tables_->key, actor);
  return tables_->found(now, actor, keys, tables_->scanner.on_target(now, actor, keys, target));
}

std::optional<Finding> DetectorBoard::on_login_failure(Timestamp now, const Actor& actor,
                                                       std::string_view user) {
  const ActorKeys keys(tables_->key, actor);
  return tables_->found(now, actor, keys, tables_->logins.on_failure(now, actor, keys, user));
}

void DetectorBoard::on_login(Timestamp now, const Actor& actor, std::string_view user) noexcept {
  tables_->logins.on_login(now, ActorKeys(tables_->key, actor), user);
}

bool DetectorBoard::are_logins_over(Timestamp now, const Actor& actor, std::string_view user) const noexcept {
  return !actor.is_peer && tables_->logins.is_over(now, actor, ActorKeys(tables_->key, actor), user);
}

// The first that has an effect is it; what would only be logged is when nothing else is said.
std::optional<Finding> DetectorBoard::before_call(Timestamp now, const Actor& actor, const Attempt& attempt) {
  if (attempt.is_emergency || is_callback(now, actor, attempt.called)) return std::nullopt;
  Tables& tables = *tables_;
  const ActorKeys keys(tables.key, actor);
  const std::uint64_t callee = tables.callee_key(attempt.called);
  const std::uint64_t payer = actor.account != 0 ? actor.account : keys.address(Purpose::Payer) | 1;
  const unsigned run = tables.toll.run_of(actor, payer, attempt.called);
  std::optional<Finding> logged;
  const auto acts = [&](std::optional<Suspicion> suspicion) {
    if (!suspicion) return false;
    suspicion->run = run;
    Finding finding = tables.maker.make(now, actor, keys, *suspicion);
    const bool has_effect = finding.action != DetectorAction::Log;
    if (has_effect || !logged) logged = std::move(finding);
    return has_effect;
  };
  if (!attempt.is_same_call &&
      acts(tables.flood.before_call(now, actor, keys, tables.standing_of(now, actor), callee)))
    return logged;
  if (callee == 0) return logged;
  const CallSpamDetector::Listed listed = tables.spam.look_up(attempt.caller);
  if (listed == CallSpamDetector::Listed::Denied && acts(tables.spam.denied(attempt.caller))) return logged;
  if (listed != CallSpamDetector::Listed::Allowed &&
      acts(tables.tdos.before_call(now, callee, actor.is_peer)))
    return logged;
  (void)acts(tables.toll.before_call({now, attempt.time}, payer, attempt.called, run));
  return logged;
}

EmergencyCallbacks& DetectorBoard::callbacks() noexcept { return tables_->callbacks; }

bool DetectorBoard::is_callback(Timestamp now, const Actor& actor, std::string_view called) const noexcept {
  const bool is_stranger = !actor.is_peer && actor.trust <= TrustClass::Untrusted;
  return !is_stranger && tables_->callbacks.holds(called, now);
}

void DetectorBoard::on_answered(Timestamp now, const Actor& actor, std::string_view called) noexcept {
  const ActorKeys keys(tables_->key, actor);
  const std::uint64_t callee = tables_->callee_key(called);
  tables_->flood.on_answered(now, actor, keys, tables_->standing_of(now, actor), callee);
  if (callee != 0) tables_->tdos.on_answered(now, callee, actor.is_peer);
}

bool DetectorBoard::is_costly(std::string_view called) const noexcept {
  return tables_->settings.is_costly(called);
}

void DetectorBoard::begin_costly(std::uint64_t account) noexcept {
  if (account != 0) tables_->toll.begin(account);
}

void DetectorBoard::end_costly(std::uint64_t account) noexcept {
  if (account != 0) tables_->toll.end(account);
}

}  // namespace sallyport::policy
