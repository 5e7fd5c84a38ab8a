// call_screen.cpp — calls meet the detectors before any target is tried, wherever their number comes from: an
// INVITE, a redirection that is followed, a REFER. Threats D5, I7, I8.
#include "sipalg/call/call_screen.h"

#include <algorithm>
#include <utility>

#include "policy/detect/emergency_callbacks.h"
#include "sipalg/call/call_engine.h"
#include "sipalg/registrar/aor.h"
#include "sipalg/registrar/endpoint_terms.h"

namespace sallyport::sip {
namespace {

constexpr std::size_t kDetectionsMax = 8;  // in one record

}  // namespace

policy::Actor caller_of(const CallEngineParts& parts, const Arrival& arrival, const Binding* sender) {
  policy::Actor caller = parts.detectors.actor_of(arrival.input);
  caller.account = sender != nullptr ? parts.detectors.account_of(sender->aor)
                                     : parts.detectors.account_at(path_of(arrival.input));
  return caller;
}

policy::Actor caller_of(const CallEngineParts& parts, const Arrival& arrival) {
  const SharedValue<Bindings> bindings = parts.shared.bindings.from(path_of(arrival.input));
  if (bindings->empty()) return caller_of(parts, arrival, nullptr);
  const SharedValue<Binding> sender = binding_of_sender(arrival.request, *bindings);
  return caller_of(parts, arrival, sender != nullptr ? sender.get() : bindings->front().get());
}

namespace {

// visit(changed) for each target, with what the rules of the route and of the target make of `subject`; not
// where there are none. Stops when it says so.
template <class Visit>
void each_outcome(const Rulebook& book, const policy::RouteDecision& decision,
                  const policy::RuleSubject& subject, Visit visit) {
  const std::vector<std::uint16_t>* const of_route =
      decision.route < book.route_rules.size() && !book.route_rules[decision.route].empty()
          ? &book.route_rules[decision.route]
          : nullptr;
  for (const PeerIndex index : decision.targets) {
    const PeerSide* const peer = book.peer_side(index);
    if (peer == nullptr || (of_route == nullptr && peer->rules_out.empty())) continue;
    policy::RuleSubject changed = subject;
    policy::RuleEdits edits;
    if (of_route != nullptr) book.rules.apply(*of_route, changed, edits);
    book.rules.apply(peer->rules_out, changed, edits);
    if (visit(changed)) return;
  }
}

}  // namespace

std::string dialled_number(const CallEngineParts& parts, const Rulebook& book,
                           const policy::RouteDecision& decision, const policy::RuleSubject& subject) {
  std::string number = subject.called;
  each_outcome(book, decision, subject, [&](policy::RuleSubject& changed) {
    if (!parts.detectors.board().is_costly(changed.called)) return false;
    number = std::move(changed.called);
    return true;
  });
  return number;
}

void note_emergency(const CallEngineParts& parts, const Rulebook& book, const policy::RouteDecision& decision,
                    const policy::RuleSubject& subject, const Arrival& arrival) {
  const Timestamp until = arrival.now + book.config.emergency.callback;
  const auto note = [&](std::string_view caller) {
    parts.detectors.board().callbacks().note(caller, arrival.now, until);
  };
  note(arrival.request.from.uri.user);
  note(subject.caller);
  each_outcome(book, decision, subject, [&](const policy::RuleSubject& changed) {
    note(changed.caller);
    return false;
  });
}

CostlyCall costly_call(const CallEngineParts& parts, std::string_view number, std::uint64_t account) {
  policy::DetectorBoard& board = parts.detectors.board();
  return board.is_costly(number) ? CostlyCall(board, account) : CostlyCall();
}

std::uint64_t mark_of_call(const CallEngineParts& parts, std::string_view call_id, std::string_view tag,
                           std::string_view number) {
  std::string whose(call_id);
  whose.append(1, '\0').append(tag).append(1, '\0').append(number);
  return parts.detectors.mark_of("call", whose);
}

CallerChallenge::CallerChallenge(const CallEngineParts& parts, const SbcConfig& config,
                                 const Arrival& arrival, const Binding* sender)
    : parts_(parts), arrival_(arrival), sender_(sender) {
  const RegistrarConfig* const registrar = sender != nullptr ? registrar_of(config, sender->place) : nullptr;
  if (registrar != nullptr && registrar->mode == RegistrarMode::Local && registrar->users)
    registrar_ = registrar;
}

std::string_view CallerChallenge::realm() const noexcept {
  return registrar_->domains.empty() ? std::string_view(registrar_->name) : registrar_->domains.front();
}

DigestServer CallerChallenge::digest(std::uint32_t cseq) const {
  std::string request(arrival_.request.call_id);
  request.append(1, '\0').append(arrival_.request.from.tag).append(1, '\0').append(std::to_string(cseq));
  const Hash128 key = keyed_hash128(parts_.settings.table_key, request);
  return DigestServer({key.high, key.low}, offer_for(registrar_->users.get()));
}

bool CallerChallenge::is_met(EngineOutput& out) const {
  if (!is_possible()) return false;
  const SipMessage& request = arrival_.request;
  const auto given = digest_answer_of(request, realm(), true);
  if (!given || given->user != user_of(sender_->aor)) return false;
  if (!parts_.detectors.may_log_in(arrival_, given->user)) return false;
  const RegistrarUser* const user = find_user(*registrar_->users, given->user, domain_of(sender_->aor));
  const DigestServer server = digest(request.cseq.number);
  const Endpoint& source = arrival_.input.remote;
  NonceUse use{.nonce = server.nonce_number(arrival_.now, source, realm(), given->nonce), .count = 0};
  const DigestSubject subject{
      .method = "INVITE", .uri = request.start.request_uri.text, .body = request.body};
  const DigestVerdict verdict = server.verify({arrival_.now, source}, *given, subject, user, use);
  const bool is_right = verdict == DigestVerdict::Right;
  if (is_right || verdict == DigestVerdict::Wrong)
    (void)parts_.detectors.on_digest(arrival_, given->user, is_right, out);
  return is_right;
}

std::string CallerChallenge::lines() const {
  return digest(arrival_.request.cseq.number + 1)
      .challenge(arrival_.now, arrival_.input.remote, realm(), false, true);
}

// Without state, as it must cost nothing to be asked. RFC 3261 §8.2.7
bool CallEngine::challenge(const Arrival& arrival, const CallerChallenge& asked, EngineOutput& out) {
  const SipMessage& request = arrival.request;
  const auto head = response_head(request, arrival.neighbour.strictness, arrival.input.remote);
  if (!asked.is_possible() || !head) return false;
  const std::string lines = asked.lines();
  const std::string tag =
      std::to_string(mark_of_call(parts_, request.call_id, request.from.tag, request.top_via.branch));
  const auto bytes =
      write_response(out.room(), {.code = 407, .head = &*head, .to_tag = tag, .own_lines = lines});
  if (!bytes) return false;
  parts_.responder.count(arrival.input.realm, 407);
  (void)out.commit(arrival.answer_path, bytes->size(), 0);
  return true;
}

// What was found is told, and kept where the call has its own history; null: there is no call.
void CallEngine::note_ruling(Call* call, const policy::Actor& caller, const DetectorRuling& ruling,
                             Turn turn) {
  if (!ruling.finding) return;
  parts_.detectors.tell(turn.now, caller, ruling, call != nullptr ? call->number : 0, turn.out);
  if (call == nullptr) return;
  note(*call, turn.now, CallStep::Detected, static_cast<std::uint16_t>(ruling.finding->detector),
       static_cast<std::uint16_t>(ruling.finding->action));
  std::vector<std::string>& detections = call->record.detections;
  const std::string_view name = policy::to_string(ruling.finding->detector);
  if (detections.size() < kDetectionsMax && std::ranges::find(detections, name) == detections.end())
    detections.emplace_back(name);
}

// Of a call that is there already and is to have another target.
DetectorRuling CallEngine::screen(Call& call, const policy::Actor& caller,
                                  const policy::DetectorBoard::Attempt& attempt, Turn turn) {
  DetectorRuling ruling = parts_.detectors.before_call(turn.now, caller, attempt);
  note_ruling(&call, caller, ruling, turn);
  return ruling;
}

// A call of its own, so that it can be asked for and has its record; but of a flood only the first one, and
// nothing is kept of those that follow, nor of any while many that were refused have not been acknowledged.
// `decision`: null: it dials nothing.
void CallEngine::refuse_detected(const Arrival& arrival, const policy::RouteDecision* decision,
                                 const policy::Actor& caller, const DetectorRuling& ruling,
                                 EngineOutput& out) {
  const bool is_one_of_many =
      ruling.finding->detector == policy::Detector::InviteFlood && !ruling.finding->is_told;
  // An attack on a callee in a peer's name took all room by what was refused of it, and no peer could call.
  const bool may_be_kept =
      calls_.size() < parts_.settings.calls_max / 2 && parts_.servers.has_room(RoomFor::RefusedInvite);
  Call* const call = decision != nullptr && !is_one_of_many && may_be_kept
                         ? make_call(arrival, *decision, {}, out)
                         : nullptr;
  const Turn turn{arrival.now, out};
  note_ruling(call, caller, ruling, turn);
  if (call != nullptr) {
    refuse_detected(*call, ruling, turn);
    parts_.servers.disown(call->invite.server);  // from now on it counts as what was refused at once
    return settle(*call);
  }
  if (ruling.fate == DetectorFate::Drop)
    parts_.counters[to_position(arrival.input.realm)].dropped.add(SipDropReason::Detected);
  else if (is_one_of_many)
    parts_.responder.answer_without_state(arrival, ruling.code, out, ruling.retry_after);
  else
    parts_.responder.answer(arrival, ruling.code, out, ruling.retry_after);
}

void CallEngine::refuse_detected(Call& call, const DetectorRuling& ruling, Turn turn) {
  call.targets.clear();
  call.record.ended_by = EndedBy::Sallyport;
  call.record.end_reason = "detected";
  call.record.result = CallResult::Rejected;
  retry_after_ = ruling.retry_after;
  refuse(call, ruling.code, nullptr, turn.now, turn.out);
}

}  // namespace sallyport::sip
