// call_setup.cpp — from the caller's INVITE to INVITEs for targets, one after the other: RFC 3261 §8.1, §8.2,
// §13.2, §16.6.
#include <algorithm>
#include <array>
#include <span>

#include "policy/route/dialled.h"
#include "policy/route/target_order.h"
#include "sipalg/auth/passed_auth.h"
#include "sipalg/call/call_engine.h"
#include "sipalg/call/call_screen.h"
#include "sipalg/call/caller_identity.h"
#include "sipalg/engine/request_views.h"
#include "sipalg/registrar/endpoint_terms.h"

namespace sallyport::sip {
namespace {

constexpr std::uint32_t kRetryAfterSeconds = 5;
constexpr std::uint32_t kMaxForwards = 70;  // RFC 3261 §8.1.1.6

std::uint16_t code_unless(bool done) noexcept { return done ? std::uint16_t{0} : std::uint16_t{500}; }

// What the INVITE asks of session timers. RFC 4028 §7.1
std::string session_lines(Attempt& attempt, const Neighbour& neighbour) {
  if (neighbour.session_seconds == 0) return {};
  attempt.session_seconds = std::max(attempt.session_seconds, neighbour.session_seconds);
  attempt.min_session_seconds = std::max(attempt.min_session_seconds, kMinSessionSeconds);
  return lines_for_invite(attempt.session_seconds, attempt.min_session_seconds);
}

// Of a registrar only its place is known yet.
NextTarget next_target(const policy::ChosenTarget& chosen) {
  NextTarget next;
  next.peer = chosen.peer;
  next.is_emergency_target = chosen.is_emergency_target;
  if (chosen.target == nullptr) return next;
  next.configured = chosen.target->configured;
  next.address = chosen.target->address;
  next.transport = chosen.target->transport;
  next.host = chosen.target->host;
  return next;
}

}  // namespace

// `redirected`: the number of a 3xx in place of the one that was dialled; empty: none.
policy::RuleSubject CallEngine::subject_of(const Rulebook& book, const SipMessage& request,
                                           std::string_view redirected) {
  std::string called = redirected.empty() ? called_user(request) : policy::unescaped_user(redirected);
  return sip::subject_of(request, std::move(called), book.looks_at_headers ? &headers_ : nullptr);
}

// Rules of the source, then the routes: what every number goes through, dialled or out of a 3xx (threats D5).
policy::RouteDecision CallEngine::route(const RouteQuestion& question, policy::RuleSubject& subject) {
  const Rulebook& book = question.book;
  const bool is_emergency = book.router.is_emergency(subject.called, question.request_uri.text);
  policy::RuleEdits edits;
  if (const PeerSide* const peer = book.peer_side(question.peer); peer != nullptr)
    book.rules.apply(peer->rules_in, subject, edits);
  const auto utc = question.now.time_since_epoch() + parts_.settings.utc_at_zero;
  policy::RouteDecision decision = book.router.route(
      {.peer = question.peer,
       .realm = question.realm,
       .method = subject.method,
       .called = subject.called,
       .caller = subject.caller,
       .host = question.request_uri.address.host,
       .request_uri = question.request_uri.text,
       .headers = subject.headers,
       .time = policy::WeekMinute::of_unix(std::chrono::duration_cast<std::chrono::seconds>(utc).count()),
       .is_emergency = is_emergency,
       .random = chance(question.now)});
  decision.is_emergency = decision.is_emergency || is_emergency;
  return decision;
}

// Of one call, for balance and weights; nobody outside can foresee it.
std::uint64_t CallEngine::chance(Timestamp now) const noexcept {
  const std::array<std::uint64_t, 2> words{next_number_,
                                           static_cast<std::uint64_t>(now.time_since_epoch().count())};
  return keyed_hash(parts_.settings.table_key, {reinterpret_cast<const char*>(words.data()), sizeof words});
}

void CallEngine::on_invite(const Arrival& arrival, EngineOutput& out) {
  const SipMessage& request = arrival.request;
  // What was promised to come over TLS all the way has not. RFC 3261 §26.2.2, RFC 5630 §4
  if (request.start.request_uri.scheme == UriScheme::Sips && arrival.input.transport != Transport::Tls)
    return refuse_new(arrival, 416, out);
  const EndpointCall endpoint = judge_endpoints(arrival);
  if (endpoint.refusal != 0) return refuse_new(arrival, endpoint.refusal, out);
  if (request.has(HeaderName::Replaces)) return on_replaces(arrival, out);
  if (book_->neighbour_of(arrival.input.peer).session_seconds != 0 &&
      is_interval_too_small(session_wish(request)))
    return refuse_new(arrival, 422, out);  // RFC 4028 §9
  policy::RuleSubject subject = subject_of(*book_, request, {});
  policy::RouteDecision decision = route(
      {*book_, arrival.input.peer, arrival.input.realm, request.start.request_uri, arrival.now}, subject);
  if (endpoint.binding != nullptr) call_endpoint(*endpoint.binding, decision);
  const policy::Actor caller = caller_of(parts_, arrival, endpoint.sender.get());
  std::string number = dialled_number(parts_, *book_, decision, subject);
  // A challenge is met, a target's or ours: the same call, which has been counted.
  const CallerChallenge challenged(parts_, book_->config, arrival, endpoint.sender.get());
  const bool has_answer =
      request.has(HeaderName::ProxyAuthorization) || request.has(HeaderName::Authorization);
  const bool is_again =
      has_answer && (parts_.detectors.marks().take(
                         mark_of_call(parts_, request.call_id, request.from.tag, number), arrival.now) ||
                     challenged.is_met(out));
  const DetectorRuling ruling =
      is_again ? DetectorRuling{}
               : parts_.detectors.before_call(
                     arrival.now, caller,
                     {.called = number, .caller = subject.caller, .is_emergency = decision.is_emergency});
  if (ruling.fate == DetectorFate::Challenge && challenge(arrival, challenged, out))
    return note_ruling(nullptr, caller, ruling, {arrival.now, out});
  if (!ruling.passes()) return refuse_detected(arrival, &decision, caller, ruling, out);
  const bool is_callback = parts_.detectors.board().is_callback(arrival.now, caller, number);
  Call* const call = admit(arrival, decision, decision.is_emergency || is_callback, out);
  note_ruling(call, caller, ruling, {arrival.now, out});
  if (call == nullptr) return;
  call->account = caller.account;
  if (decision.is_emergency) note_emergency(parts_, *book_, decision, subject, arrival);
  if (decision.outcome == policy::RouteDecision::Outcome::Targets) {
    if (!decision.is_emergency)
      call->costly[index_of(Side::Callee)] = costly_call(parts_, number, caller.account);
    call->dialled = std::move(number);
    if (endpoint.binding != nullptr) call->targets = {target_of(*endpoint.binding)};
    fresh_invite_ = &request;
    try_next_target(*call, arrival.now, out);
    fresh_invite_ = nullptr;
  } else {
    call->reject_code = decision.outcome == policy::RouteDecision::Outcome::Redirect ? std::uint16_t{302}
                                                                                     : decision.reject_code;
    refuse(*call, call->reject_code, nullptr, arrival.now, out);
  }
  settle(*call);
}

// Null: it was refused.
Call* CallEngine::admit(const Arrival& arrival, const policy::RouteDecision& decision, bool passes_limits,
                        EngineOutput& out) {
  using Outcome = policy::RouteDecision::Outcome;
  const auto refused = [&](std::uint16_t code) {
    refuse_new(arrival, code, out);
    return nullptr;
  };
  if ((draining_ || arrival.input.is_overdue) && !passes_limits) return refused(503);
  const std::uint16_t code = decision.outcome == Outcome::NoMatch  ? std::uint16_t{404}
                             : decision.outcome == Outcome::Reject ? decision.reject_code
                                                                   : std::uint16_t{0};
  if (!passes_limits && parts_.detectors.drops_no_target(arrival, code, out)) return nullptr;
  if (decision.outcome == Outcome::NoMatch) return refused(404);
  if (!has_room_for_call(passes_limits)) return refused(503);
  auto ticket =
      parts_.shared.admission.admit_in(arrival.input.peer, arrival.input.realm, passes_limits, arrival.now);
  if (!ticket) return refused(503);
  Call* const call = make_call(arrival, decision, *ticket, out);
  if (call != nullptr) return call;
  parts_.shared.admission.release(*ticket);
  refuse_unmade(arrival, out);
  return nullptr;
}

// Ordinary calls leave room for emergencies, and new ones for what those that are up still need.
bool CallEngine::has_room_for_call(bool is_emergency) const noexcept {
  if (calls_.full() || (!is_emergency && calls_.size() >= parts_.settings.calls_max)) return false;
  const std::uint32_t most = parts_.settings.transactions_max;
  const std::uint32_t kept_free = most / (is_emergency ? 16 : 8);
  return parts_.servers.size() + kept_free < most && parts_.clients.size() + kept_free < most;
}

// What ends before there is a call has no record: nothing was tried. RFC 3261 §21.5.4
void CallEngine::refuse_new(const Arrival& arrival, std::uint16_t code, EngineOutput& out) {
  parts_.responder.answer(arrival, code, out, code == 503 ? kRetryAfterSeconds : 0);
}

// RFC 3261 §21.4.1 when a dialog can't be made of it, else there was no room.
void CallEngine::refuse_unmade(const Arrival& arrival, EngineOutput& out) {
  if (const std::string_view problem =
          dialog_problem(arrival.request, arrival.input.transport, arrival.neighbour.strictness);
      !problem.empty())
    return parts_.responder.answer_bad(arrival, problem, out);
  const auto head = response_head(arrival.request, arrival.neighbour.strictness, arrival.input.remote);
  head ? refuse_new(arrival, 503, out) : parts_.responder.answer_bad(arrival, "Bad Via", out);
}

Call* CallEngine::make_call(const Arrival& arrival, const policy::RouteDecision& decision,
                            policy::AdmissionTicket ticket, EngineOutput& out) {
  const SipMessage& request = arrival.request;
  ResponseHead head = spares_.head();
  Dialog caller = spares_.dialog();
  caller.path = path_of(arrival.input);
  follow(caller, arrival);
  if (!set_response_head(head, request, arrival.neighbour.strictness, arrival.input.remote) ||
      !take_remote_side(caller, request) || !parts_.servers.has_room())
    return nullptr;
  const std::uint64_t number = take_number();
  Call* const call = calls_.make(number);
  if (call == nullptr) return nullptr;
  parts_.touched = number;
  call->shard = shard_of_call_id(parts_.settings.token_key, request.call_id);
  call->book = book_;
  call->is_emergency = decision.is_emergency;
  call->route = decision.route;
  call->reject_code = decision.reject_code;
  call->caller_peer = arrival.input.peer;
  call->ticket_in = ticket;
  call->caller = std::move(caller);
  call->caller.peer = arrival.input.peer;
  call->is_sips =
      request.start.request_uri.scheme == UriScheme::Sips || request.contact.uri.scheme == UriScheme::Sips;
  if (option_tags_in(request, HeaderName::Require).has(OptionTag::Rel100))
    call->caller.far_options.add(OptionTag::Rel100);  // whoever requires it has it, RFC 3262 §4
  call->invite.bytes = spares_.text(request.bytes);
  call->invite.path = arrival.answer_path;
  call->invite.head = std::move(head);
  call->invite.cseq = request.cseq.number;
  call->invite.session = session_wish(request);
  hear_session_id(*call, Side::Caller, request, true);
  call->invite.server = parts_.servers.start({.key = arrival.key,
                                              .kind = TransactionKind::Invite,
                                              .user = {number, 0, kInvite, call->shard},
                                              .path = arrival.answer_path,
                                              .timers = arrival.neighbour.timers},
                                             request, arrival.now);
  CallRecord& record = call->record;
  record.call = number;
  record.start = arrival.now;
  record.emergency = decision.is_emergency;
  record.route = book_->router.name_of(decision.route);
  if (const PeerSide* const peer = book_->peer_side(arrival.input.peer); peer != nullptr)
    record.peer_in = peer->config->name;
  record.from = request.from.uri.text;
  record.to = request.to.uri.text;
  record.called_in = called_user(request);
  record.legs.reserve(2);
  record.legs.push_back({book_->config.realms[to_position(arrival.input.realm)].name,
                         std::string(to_string(arrival.input.transport)), arrival.input.remote,
                         std::string(request.call_id)});
  if (decision.is_emergency) note(*call, arrival.now, CallStep::Emergency);
  note(*call, arrival.now, CallStep::RouteMatched, decision.route);
  take_targets(*call, decision, arrival.now);
  respond(*call, call->invite.server, call->invite.path, {.code = 100, .head = &call->invite.head},
          {arrival.now, out});
  return call;
}

void CallEngine::take_targets(Call& call, const policy::RouteDecision& decision, Timestamp now) {
  const policy::TargetBoard& board = parts_.shared.targets;
  for (const PeerIndex peer : decision.targets)
    if (const PeerSide* const side = call.book->peer_side(peer);
        side != nullptr && !side->config->is_of_registrar() &&
        board.targets_of(peer)->empty())  // a name that is not known yet
      note(call, now, CallStep::TargetUnusable, static_cast<std::uint16_t>(peer));
  const policy::TargetChoice choice{
      .key = keyed_hash(parts_.settings.token_key, call.caller.call_id), .random = chance(now), .now = now};
  for (const policy::ChosenTarget& chosen :
       policy::choose_targets(decision, call.book->config, board, choice))
    call.targets.push_back(next_target(chosen));
}

SharedValue<policy::BoardTarget> CallEngine::on_board(PeerIndex peer, const Endpoint& address,
                                                      Transport transport) const {
  const auto targets = parts_.shared.targets.targets_of(peer);
  const auto found = std::find_if(targets->begin(), targets->end(), [&](const auto& target) {
    return target->address == address && target->transport == transport;
  });
  return found != targets->end() ? *found : nullptr;
}

// RFC 3261 §16.7 step 5 with one branch at a time: two phones never ring for one call.
void CallEngine::try_next_target(Call& call, Timestamp now, EngineOutput& out) {
  while (!call.targets.empty()) {
    const NextTarget target = call.targets.front();
    call.targets.erase(call.targets.begin());
    const PeerSide* const peer = call.book->peer_side(target.peer);
    if (peer != nullptr && peer->config->is_of_registrar() && target.binding == 0) {
      if (!spread_bindings(call, target, now)) {
        note(call, now, CallStep::TargetUnusable, static_cast<std::uint16_t>(target.peer));
        call.best_code = 480;  // RFC 3261 §21.4.18
      }
      continue;
    }
    if (try_target(call, target, now, out)) return;
  }
  const std::uint16_t code = call.reject_code != 0 ? call.reject_code : call.best_code;
  refuse(call, code != 0 ? code : std::uint16_t{503}, nullptr, now, out);
}

std::uint16_t CallEngine::take_place_at(Call& call, const NextTarget& target, Timestamp now) {
  const PeerSide* const peer = call.book->peer_side(target.peer);
  const auto peer_number = static_cast<std::uint16_t>(target.peer);
  // Never unencrypted: no target left is nobody there. RFC 3261 §26.2.2, RFC 5630 §5.3
  if (call.is_sips && target.transport != Transport::Tls) {
    note(call, now, CallStep::TargetNotSecure, peer_number, target.configured);
    return 480;
  }
  const Place* const place = book_->places.towards(peer->realm, target.address.address, target.transport);
  if (place == nullptr || !parts_.clients.has_room()) {
    note(call, now, CallStep::TargetUnusable, peer_number, target.configured);
    return 503;
  }
  // A further target of the same peer goes on with its place.
  policy::AdmissionTicket& ticket_out = call.transfer ? call.transfer->ticket_out : call.ticket_out;
  if (ticket_out.is_held && ticket_out.peer == target.peer) return 0;
  parts_.shared.admission.release(ticket_out);
  const policy::Actor caller = parts_.detectors.caller_at(call.caller.path, call.account);
  const bool passes_limits =
      call.is_emergency || parts_.detectors.board().is_callback(now, caller, call.dialled);
  const auto ticket = parts_.shared.admission.admit_out(target.peer, peer->realm, passes_limits, now);
  if (!ticket) {
    note(call, now, CallStep::TargetLimited, peer_number);
    return 503;
  }
  ticket_out = *ticket;
  return 0;
}

bool CallEngine::try_target(Call& call, const NextTarget& target, Timestamp now, EngineOutput& out) {
  if (const std::uint16_t code = take_place_at(call, target, now); code != 0) {
    call.best_code = code;
    return false;
  }
  const PeerSide* const peer = call.book->peer_side(target.peer);
  const Place* const place = book_->places.towards(peer->realm, target.address.address, target.transport);
  const SharedValue<Binding> binding =
      target.binding != 0 ? parts_.shared.bindings.numbered(target.binding) : nullptr;
  if (target.binding != 0 && binding == nullptr) {  // it has ended since
    note(call, now, CallStep::TargetUnusable, static_cast<std::uint16_t>(target.peer));
    call.best_code = 480;
    return false;
  }
  Attempt attempt;
  attempt.prototype = spares_.dialog();
  attempt.number = ++call.attempts_made;
  attempt.peer = target.peer;
  attempt.host = host_for(call, target);
  attempt.is_emergency_target = target.is_emergency_target;
  attempt.prototype.path = {peer->realm, place->endpoint, target.address, target.transport, target.peer, 0};
  attempt.prototype.peer = target.peer;
  if (binding != nullptr) follow_binding(*binding, attempt);
  if (place_of(call, attempt.prototype.path) == nullptr) {  // it registered by a listener that is gone
    note(call, now, CallStep::TargetUnusable, static_cast<std::uint16_t>(target.peer));
    call.best_code = 480;
    return false;
  }
  note(call, now, CallStep::TargetTried, static_cast<std::uint16_t>(target.peer), target.configured);
  attempt.media.number = attempt.number;
  if (const std::uint16_t code = send_invite(call, attempt, now, out); code != 0) {
    close_media(call, attempt, out);
    call.best_code = code;
    if (code == 400) call.targets.clear();  // no target could read it
    return false;
  }
  call.record.tried.push_back({peer->config->name, target.address, 0});
  if (!call.transfer) {
    call.at_target = CallAtTarget(on_board(target.peer, target.address, target.transport));
    call.record.peer_out = peer->config->name;
  }
  call.record.legs.resize(call.transfer ? 2 : 1);
  call.record.legs.push_back({peer->config->realm, std::string(to_string(target.transport)), target.address,
                              attempt.prototype.call_id});
  attempt.setup_until = now + peer->config->profile.timers.setup;
  attempt.timer_c = now + kTimerC;  // RFC 3261 §16.6 step 11
  call.attempts.push_back(std::move(attempt));
  return true;
}

// What rules make of the numbers on the way to that peer.
void CallEngine::rewrite(const Call& call, NextHop hop, const SipMessage& request, FarInvite& far) {
  const PeerSide* const source = call.book->peer_side(asker_of(call));
  far.subject = subject_of(*call.book, request, call.redirected_to);
  const policy::RuleSet& rules = call.book->rules;
  if (source != nullptr) rules.apply(source->rules_in, far.subject, far.edits);
  if (!hop.is_emergency_target && call.route < call.book->route_rules.size())
    rules.apply(call.book->route_rules[call.route], far.subject, far.edits);
  if (const PeerSide* const peer = call.book->peer_side(hop.peer); peer != nullptr)
    rules.apply(peer->rules_out, far.subject, far.edits);
  far.subject.headers = {};
}

CallEngine::FarInvite CallEngine::far_invite(const Call& call, const Attempt& attempt,
                                             const SipMessage& request) {
  const PeerSide& peer = *call.book->peer_side(attempt.peer);
  const PeerSide* const source = call.book->peer_side(asker_of(call));
  FarInvite far;
  rewrite(call, {attempt.peer, attempt.is_emergency_target}, request, far);
  far.rewrites_diversion = request.has(HeaderName::Diversion) &&
                           far.subject.diversion != number_of(request, HeaderName::Diversion);
  const ProfileConfig& profile = peer.config->profile;
  const policy::IdentityDecision identity = policy::decide_identity(
      identity_facts(request, call.book->neighbour_of(asker_of(call)).strictness),
      {.accept = source != nullptr ? source->config->profile.identity_accept : IdentityAccept::None,
       .send = profile.identity_send,
       .honour_privacy = profile.honour_privacy,
       .far_is_trusted =
           policy::is_in_trust_domain(realm_of(call, peer.realm).trust, profile.identity_accept)});
  const Place* const place = place_of(call, attempt.prototype.path);
  add_identity(identity, far.subject.identity, place->names.uri_host, far.edits.headers);
  far.hides_caller = identity.hide_from;
  return far;
}

// Call-ID, From, To and tag of the new dialog. RFC 3261 §8.1.1, §12.1.2
void CallEngine::name_dialog(Call& call, Attempt& attempt, const FarInvite& far, const SipMessage& request) {
  Dialog& dialog = attempt.prototype;
  const Place* const place = place_of(call, dialog.path);
  const std::uint16_t part = kCalleePart | attempt.number;
  set_text(dialog.call_id, view(token_text(TokenKind::CallId, call, part)));
  set_text(dialog.local_tag, view(token_text(TokenKind::Tag, call, part)));
  ++dialog.local_cseq;  // one more each time that the target has wanted another INVITE
  set_far_address(dialog.local_address, {.original = &request.from,
                                         .user = far.subject.caller,
                                         .host = own_host(call, attempt, request, *place),
                                         .anonymous = far.hides_caller,
                                         .is_sips = call.is_sips});
  const bool to_is_called = policy::unescaped_user(request.to.uri.user) == called_user(request);
  const std::string to_user = to_is_called ? std::string() : policy::unescaped_user(request.to.uri.user);
  set_far_address(dialog.remote_address, {.original = &request.to,
                                          .user = to_is_called ? far.subject.called : to_user,
                                          .host = attempt.host,
                                          .is_sips = call.is_sips});
  attempt.sdp.session_id = sdp_session_id(call, part);
  if (!call.transfer) call.record.called_out = far.subject.called;
}

// The caller's, as it has just come or read again; null: there is none to be read any more.
const SipMessage* CallEngine::invite_of(const Call& call) {
  if (fresh_invite_ != nullptr) return fresh_invite_;
  ParseOptions options;
  options.strictness = call.book->neighbour_of(asker_of(call)).strictness;
  return parse_message(call.invite.bytes, options, stored_) == ParseStatus::Complete ? &stored_ : nullptr;
}

// RFC 3261 §13.2.1: a new dialog's first request, with nothing in it that names the caller's side.
std::uint16_t CallEngine::send_invite(Call& call, Attempt& attempt, Timestamp now, EngineOutput& out) {
  const SipMessage* const invite = invite_of(call);
  if (invite == nullptr) return 500;
  const SipMessage& request = *invite;
  const PeerSide& peer = *call.book->peer_side(attempt.peer);
  const FarInvite far = far_invite(call, attempt, request);
  name_dialog(call, attempt, far, request);
  const Dialog& dialog = attempt.prototype;
  const Place& place = *place_of(call, dialog.path);
  BodyPart body;
  attempt.has_offer = holds_sdp(request);
  const SdpWay way{call,           attempt,     Side::Caller,
                   SdpStep::Offer, attempt.sdp, {far.edits.sdp, &call.book->rules}};
  if (attempt.has_offer)
    if (const std::uint16_t code = carry_body(way, request, body, {now, out}); code != 0) return code;
  const std::string uri = attempt.contact.empty() ? far_uri(request.start.request_uri, far.subject.called,
                                                            attempt.host, call.is_sips)
                                                  : attempt.contact;
  const bool passes_auth = terms_of_upstream(call.book->config, asker_of(call), attempt.peer) != nullptr;
  const std::string passed = passes_auth ? passed_credentials(request) : std::string();
  from_.assign(dialog.local_address).append(";tag=").append(dialog.local_tag);
  const std::string_view contact = contact_of(call, dialog.path, kCalleePart | attempt.number);
  extension_ = session_lines(attempt, peer.neighbour);
  if (call.transfer)
    extension_ += referred_by(call, place);
  else
    call.session_ids.sides[index_of(Side::Callee)] = {};
  const std::uint64_t number = take_number();
  const TokenText branch = write_token(parts_.settings.token_key, TokenKind::Branch,
                                       {.shard = call.shard, .part = 0, .number = number});
  const std::string supported = list_of(options_for(call, attempt));
  RequestParts parts{.method = "INVITE",
                     .request_uri = uri,
                     .own = &place.names,
                     .branch = view(branch),
                     .max_forwards = (request.has_max_forwards ? request.max_forwards : kMaxForwards) - 1,
                     .routes = dialog.route_set,
                     .from = from_,
                     .to = dialog.remote_address,
                     .call_id = dialog.call_id,
                     .cseq = dialog.local_cseq,
                     .contact = contact,
                     .allow = peer.neighbour.allow,
                     .own_lines = passed,
                     .extension_lines = extension_,
                     .session_id = session_id_to(call, Side::Callee),
                     .wants_supported = true,
                     .supported = supported,
                     .crossing = {&request, &peer.crossing, far.edits.headers},
                     .body = body};
  if (far.rewrites_diversion) parts.crossing.diversion = far.subject.diversion;
  const auto sending = put_request(parts, dialog.path, call.number, {now, out});
  if (!sending) return 500;
  attempt.transaction = number;
  attempt.prototype.credentials = credentials_;
  count_request(dialog.path.realm, Method::Invite);
  return code_unless(parts_.clients.start({.number = number,
                                           .kind = TransactionKind::Invite,
                                           .user = {call.number, attempt.number, kInvite, call.shard},
                                           .path = sending->path,
                                           .request = sending->bytes,
                                           .timers = peer.neighbour.timers,
                                           .method = Method::Invite,
                                           .cseq = dialog.local_cseq,
                                           .second_way = sending->second_way,
                                           .second_via = sending->second_via},
                                          now));
}

}  // namespace sallyport::sip
