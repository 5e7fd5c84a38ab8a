// call_answer.cpp — what targets answer to an INVITE: RFC 3261 §12.1.2, §13.2.2, §13.3.1, §16.7.
#include <algorithm>
#include <utility>

#include "policy/route/cause_map.h"
#include "policy/route/dialled.h"
#include "policy/route/response_map.h"
#include "policy/route/target_order.h"
#include "sipalg/auth/passed_auth.h"
#include "sipalg/call/call_engine.h"
#include "sipalg/call/call_screen.h"
#include "sipalg/engine/earn_trust.h"
#include "sipalg/engine/request_views.h"
#include "sipalg/registrar/endpoint_terms.h"

namespace sallyport::sip {
namespace {

constexpr unsigned kRedirectsMax = 5;
constexpr Duration kRepeatLasts = std::chrono::seconds(32);  // for a phone that asks its user, 64*T1
// Beyond any PRACK or UPDATE that such a dialog may have had. RFC 3261 §12.2.1.1
constexpr std::uint32_t kCSeqGap = 1000;

// A challenge or a redirection that is not passed on means something else to the caller than to us.
std::uint16_t code_for_caller(std::uint16_t code) noexcept {
  if (code == 401 || code == 407) return 403;  // we have no credentials for that side
  if (code >= 300 && code < 400) return 480;   // redirect: refuse
  if (code == 422) return 500;                 // the interval was ours, RFC 4028
  return code;
}

// Reason with the cause that goes with a status code; empty: none does. RFC 3326 §2, RFC 3398 §8.2.6.1
std::string cause_line(std::uint16_t code, const ProfileConfig& profile) {
  const unsigned cause = policy::cause_of_code(code, profile.cause_map);
  return cause == 0 ? std::string() : "Reason: Q.850;cause=" + std::to_string(cause) + "\r\n";
}

void finish_attempt(Attempt& attempt) noexcept {
  attempt.is_done = true;
  attempt.setup_until.reset();
  attempt.timer_c.reset();
}

// What the caller is told when the callee's answer, which it never sees, can't be used. RFC 3261 §21.5.3
std::uint16_t code_for_bad_answer(std::uint16_t refusal) noexcept {
  return refusal == 488 || refusal == 503 ? refusal : std::uint16_t{502};
}

}  // namespace

void CallEngine::on_invite_response(Call& call, Attempt& attempt, const SipMessage& response, Timestamp now,
                                    EngineOutput& out) {
  const std::uint16_t code = response.start.status_code;
  if (code > 100 && call.state == CallState::Trying) hear_session_id(call, Side::Callee, response, true);
  if (code < 200) return on_provisional(call, attempt, response, now, out);
  if (code >= 300 && try_longer_session(call, attempt, response, {now, out})) return;
  if (code < 300) return on_answer(call, attempt, response, now, out);
  const bool was_wanted = is_wanted(call, attempt);
  finish_attempt(attempt);
  close_media(call, attempt, out);
  std::erase_if(call.forks, [&](const Fork& fork) { return fork.attempt == attempt.number; });
  close_exchanges(call, Which::OfLostForks, {now, out});
  if (was_wanted) on_failure(call, attempt, code, &response, {now, out});
}

void CallEngine::on_provisional(Call& call, Attempt& attempt, const SipMessage& response, Timestamp now,
                                EngineOutput& out) {
  attempt.has_provisional = true;
  attempt.setup_until.reset();
  const std::uint16_t code = response.start.status_code;
  if (code == 100 || !is_wanted(call, attempt)) return;
  attempt.timer_c = now + kTimerC;  // RFC 3261 §16.7 step 2
  if (call.transfer) return on_transfer_ringing(call, attempt, code, {now, out});
  const ProfileTimers& timers = call.book->peer_side(attempt.peer)->config->profile.timers;
  if (!call.record.ring) {
    call.record.ring = now;
    call.ring_until = now + timers.ring;
  }
  Fork* const fork = fork_for(call, attempt, response);
  if (fork == nullptr) return;
  (void)take_remote_side(fork->dialogs[index_of(Side::Callee)], response);
  const EarlyPlace place{call, attempt, *fork};
  const HeardProvisional heard = hear_provisional(place, response, {now, out});
  if (heard.is_dropped) return;
  if (holds_sdp(response) && !call.early_media_until) call.early_media_until = now + timers.early_media;
  note(call, now, CallStep::Ringing, fork->number, code);
  ResponseParts parts;
  parts.code = code;
  begin_for_caller(call, *fork, parts, &response);
  if (heard.goes_on_reliably) {
    const std::uint16_t refusal = send_reliable(place, heard.rseq, parts, response, {now, out});
    return refusal == 0 ? void() : refuse(call, code_for_bad_answer(refusal), nullptr, now, out);
  }
  carry_preview({call, attempt, Side::Callee, SdpStep::Preview, fork->sdp[index_of(Side::Caller)], {}, true},
                response, *fork, parts.body, {now, out});
  if (heard.rseq != 0 && holds_sdp(response) && !fork->reliable->is_agreed) {  // the answer, RFC 3262 §5
    if (parts.body.bytes.empty()) return refuse(call, 488, nullptr, now, out);
    fork->reliable->is_agreed = true;
  }
  respond(call, call.invite.server, call.invite.path, parts, {now, out});
}

// The parts of a response to the caller's INVITE that stem from one of the callee's; the body apart.
void CallEngine::begin_for_caller(const Call& call, const Fork& fork, ResponseParts& parts,
                                  const SipMessage* response) {
  parts.head = &call.invite.head;
  parts.to_tag = fork.dialogs[index_of(Side::Caller)].local_tag;
  parts.contact = contact_of(call, call.invite.path, fork.number);
  parts.makes_dialog = true;
  parts.session_id = session_id_to(call, Side::Caller);
  if (const Place* const place = place_of(call, call.invite.path); place != nullptr)
    parts.own_host = place->names.uri_host;
  parts.allow = call.book->neighbour_of(call.caller_peer).allow;
  parts.supported = call.book->neighbour_of(call.caller_peer).supported;
  if (response != nullptr) parts.crossing = {response, &call.book->crossing_of(call.caller_peer), {}};
}

// The dialog that the response's To tag stands for, made when it is new. RFC 3261 §12.1.2, §13.2.2.1
Fork* CallEngine::fork_for(Call& call, const Attempt& attempt, const SipMessage& response) {
  for (Fork& fork : call.forks) {
    if (fork.attempt != attempt.number) continue;
    Dialog& callee = fork.dialogs[index_of(Side::Callee)];
    if (callee.remote_tag == response.to.tag) return &fork;
    if (callee.remote_tag.empty()) {  // a 1xx without a tag came before
      callee.remote_tag = response.to.tag;
      return &fork;
    }
  }
  if (call.forks.size() >= kForksMax) {
    if (response.start.status_code < 200) return nullptr;
    // An answer ends the other dialogs anyway; but the call that is transferred stands first.
    call.forks.erase(call.forks.begin() + (call.transfer ? 1 : 0));
  }
  Fork fork;
  fork.number = ++call.forks_made;
  fork.attempt = attempt.number;
  Dialog& callee = fork.dialogs[index_of(Side::Callee)];
  callee = spares_.dialog(attempt.prototype);
  set_text(callee.remote_tag, response.to.tag);
  Dialog& caller = fork.dialogs[index_of(Side::Caller)];
  if (call.transfer) {  // has its dialog already, and comes here with it
    caller.path = call.caller.path;
    caller.peer = call.caller.peer;
  } else {
    caller = spares_.dialog(call.caller);
    set_text(caller.local_tag, view(token_text(TokenKind::Tag, call, fork.number)));
    set_text(caller.local_address, call.invite.head.to());
  }
  fork.sdp[index_of(Side::Callee)] = attempt.sdp;
  fork.sdp[index_of(Side::Caller)].session_id = sdp_session_id(call, fork.number);
  call.forks.push_back(std::move(fork));
  return &call.forks.back();
}

void CallEngine::on_answer(Call& call, Attempt& attempt, const SipMessage& response, Timestamp now,
                           EngineOutput& out) {
  const Path path = attempt.prototype.path;
  finish_attempt(attempt);
  if (call.transfer && attempt.number >= call.transfer->first_attempt)
    return on_transfer_answer(call, attempt, response, {now, out});
  if (call.state != CallState::Trying || attempt.is_cancelled)
    return on_unwanted_answer(&call, response, path, now, out);
  Fork* const fork = fork_for(call, attempt, response);
  if (fork == nullptr || !take_remote_side(fork->dialogs[index_of(Side::Callee)], response)) {
    on_unwanted_answer(&call, response, path, now, out);
    return refuse(call, 502, nullptr, now, out);
  }
  if (waits_for_prack(*fork, response)) return;
  settle_early_offers({call, attempt, *fork}, response, {now, out});
  ResponseParts parts;
  parts.code = 200;
  begin_for_caller(call, *fork, parts, &response);
  const SdpWay way{call,
                   attempt,
                   Side::Callee,
                   attempt.has_offer ? SdpStep::Answer : SdpStep::Offer,
                   fork->sdp[index_of(Side::Caller)],
                   {},
                   attempt.has_offer};
  if (const std::uint16_t refusal = carry_answer(way, response, *fork, parts.body, {now, out});
      refusal != 0) {
    on_unwanted_answer(&call, response, path, now, out);
    return refuse(call, code_for_bad_answer(refusal), nullptr, now, out);
  }
  const std::string lines = agree_session(call, *fork, Side::Caller, call.invite.session, now);
  take_session(call, *fork, Side::Callee, response, now);
  parts.own_lines = lines;
  call.record.tried.back().code = response.start.status_code;
  call.record.legs.back().remote = path.remote;
  earn_trust_by_call(parts_.shared, book_->config, attempt.peer, path, now);
  answer_caller(call, *fork, parts, response.cseq.number, {now, out});
}

void CallEngine::answer_caller(Call& call, Fork& fork, ResponseParts& parts, std::uint32_t far_cseq,
                               Turn turn) {
  const auto [now, out] = turn;
  call.state = CallState::Answered;
  call.record.answer = now;
  call.record.sip_code = 200;
  const std::uint16_t number = fork.number;
  const Attempt& attempt = *attempt_numbered(call, fork.attempt);
  note(call, now, CallStep::Answered, number);
  if (!call.is_emergency)
    parts_.detectors.board().on_answered(now, parts_.detectors.caller_at(call.caller.path, call.account),
                                         call.dialled);
  HeldAnswer held;
  held.server = call.invite.server;
  held.path = call.invite.path;
  held.fork = number;
  if (const auto bytes = write_response(scratch_, parts)) held.bytes = spares_.text(*bytes);
  held.awaited = AwaitedAck{.cseq = call.invite.cseq,
                            .far_cseq = far_cseq,
                            .response = {},
                            .path = call.invite.path,
                            .owes_answer = !attempt.has_offer && !parts.body.bytes.empty(),
                            .interval = {},
                            .resend_at = {},
                            .give_up_at = {}};
  std::erase_if(call.forks, [number](const Fork& other) { return other.number != number; });
  close_exchanges(call, Which::OfLostForks, {now, out});
  for (Dialog& dialog : call.forks.front().dialogs) dialog.state = DialogState::Confirmed;
  hush_reliable(call.forks.front());
  call.answered_fork = number;
  shed_setup(call);
  const Duration longest = std::min(call_time_of(call, attempt.peer), call_time_of(call, call.caller_peer));
  call.call_until = now + longest;
  held.sequence = write_start(call, now, out);
  hold(call, std::move(held), now);
}

// A call that is up keeps no more than it needs.
void CallEngine::shed_setup(Call& call) {
  spares_.give(std::move(call.invite.bytes));
  spares_.give(std::move(call.invite.head));
  spares_.give(std::move(call.caller));
  call.invite = {.bytes = {},
                 .server = call.invite.server,
                 .path = call.invite.path,
                 .head = {},
                 .cseq = call.invite.cseq};
  call.caller = {};
  std::string().swap(call.dialled);
  call.targets.clear();
  call.targets.shrink_to_fit();
  call.forks.shrink_to_fit();
  call.forks.front().preview = {};
  shed_sdp(call, call.forks.front());
  if (call.notes.capacity() > 2 * call.notes.size()) call.notes.shrink_to_fit();
  for (Attempt& tried : call.attempts) {
    Dialog only_where;
    only_where.path = tried.prototype.path;
    only_where.peer = tried.prototype.peer;
    spares_.give(std::exchange(tried.prototype, std::move(only_where)));
  }
  call.ring_until.reset();
  call.early_media_until.reset();
}

// RFC 3261 §13.2.2.4: every 2xx is acknowledged; the dialog of one that nobody wants is ended at once.
void CallEngine::on_unwanted_answer(Call* call, const SipMessage& response, const Path& path, Timestamp now,
                                    EngineOutput& out) {
  const Fork* const fork =
      call != nullptr && call->record.answer ? fork_numbered(*call, call->answered_fork) : nullptr;
  if (fork != nullptr) {
    const Dialog& callee = fork->dialogs[index_of(Side::Callee)];
    if (callee.remote_tag == response.to.tag && callee.call_id == response.call_id) {
      if (const SentAck* const ack = fork->ack_of(Side::Callee, response.cseq.number); ack != nullptr)
        out.send(ack->path, ack->bytes, call->number, true);
      return;  // the dialog of the call itself: its ACK comes when the caller's does
    }
  }
  end_stray_dialog(call, response, path, now, out);
}

// The dialog of a response whose call is gone, out of the response alone. RFC 3261 §12.1.2
Fork CallEngine::stray_fork(const SipMessage& response, const Path& path) const {
  Fork fork;
  Dialog& dialog = fork.dialogs[index_of(Side::Callee)];
  dialog.call_id = response.call_id;
  dialog.local_tag = response.from.tag;
  dialog.local_address = address_without_tag(response.from);
  dialog.remote_address = address_without_tag(response.to);
  dialog.local_cseq = response.cseq.number + kCSeqGap;
  dialog.path = path;
  dialog.peer = peer_at(path);
  // Without a Contact the address in To is the best that is known.
  if (!take_remote_side(dialog, response)) dialog.remote_target = std::string(response.to.uri.text);
  dialog.remote_tag = response.to.tag;
  return fork;
}

void CallEngine::end_stray_dialog(Call* call, const SipMessage& response, const Path& path, Timestamp now,
                                  EngineOutput& out) {
  const auto ours = read_token(parts_.settings.token_key, TokenKind::CallId, response.call_id);
  if (!ours) return;
  Call stray;  // carries the tokens' content, nothing else
  stray.book = book_;
  stray.number = ours->number;
  stray.shard = ours->shard;
  Fork fork = stray_fork(response, path);
  send_ack(stray, fork, Side::Callee, {response.cseq.number}, {now, out});
  // It may come again before our ACK arrives; one BYE is enough. RFC 3261 §13.2.2.4
  const std::uint64_t name =
      keyed_hash(parts_.settings.token_key, std::string(response.call_id) + std::string(response.to.tag));
  const Duration life = book_->neighbour_of(fork.dialogs[index_of(Side::Callee)].peer).timers.patience();
  if (!strays_.add({name, stray.shard, now + life}, now)) return;
  send_bye(stray, fork, Side::Callee, nullptr, {now, out});
  if (call != nullptr) call->open_byes = static_cast<std::uint16_t>(call->open_byes + stray.open_byes);
}

// A 2xx of a dialog that has had its BYE: the ACK is all that it still needs. RFC 3261 §13.2.2.4
void CallEngine::acknowledge_stray(const SipMessage& response, const Path& path, Turn turn) {
  Call stray;
  stray.book = book_;
  if (const auto branch = read_token(parts_.settings.token_key, TokenKind::CallId, response.call_id)) {
    stray.number = branch->number;
    stray.shard = branch->shard;
  }
  Fork fork = stray_fork(response, path);
  send_ack(stray, fork, Side::Callee, {response.cseq.number}, turn);
}

// The call is about to be forgotten; its INVITEs may still hear of the answer that they had.
void CallEngine::settle_transactions(const Call& call) {
  const Fork* const fork = call.forks.empty() ? nullptr : &call.forks.front();
  if (fork == nullptr || !call.record.answer) return;
  const std::uint32_t tag = tag_name(fork->dialogs[index_of(Side::Callee)].remote_tag);
  for (const Attempt& attempt : call.attempts)
    if (attempt.number == fork->attempt) parts_.clients.retag(attempt.transaction, tag, kSettled);
}

// One target said no, or nothing. RFC 3261 §16.7 step 5 and 6
void CallEngine::on_failure(Call& call, Attempt& attempt, std::uint16_t code, const SipMessage* response,
                            Turn turn) {
  const auto [now, out] = turn;
  const auto peer = static_cast<std::uint16_t>(attempt.peer);
  if (!call.record.tried.empty()) call.record.tried.back().code = code;
  // Silence from the start, or no way there: what a probe would find too.
  if (response == nullptr && !attempt.has_provisional && (code == 408 || code == 503))
    parts_.shared.targets.note_failure(attempt.peer, attempt.prototype.path.remote,
                                       attempt.prototype.path.transport);
  if (const Path& path = attempt.prototype.path; code == 503 && response != nullptr)
    if (const auto target = on_board(attempt.peer, path.remote, path.transport); target != nullptr)
      if (const auto wait = retry_after_of(*response); wait)
        policy::set_aside(*target, *wait, now);  // RFC 3261 §21.5.4
  call.record.q850 = response != nullptr ? q850_of(*response) : std::uint16_t{0};
  call.early_media_until.reset();
  const ProfileConfig& profile = call.book->peer_side(attempt.peer)->config->profile;
  code = policy::code_by_cause(profile.cause_map, call.record.q850, code);
  const RedirectMode redirect = profile.redirect;
  if (code >= 300 && code < 400) {
    note(call, now, CallStep::Redirected, peer, code);
    if (redirect == RedirectMode::Follow && response != nullptr && follow_redirect(call, *response, turn))
      return call.state == CallState::Ended ? void() : try_next_target(call, now, out);
    if (redirect == RedirectMode::Pass && response != nullptr) return refuse(call, code, response, now, out);
  } else {
    note(call, now, CallStep::TargetFailed, peer, code);
  }
  // Its own upstream asks the endpoint who it is: no other target can. RFC 3261 §22.3
  if ((code == 401 || code == 407) && response != nullptr && !call.transfer &&
      terms_of_upstream(call.book->config, call.caller_peer, attempt.peer) != nullptr) {
    parts_.detectors.marks().put(
        mark_of_call(parts_, call.caller.call_id, call.caller.remote_tag, call.dialled), now + kRepeatLasts);
    call.record.ended_by = EndedBy::Callee;
    call.record.end_reason = "challenged";
    call.record.result = CallResult::Rejected;
    return refuse(call, code, response, now, out);
  }
  // No way to an endpoint is no fault of ours: it is not there just now. RFC 3261 §21.4.18
  const bool is_away = response == nullptr && code == 503 && !attempt.contact.empty();
  call.best_code = is_away                                   ? std::uint16_t{480}
                   : response == nullptr && is_lost(attempt) ? std::uint16_t{503}
                                                             : code_for_caller(code);
  const std::vector<std::uint16_t>* const retry_on =
      call.route < call.book->config.routes.size() ? &call.book->config.routes[call.route].retry_on : nullptr;
  const bool retries =
      retry_on == nullptr || std::find(retry_on->begin(), retry_on->end(), code) != retry_on->end();
  if (retries && (!call.targets.empty() || call.reject_code != 0)) return try_next_target(call, now, out);
  refuse(call, call.best_code, response, now, out);
}

// A target that is down was tried because there was no other, and has said nothing: there is no way to
// whoever is called, where 408 would say that somebody was asked. Without Retry-After, which would be about
// Sallyport itself and all that it routes elsewhere. RFC 3261 §21.5.4
bool CallEngine::is_lost(const Attempt& attempt) const {
  const Path& path = attempt.prototype.path;
  const auto target = on_board(attempt.peer, path.remote, path.transport);
  return !attempt.has_provisional && target != nullptr && !target->is_up.load(std::memory_order_relaxed);
}

// The new number goes through the same routes, limits, detectors and rules as if the caller had dialled it
// (threats D5). True: the call goes on to it, or was refused.
bool CallEngine::follow_redirect(Call& call, const SipMessage& response, Turn turn) {
  const Timestamp now = turn.now;
  if (call.redirects >= kRedirectsMax || response.contact_count == 0 || response.contact_is_star ||
      call.transfer)
    return false;
  const Uri& uri = response.contact.uri;
  // A call that came unencrypted can't go on as one that is encrypted all the way. RFC 5630 §4
  if (uri.scheme == UriScheme::Sips && !call.is_sips) return false;
  if (uri.user.empty() || uri.user.size() > policy::kNumberBytesMax) return false;
  const SipMessage* const invite = invite_of(call);
  if (invite == nullptr) return false;
  policy::RuleSubject subject = subject_of(*call.book, *invite, uri.user);
  const policy::RouteDecision decision =
      route({*call.book, call.caller_peer, call.caller.path.realm, uri, now}, subject);
  if (decision.outcome != policy::RouteDecision::Outcome::Targets) return false;
  const bool is_emergency = call.is_emergency || decision.is_emergency;
  std::string number = dialled_number(parts_, *call.book, decision, subject);
  call.costly[index_of(Side::Callee)] = {};
  const DetectorRuling ruling =
      screen(call, parts_.detectors.caller_at(call.caller.path, call.account),
             {.called = number, .is_emergency = is_emergency, .is_same_call = true}, turn);
  if (!ruling.passes()) return refuse_detected(call, ruling, turn), true;
  // It holds one place of its caller, as before, and is one more call for the rate.
  parts_.shared.admission.release(call.ticket_in);
  const auto ticket =
      parts_.shared.admission.admit_in(call.caller_peer, call.caller.path.realm, is_emergency, now);
  if (!ticket) {
    call.targets.clear();  // without a place it must not go on at all
    return false;
  }
  call.ticket_in = *ticket;
  call.is_emergency = call.record.emergency = is_emergency;
  if (!is_emergency) call.costly[index_of(Side::Callee)] = costly_call(parts_, number, call.account);
  call.dialled = std::move(number);
  ++call.redirects;
  call.redirected_to = uri.user;
  call.route = decision.route;
  call.reject_code = decision.reject_code;
  call.targets.clear();
  take_targets(call, decision, now);
  return true;
}

// The final answer to the caller that is no success.
void CallEngine::refuse(Call& call, std::uint16_t code, const SipMessage* response, Timestamp now,
                        EngineOutput& out) {
  if (call.transfer) return fail_transfer(call, code, {now, out});
  const PeerSide* const caller = call.book->peer_side(call.caller_peer);
  const std::uint16_t shown =
      caller != nullptr ? policy::mapped_code(caller->config->profile.response_map, code) : code;
  cancel_attempts(call, now, out);
  call.ring_until.reset();
  call.early_media_until.reset();
  close_exchanges(call, Which::All, {now, out});
  call.state = CallState::Ended;
  leave_waiting_answers(call, {now, out});
  call.forks.clear();
  call.record.sip_code = shown;
  call.record.end = now;
  if (call.record.end_reason.empty()) {
    call.record.ended_by = response != nullptr ? EndedBy::Callee : EndedBy::Sallyport;
    call.record.end_reason = response != nullptr ? "refused" : "no_target";
    call.record.result = result_of(code, call.record.ring.has_value());
  }
  note(call, now, CallStep::Refused, 0, shown);
  redirect_.clear();
  if (shown >= 300 && shown < 400) redirect_ = redirect_contact(call, response);
  std::string warning;
  ResponseParts parts;
  parts.code = shown >= 300 && shown < 400 && redirect_.empty() ? std::uint16_t{480} : shown;
  parts.head = &call.invite.head;
  to_tag_ = token(TokenKind::Tag, call, 0);
  parts.to_tag = to_tag_;
  parts.redirect_contact = redirect_;
  parts.retry_after = std::exchange(retry_after_, 0u);
  std::string own_lines;
  if ((shown == 401 || shown == 407) && response != nullptr) own_lines = passed_challenges(*response);
  const bool has_cause = response != nullptr && q850_of(*response) != 0;
  if (caller != nullptr && caller->config->profile.send_cause && !has_cause)
    own_lines += cause_line(parts.code, caller->config->profile);
  parts.own_lines = own_lines;
  parts.session_id = session_id_to(call, Side::Caller);
  if (const Place* const place = place_of(call, call.invite.path); place != nullptr)
    parts.own_host = place->names.uri_host;
  if (response != nullptr) parts.crossing = {response, &call.book->crossing_of(call.caller_peer), {}};
  if (response == nullptr && shown == 488) parts.warning = warning = media_warning(call, call.invite.path);
  respond(call, call.invite.server, call.invite.path, parts, {now, out});
  (void)write_end(call, now, out);
}

}  // namespace sallyport::sip
