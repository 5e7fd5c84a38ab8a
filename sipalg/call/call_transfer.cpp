// call_transfer.cpp — transfers that are carried out here: a new target is called in the name of whoever
// remains, and takes the place of whoever asked by REFER. RFC 3515, RFC 3892, RFC 4488, RFC 5589; threats D5.
#include <algorithm>
#include <utility>

#include "policy/route/dialled.h"
#include "sipalg/call/call_engine.h"
#include "sipalg/call/call_screen.h"
#include "sipalg/call/passed_refer.h"
#include "sipalg/message/message_writer.h"

namespace sallyport::sip {
namespace {

constexpr std::uint8_t kOffersMax = 12;  // of the re-INVITE to whoever remains
constexpr Duration kOfferPause = std::chrono::milliseconds(500);
constexpr Duration kGlarePause = std::chrono::milliseconds(2200);  // RFC 3261 §14.1

Side asker_side(const Transfer& transfer) noexcept {
  return transfer.by_callee ? Side::Callee : Side::Caller;
}

// What whoever asked is told of the target's answer: no challenge and no redirection is for him.
std::uint16_t told_code(std::uint16_t code) noexcept {
  if (code == 401 || code == 407) return 403;
  return code >= 300 && code < 400 ? std::uint16_t{480} : code;
}

std::string user_in(std::string_view address) {
  Lexer lexer(address);
  NameAddr parsed;
  if (!parse_name_addr(lexer, StrictnessPolicy::of(Strictness::Normal), parsed)) return {};
  return policy::unescaped_user(parsed.uri.user);
}

bool is_offer(const Exchange& exchange) noexcept {
  return exchange.method == Method::Invite || exchange.method == Method::Update || exchange.has_offer;
}

}  // namespace

bool CallEngine::is_wanted(const Call& call, const Attempt& attempt) noexcept {
  if (attempt.is_cancelled) return false;
  if (call.state == CallState::Trying) return true;
  return call.state == CallState::Answered && call.transfer &&
         call.transfer->stage == TransferStage::Trying && attempt.number >= call.transfer->first_attempt;
}

PeerIndex CallEngine::asker_of(const Call& call) noexcept {
  return call.transfer ? call.transfer->peer : call.caller_peer;
}

std::uint16_t CallEngine::refusal_of_refer(const Arrival& arrival, const DialogPlace& place) const noexcept {
  const Call& call = *place.call;
  const Dialog& near = place.fork->dialogs[index_of(place.side)];
  const ReferMode mode = media_leg(call, near).profile->refer;
  if (mode == ReferMode::Refuse) return 403;
  if (mode == ReferMode::Pass) {
    const Dialog& far = place.fork->dialogs[index_of(other(place.side))];
    if (!call.book->neighbour_of(far.peer).allows("REFER")) return 405;  // RFC 3261 §21.4.6
    if (call.state == CallState::Answered && place.fork->number != call.answered_fork) return 491;
    return call.exchanges.size() < kExchangesMax ? 0 : 500;
  }
  // Whoever is on its way in or out of the call has nothing to say of it.
  if (call.state != CallState::Answered || place.fork->number != call.answered_fork || call.transfer)
    return 491;
  if (call.record.transfers.size() >= kTransfersMax) return 403;
  if (draining_) return 503;
  // Requests of calls that are up leave room for new ones, and this is one.
  const std::uint32_t most = parts_.settings.transactions_max;
  if (parts_.servers.size() + most / 8 >= most || parts_.clients.size() + most / 8 >= most) return 503;
  (void)arrival;
  return 0;
}

void CallEngine::on_refer(const Arrival& arrival, const DialogPlace& place, EngineOutput& out) {
  Call& call = *place.call;
  const auto target = refer_target(arrival.request, arrival.neighbour.strictness);
  if (media_leg(call, place.fork->dialogs[index_of(place.side)]).profile->refer == ReferMode::Pass)
    return (void)pass_on(arrival, place, out);
  if (!target) return parts_.responder.answer(arrival, target.error(), out);
  if (target->replaces) return on_refer_to_dialog(arrival, place, *target, out);
  policy::RouteDecision decision;
  if (const std::uint16_t code = begin_transfer(arrival, place, *target, decision, out); code != 0) {
    if (call.transfer) end_transfer(call, code);
    return parts_.responder.answer(arrival, code, out, code == 503 ? 1 : 0);
  }
  if (!accept_refer(arrival, place, out)) return end_transfer(call, 400);
  note(call, arrival.now, CallStep::TransferAsked, static_cast<std::uint16_t>(place.side));
  tell_transferor(call, 100, false, {arrival.now, out});
  call.is_emergency = call.record.emergency = call.is_emergency || decision.is_emergency;
  call.route = decision.route;
  call.reject_code = decision.reject_code;
  take_targets(call, decision, arrival.now);
  try_next_target(call, arrival.now, out);
}

// What is kept of it while it goes on, and its line in the call's record.
void CallEngine::open_transfer(const Arrival& arrival, const DialogPlace& place, const ReferTarget& target,
                               TransferStage stage) {
  Call& call = *place.call;
  Transfer transfer;
  transfer.refer_cseq = arrival.request.cseq.number;
  transfer.by_callee = place.side == Side::Callee;
  transfer.has_id = !call.record.transfers.empty();
  transfer.is_told = !declines_subscription(arrival.request);
  transfer.first_attempt = static_cast<std::uint16_t>(call.attempts_made + 1);
  transfer.stage = stage;
  transfer.peer = place.fork->dialogs[index_of(place.side)].peer;
  call.transfer = std::move(transfer);
  call.record.transfers.push_back({.by = place.side == Side::Caller ? EndedBy::Caller : EndedBy::Callee,
                                   .to = std::string(target.uri.user),
                                   .at = arrival.now,
                                   .code = 0});
}

// The number goes through rules, routes, detectors and limits as if the one who asks had dialled it; where
// the URI leads by itself nobody looks (threats D5). 0, or the answer.
std::uint16_t CallEngine::begin_transfer(const Arrival& arrival, const DialogPlace& place,
                                         const ReferTarget& target, policy::RouteDecision& decision,
                                         EngineOutput& out) {
  Call& call = *place.call;
  // A call that came unencrypted can't go on as one that is encrypted all the way. RFC 5630 §4
  if (target.uri.scheme == UriScheme::Sips && !call.is_sips) return 416;
  const Dialog& near = place.fork->dialogs[index_of(place.side)];
  open_transfer(arrival, place, target, TransferStage::Trying);
  call.redirected_to.clear();
  call.targets.clear();
  call.best_code = 0;
  call.caller = place.fork->dialogs[index_of(other(place.side))];
  call.invite.bytes = invite_for_transfer(*place.fork, place, target);
  const SipMessage* const invite = invite_of(call);
  if (invite == nullptr) return 400;
  policy::RuleSubject subject = subject_of(*call.book, *invite, {});
  subject.caller = user_in(near.remote_address);
  decision = route({*call.book, near.peer, near.path.realm, invite->start.request_uri, arrival.now}, subject);
  using Outcome = policy::RouteDecision::Outcome;
  if (decision.outcome == Outcome::NoMatch) return 404;
  if (decision.outcome == Outcome::Reject) return decision.reject_code;
  if (decision.outcome == Outcome::Redirect) return 480;
  Transfer& transfer = *call.transfer;
  const policy::Actor asker = caller_of(parts_, arrival);
  transfer.account = asker.account;
  transfer.dialled = dialled_number(parts_, *call.book, decision, subject);
  const DetectorRuling ruling = screen(
      call, asker, {.called = transfer.dialled, .is_emergency = decision.is_emergency}, {arrival.now, out});
  if (!ruling.passes()) return ruling.code;
  const auto ticket =
      parts_.shared.admission.admit_in(near.peer, near.path.realm, decision.is_emergency, arrival.now);
  if (!ticket) return 503;
  transfer.ticket_in = *ticket;
  if (!decision.is_emergency) transfer.costly = costly_call(parts_, transfer.dialled, asker.account);
  return 0;
}

// What whoever remains would send if it called the target itself. Never leaves: targets get what is made of
// it, as of any INVITE.
std::string CallEngine::invite_for_transfer(const Fork& fork, const DialogPlace& asker,
                                            const ReferTarget& target) const {
  const Side side = other(asker.side);
  const Dialog& transferee = fork.dialogs[index_of(side)];
  std::string offer;
  for (const Attempt& attempt : asker.call->attempts)
    if (attempt.number == fork.attempt) offer = fresh_offer(attempt.heard_sdp[index_of(side)]);
  std::string text = "INVITE " + target.request_uri + " SIP/2.0\r\n";
  text += "Via: SIP/2.0/UDP transfer.invalid;branch=z9hG4bKtransfer\r\nMax-Forwards: 70\r\n";
  text += "From: " + transferee.remote_address + ";tag=" + transferee.remote_tag + "\r\n";
  text += "To: <" + target.request_uri + ">\r\nCall-ID: " + transferee.call_id + "\r\nCSeq: 1 INVITE\r\n";
  text += "Contact: <" + transferee.remote_target + ">\r\n";
  if (transferee.is_private) text += "Privacy: user;id\r\n";
  if (!offer.empty()) text += "Content-Type: application/sdp\r\n";
  text += "Content-Length: " + std::to_string(offer.size()) + "\r\n\r\n";
  return text += offer;
}

// RFC 3515 §2.4.2, RFC 4488 §4
bool CallEngine::accept_refer(const Arrival& arrival, const DialogPlace& place, EngineOutput& out) {
  Call& call = *place.call;
  const auto head = response_head(arrival.request, arrival.neighbour.strictness, arrival.input.remote);
  if (!head) return parts_.responder.answer_bad(arrival, "Bad Via", out), false;
  const Dialog& near = place.fork->dialogs[index_of(place.side)];
  const ServerTransactionId server = parts_.servers.start({.key = arrival.key,
                                                           .kind = TransactionKind::NonInvite,
                                                           .user = {call.number, 0, kBye, call.shard},
                                                           .path = arrival.answer_path,
                                                           .timers = arrival.neighbour.timers},
                                                          arrival.request, arrival.now);
  ResponseParts parts;
  parts.code = 202;
  parts.head = &*head;
  parts.contact = contact_of(call, near.path, part_of(near));
  if (!call.transfer->is_told) parts.own_lines = "Refer-Sub: false\r\n";
  return respond(call, server, arrival.answer_path, parts, {arrival.now, out}), true;
}

// One NOTIFY at a time, but the last one goes in any case. RFC 3515 §2.4.4, §2.4.5
void CallEngine::tell_transferor(Call& call, std::uint16_t code, bool is_last, Turn turn) {
  Transfer& transfer = *call.transfer;
  Fork* const fork = fork_numbered(call, call.answered_fork);
  if (!transfer.is_told || transfer.has_left || fork == nullptr) return;
  const bool is_open = std::ranges::any_of(call.exchanges, [](const Exchange& exchange) {
    return exchange.errand == Errand::Notify && exchange.about != 0;
  });
  if (!is_last && (code == transfer.told || is_open)) return;
  transfer.told = code;
  std::string lines = "Event: refer";
  if (transfer.has_id) lines += ";id=" + std::to_string(transfer.refer_cseq);  // RFC 3515 §2.4.6
  lines += is_last ? "\r\nSubscription-State: terminated;reason=noresource\r\n"
                   : "\r\nSubscription-State: active;expires=300\r\n";
  std::string status = "SIP/2.0 " + std::to_string(code) + " ";
  status.append(reason_phrase(code)).append("\r\n");
  (void)send_own(call, *fork, asker_side(transfer),
                 {.method = "NOTIFY",
                  .errand = Errand::Notify,
                  .about = code,
                  .lines = lines,
                  .body = {"message/sipfrag;version=2.0", status}},
                 turn);
}

void CallEngine::on_transfer_ringing(Call& call, const Attempt& attempt, std::uint16_t code, Turn turn) {
  if (!call.ring_until)
    call.ring_until = turn.now + call.book->peer_side(attempt.peer)->config->profile.timers.ring;
  note(call, turn.now, CallStep::Ringing, 0, code);
  tell_transferor(call, code, false, turn);
}

// The first 2xx wins; others of the same INVITE are ended. RFC 3261 §13.2.2.4
void CallEngine::on_transfer_answer(Call& call, Attempt& attempt, const SipMessage& response, Turn turn) {
  const auto [now, out] = turn;
  Transfer& transfer = *call.transfer;
  const Path path = attempt.prototype.path;
  if (const Fork* const taken = transfer.fork != 0 ? fork_numbered(call, transfer.fork) : nullptr;
      taken != nullptr && taken->attempt == attempt.number &&
      taken->dialogs[index_of(Side::Callee)].remote_tag == response.to.tag) {
    if (const SentAck* const ack = taken->ack_of(Side::Callee, response.cseq.number); ack != nullptr)
      out.send(ack->path, ack->bytes, call.number, true);
    return;
  }
  if (attempt.is_cancelled || transfer.fork != 0 || transfer.stage != TransferStage::Trying)
    return on_unwanted_answer(&call, response, path, now, out);
  call.record.tried.back().code = response.start.status_code;
  call.ring_until.reset();
  Fork* const fork = fork_for(call, attempt, response);
  const bool is_usable = fork != nullptr && take_remote_side(fork->dialogs[index_of(Side::Callee)], response);
  const std::uint16_t refusal =
      is_usable ? take_target(call, attempt, *fork, response, turn) : std::uint16_t{502};
  if (refusal != 0) {
    on_unwanted_answer(&call, response, path, now, out);
    close_media(call, attempt, out);
    std::erase_if(call.forks, [&](const Fork& each) { return each.attempt == attempt.number; });
    return fail_transfer(call, refusal, turn);
  }
  const std::uint16_t number = fork->number;
  const auto asker = std::ranges::find(call.forks, call.answered_fork, &Fork::number);
  if (!call.is_emergency && asker != call.forks.end())
    parts_.detectors.board().on_answered(
        now,
        parts_.detectors.caller_at(asker->dialogs[index_of(asker_side(transfer))].path, transfer.account),
        transfer.dialled);
  std::erase_if(call.forks,
                [&](const Fork& each) { return each.number != number && each.number != call.answered_fork; });
  transfer.fork = number;
  transfer.stage = TransferStage::Offering;
  offer_transfer(call, turn);
}

// What the target says of the session. 0, or why it can't be joined.
std::uint16_t CallEngine::take_target(Call& call, Attempt& attempt, Fork& fork, const SipMessage& response,
                                      Turn turn) {
  Dialog& dialog = fork.dialogs[index_of(Side::Callee)];
  call.record.legs.back().remote = attempt.prototype.path.remote;
  if (body_kind(response) == BodyKind::Ambiguous) return 502;
  const std::string_view sdp = holds_sdp(response) ? session_sdp(response) : std::string_view(fork.preview);
  if (sdp.empty() || sdp.size() > kHeardSdpMax) return 488;
  attempt.heard_sdp[index_of(Side::Callee)] = sdp;
  dialog.state = DialogState::Confirmed;
  call.transfer->target_cseq = response.cseq.number;
  call.transfer->owes_ack = !attempt.has_offer;
  if (!attempt.has_offer) return 0;
  SdpIdentity unseen = fork.sdp[index_of(Side::Caller)];
  BodyPart body;
  const std::uint16_t refusal =
      carry_sdp({call, attempt, Side::Callee, SdpStep::Answer, unseen}, sdp, body, turn);
  if (refusal == 0) send_ack(call, fork, Side::Callee, {response.cseq.number}, turn);
  if (refusal == 0) take_session(call, fork, Side::Callee, response, turn.now);
  return refusal;
}

// In the name that we have for whoever asked. RFC 3892 §2.1
std::string CallEngine::referred_by(const Call& call, const Place& place) {
  const Fork* fork = nullptr;
  for (const Fork& each : call.forks)
    if (each.number == call.answered_fork) fork = &each;
  if (fork == nullptr) return {};
  const Dialog& asked = fork->dialogs[index_of(asker_side(*call.transfer))];
  if (asked.is_private) return {};  // RFC 3323 §4.2
  Lexer lexer(asked.remote_address);
  NameAddr asker;
  if (!parse_name_addr(lexer, StrictnessPolicy::of(Strictness::Normal), asker)) return {};
  const std::string user = policy::unescaped_user(asker.uri.user);
  return "Referred-By: <" + far_uri(asker.uri, user, place.names.uri_host, call.is_sips) + ">\r\n";
}

void CallEngine::hear_sdp(const SdpWay& way, std::string_view sdp) {
  const auto has_transfers = [&way](const Dialog& dialog) {
    const PeerSide* const peer = way.call.book->peer_side(dialog.peer);
    return (peer != nullptr ? peer->config->profile : way.call.book->stranger_profile).refer ==
           ReferMode::Resolve;
  };
  bool is_needed = has_transfers(way.attempt.prototype) || has_transfers(way.call.caller);
  for (const Fork& fork : way.call.forks)
    is_needed |= has_transfers(fork.dialogs[0]) || has_transfers(fork.dialogs[1]);
  if (!is_needed || sdp.size() > kHeardSdpMax || way.step == SdpStep::Preview) return;
  way.attempt.heard_sdp[index_of(way.from)] = std::string(sdp);
}

// Whoever remains is told where its media go from now on. RFC 3725 §4.1
void CallEngine::offer_transfer(Call& call, Turn turn) {
  Transfer& transfer = *call.transfer;
  Fork* const old = fork_numbered(call, call.answered_fork);
  Fork* const target = fork_numbered(call, transfer.fork);
  if (old == nullptr || target == nullptr) return;
  Attempt* const attempt = attempt_numbered(call, target->attempt);
  const Attempt* const before = attempt_numbered(call, old->attempt);
  if (attempt == nullptr) return;
  const Side transferee = other(asker_side(transfer));
  note_security(target->dialogs[index_of(Side::Caller)], before, transferee);
  transfer.offer_at.reset();
  if (++transfer.offers > kOffersMax) return fail_transfer(call, 491, turn);
  const bool waits = old->awaited[0] || old->awaited[1] || !call.held.empty() ||
                     (before != nullptr && before->media.pending) ||
                     std::ranges::any_of(call.exchanges, [&](const Exchange& exchange) {
                       return exchange.fork == old->number && is_offer(exchange);
                     });
  if (waits || call.exchanges.size() >= kExchangesMax) {
    transfer.offer_at = turn.now + kOfferPause;  // RFC 3261 §14.1: one offer at a time
    return;
  }
  const std::string sdp = attempt->heard_sdp[index_of(Side::Callee)];
  BodyPart body;
  if (!transfer.is_replacing || attempt->has_offer) {  // a newcomer may leave the offer to whoever remains
    const std::uint16_t refusal = carry_sdp(
        {call, *attempt, Side::Callee, SdpStep::Offer, old->sdp[index_of(transferee)]}, sdp, body, turn);
    if (refusal != 0) return fail_transfer(call, refusal, turn);
    attempt->offered_sdp = body.bytes;
  }
  transfer.offer_until = turn.now + kOfferPatience;
  if (!send_own(
          call, *old, transferee,
          {.method = "INVITE", .errand = Errand::Transfer, .about = transfer.fork, .lines = {}, .body = body},
          turn))
    fail_transfer(call, 503, turn);
}

void CallEngine::on_transfer_offered(Call& call, const Exchange& exchange, std::uint16_t code,
                                     const SipMessage* response, Turn turn) {
  Fork* const old = fork_numbered(call, exchange.fork);
  if (old == nullptr || !call.transfer) return;
  Transfer& transfer = *call.transfer;
  if (transfer.stage == TransferStage::Reaching && exchange.fork == transfer.fork)
    return on_target_offered(call, exchange, code, response, turn);
  const Side transferee = other(exchange.from);
  if (code / 100 == 2 && response != nullptr) {
    parts_.clients.retag(exchange.client, tag_name(old->dialogs[index_of(transferee)].remote_tag), kSettled);
    const bool is_wanted_still = transfer.stage == TransferStage::Offering;
    // Of a newcomer's session it is the newcomer's ACK that says all is well. RFC 3261 §13.2.2.4
    if (!transfer.is_replacing || !is_wanted_still)
      send_ack(call, *old, transferee, {exchange.far_cseq}, turn);
    const bool is_joined =
        is_wanted_still && (transfer.is_replacing ? answer_newcomer(call, exchange, *response, turn)
                                                  : take_transferee(call, exchange, *response, turn));
    // It sends its media where nobody is any more: nothing of the call is left to go on with.
    if (!is_joined) return end_call(call, {EndedBy::Sallyport, "transfer_failed"}, turn);
    return finish_transfer(call, turn);
  }
  if (const Fork* const target = fork_numbered(call, transfer.fork); target != nullptr)
    if (Attempt* const attempt = attempt_numbered(call, target->attempt); attempt != nullptr)
      drop_offer(call, *attempt, turn.out);
  if (code == 481 || code == 408) {  // RFC 3261 §12.2.1.2
    note(call, turn.now, CallStep::DialogLost, static_cast<std::uint16_t>(transferee), code);
    return end_call(call, {transferee == Side::Caller ? EndedBy::Caller : EndedBy::Callee, "dialog_lost"},
                    turn);
  }
  if (transfer.stage == TransferStage::Leaving) return fail_transfer(call, transfer.code, turn);
  if (code == 491) {
    transfer.offer_until.reset();
    transfer.offer_at = turn.now + kGlarePause;
    return;
  }
  fail_transfer(call, code, turn);
}

// Its answer. False: it can't be used.
bool CallEngine::take_transferee(Call& call, const Exchange& exchange, const SipMessage& response,
                                 Turn turn) {
  Fork* const target = fork_numbered(call, call.transfer->fork);
  if (target == nullptr || exchange.about != target->number) return false;
  Attempt* const attempt = attempt_numbered(call, target->attempt);
  if (attempt == nullptr || !holds_sdp(response) || body_kind(response) == BodyKind::Ambiguous) return false;
  // The target hears of it only where its own 2xx asked.
  SdpIdentity unseen = target->sdp[index_of(Side::Callee)];
  SdpIdentity& identity = call.transfer->owes_ack ? target->sdp[index_of(Side::Callee)] : unseen;
  BodyPart body;
  if (carry_sdp({call, *attempt, Side::Caller, SdpStep::Answer, identity}, session_sdp(response), body,
                turn) != 0)
    return false;
  if (std::exchange(call.transfer->owes_ack, false))
    send_ack(call, *target, Side::Callee, {call.transfer->target_cseq, body}, turn);
  return true;
}

// Whoever remains stands where callers stand, the target where callees do; whoever asked is let go. RFC 5589
// §6.1
void CallEngine::finish_transfer(Call& call, Turn turn) {
  Transfer& transfer = *call.transfer;
  Fork& old = *fork_numbered(call, call.answered_fork);
  Fork& joined = *fork_numbered(call, transfer.fork);
  const Side asker = asker_side(transfer), transferee = other(asker);
  note(call, turn.now, CallStep::Transferred, static_cast<std::uint16_t>(asker));
  tell_transferor(call, 200, true, turn);
  if (old.dialogs[index_of(asker)].state != DialogState::Ended) send_bye(call, old, asker, nullptr, turn);
  close_unanswered_refers(call, old, transferee);
  const auto from = index_of(transferee), to = index_of(Side::Caller);
  joined.dialogs[to] = std::move(old.dialogs[from]);
  joined.sdp[to] = old.sdp[from];
  joined.sent_ack[to] = std::move(old.sent_ack[from]);
  joined.timers[to] = std::move(old.timers[from]);
  std::swap(call.session_ids.sides[to], call.session_ids.sides[from]);
  if (Attempt* const before = attempt_numbered(call, old.attempt); before != nullptr) {
    close_media(call, *before, turn.out);
    before->heard_sdp = {};
  }
  const std::uint16_t gone = old.number;
  call.answered_fork = joined.number;
  std::erase_if(call.forks, [gone](const Fork& fork) { return fork.number == gone; });
  close_exchanges(call, Which::OfLostForks, turn);
  policy::CallAdmission& admission = parts_.shared.admission;
  admission.release(transfer.by_callee ? call.ticket_out : call.ticket_in);
  if (!transfer.by_callee) call.ticket_in = std::exchange(call.ticket_out, {});
  call.ticket_out = std::exchange(transfer.ticket_out, {});
  call.costly[to] = std::move(call.costly[from]);
  call.costly[index_of(Side::Callee)] = std::move(transfer.costly);
  Attempt& last = call.attempts.back();
  const Path& path = last.prototype.path;
  call.at_target = CallAtTarget(on_board(last.peer, path.remote, path.transport));
  const Timestamp longest = turn.now + call_time_of(call, last.peer);
  call.call_until = std::min(call.call_until.value_or(longest), longest);
  const std::uint16_t number = joined.number;
  end_transfer(call, 200);
  Fork* const fork = fork_numbered(call, number);
  if (fork == nullptr) return;
  shed_sdp(call, *fork);
  tell_of_lost_refers(call, *fork, turn);
}

// The call goes on as it was, if whoever asked is still there.
void CallEngine::fail_transfer(Call& call, std::uint16_t code, Turn turn) {
  Transfer& transfer = *call.transfer;
  const auto [now, out] = turn;
  cancel_attempts(call, now, out);
  if (transfer.is_replacing) refuse_newcomer(call, told_code(code), turn);
  leave_target(call, turn);
  // Whoever remains has still to say whether it goes along: not any more, let us hope.
  for (const Exchange& exchange : call.exchanges)
    if (exchange.errand == Errand::Transfer) {
      if (transfer.stage != TransferStage::Leaving) parts_.clients.cancel(exchange.client, now, out);
      transfer.stage = TransferStage::Leaving;
      transfer.code = code;
      return;
    }
  const Side asker = asker_side(transfer);
  const std::uint16_t told = told_code(code);
  note(call, now, CallStep::TransferFailed, static_cast<std::uint16_t>(asker), told);
  tell_transferor(call, told, true, turn);
  const bool has_left = transfer.has_left;
  end_transfer(call, told);
  // The last attempt is the one that the call lives on.
  if (const Fork* const fork = fork_numbered(call, call.answered_fork); fork != nullptr)
    if (const auto lives = std::ranges::find(call.attempts, fork->attempt, &Attempt::number);
        lives != call.attempts.end())
      std::rotate(lives, lives + 1, call.attempts.end());
  if (has_left) end_call(call, {asker == Side::Caller ? EndedBy::Caller : EndedBy::Callee, "bye"}, turn);
}

void CallEngine::drop_transfer(Call& call, Turn turn) {
  if (!call.transfer) return;
  cancel_attempts(call, turn.now, turn.out);
  if (call.transfer->is_replacing) refuse_newcomer(call, 480, turn);
  leave_target(call, turn);
  tell_transferor(call, 487, true, turn);
  end_transfer(call, 487);
}

// The target that has answered is let go.
void CallEngine::leave_target(Call& call, Turn turn) {
  Transfer& transfer = *call.transfer;
  const std::uint16_t number = std::exchange(transfer.fork, std::uint16_t{0});
  Fork* const fork = number != 0 ? fork_numbered(call, number) : nullptr;
  if (fork == nullptr) return;
  if (std::exchange(transfer.owes_ack, false))
    send_ack(call, *fork, Side::Callee, {transfer.target_cseq}, turn);
  if (fork->dialogs[index_of(Side::Callee)].state != DialogState::Ended)
    send_bye(call, *fork, Side::Callee, nullptr, turn);
  if (Attempt* const attempt = attempt_numbered(call, fork->attempt); attempt != nullptr)
    close_media(call, *attempt, turn.out);
  std::erase_if(call.forks, [number](const Fork& each) { return each.number == number; });
  close_exchanges(call, Which::OfLostForks, turn);
}

// Nothing of it remains but what the record says.
void CallEngine::end_transfer(Call& call, std::uint16_t code) {
  parts_.shared.admission.release(call.transfer->ticket_in);
  parts_.shared.admission.release(call.transfer->ticket_out);
  if (!call.record.transfers.empty()) call.record.transfers.back().code = code;
  call.transfer.reset();
  call.ring_until.reset();
  std::string().swap(call.invite.bytes);
  call.caller = {};
  call.targets.clear();
  for (Attempt& attempt : call.attempts) {
    attempt.setup_until.reset();
    attempt.timer_c.reset();
    Dialog only_where;
    only_where.path = attempt.prototype.path;
    only_where.peer = attempt.prototype.peer;
    attempt.prototype = std::move(only_where);
  }
}

// Whoever asked may hang up when the transfer is on its way, and the target when it is not joined yet: the
// other two go on. RFC 5589 §6.1
bool CallEngine::on_bye_in_transfer(const Arrival& arrival, const DialogPlace& place, EngineOutput& out) {
  Call& call = *place.call;
  if (!call.transfer || call.state != CallState::Answered) return false;
  Transfer& transfer = *call.transfer;
  const bool is_target = transfer.fork != 0 && place.fork->number == transfer.fork;
  const bool is_asker = place.fork->number == call.answered_fork && place.side == asker_side(transfer);
  if (!is_target && !is_asker) return false;
  parts_.responder.answer_done(arrival, 200, {call.number, 0, kBye, call.shard}, out);
  note(call, arrival.now, CallStep::ByeReceived, static_cast<std::uint16_t>(place.side));
  place.fork->dialogs[index_of(place.side)].state = DialogState::Ended;
  if (is_target)
    fail_transfer(call, 480, {arrival.now, out});
  else
    transfer.has_left = true;
  return true;
}

void CallEngine::on_transfer_deadline(Call& call, Turn turn) {
  const auto [now, out] = turn;
  if (call.state != CallState::Answered || !call.transfer) return;
  const auto is_due = [now](const std::optional<Timestamp>& deadline) {
    return deadline && *deadline <= now;
  };
  if (is_due(call.transfer->offer_at)) return offer_transfer(call, turn);
  if (is_due(call.transfer->offer_until)) {
    call.transfer->offer_until.reset();
    return fail_transfer(call, 408, turn);
  }
  if (call.transfer->stage != TransferStage::Trying) return;
  if (is_due(call.ring_until)) {
    note(call, now, CallStep::RingTimeout);
    call.targets.clear();
    return fail_transfer(call, 408, turn);
  }
  Attempt* const attempt = call.attempts.empty() ? nullptr : &call.attempts.back();
  if (attempt == nullptr || attempt->number < call.transfer->first_attempt) return;
  if (!is_due(attempt->setup_until) && !is_due(attempt->timer_c)) return;
  note(call, now, CallStep::TargetSilent, static_cast<std::uint16_t>(attempt->peer));
  cancel_attempts(call, now, out);  // RFC 3261 §16.8
  on_failure(call, *attempt, 408, nullptr, turn);
}

}  // namespace sallyport::sip
