// call_join.cpp — attended transfer: the dialog that a REFER names gives way to the call that the REFER is
// of, and whoever is at its other end is the target. Transfers that the other side carries out itself. RFC
// 3515, RFC 3891, RFC 3892, RFC 5589 §7; threats D5.
#include <algorithm>
#include <utility>

#include "policy/route/dialled.h"
#include "sipalg/call/call_engine.h"
#include "sipalg/message/message_writer.h"

namespace sallyport::sip {
namespace {

bool has_open_offer(const Call& call, const Fork& fork) noexcept {
  return fork.awaited[0] || fork.awaited[1] || !call.held.empty() ||
         std::ranges::any_of(call.exchanges, [](const Exchange& exchange) {
           return exchange.method == Method::Invite || exchange.method == Method::Update ||
                  exchange.has_offer;
         });
}

}  // namespace

void CallEngine::on_refer_to_dialog(const Arrival& arrival, const DialogPlace& place,
                                    const ReferTarget& target, EngineOutput& out) {
  Call& call = *place.call;
  const auto name = read_token(parts_.settings.token_key, TokenKind::Tag, target.replaces->to_tag);
  if (!name) return parts_.responder.answer(arrival, 481, out);  // RFC 3891 §3
  const DialogPlace replaced = dialog_named(name->number, *target.replaces);
  // Nor is there anybody to ask where the call lives in another engine.
  if (replaced.call == nullptr) return parts_.responder.answer(arrival, 481, out);
  if (const std::uint16_t code = refusal_of_join(place, replaced, *target.replaces); code != 0)
    return parts_.responder.answer(arrival, code, out, code == 503 ? 1 : 0);
  open_transfer(arrival, place, target, TransferStage::Reaching);
  const Turn turn{arrival.now, out};
  if (!accept_refer(arrival, place, out)) return end_transfer(call, 400);
  note(call, arrival.now, CallStep::TransferAsked, static_cast<std::uint16_t>(place.side));
  tell_transferor(call, 100, false, turn);
  Call& other_call = *replaced.call;
  const Side left = replaced.side;
  const std::string offer = take_over(place, replaced);
  end_call(other_call, {left == Side::Caller ? EndedBy::Caller : EndedBy::Callee, "transferred"}, turn);
  settle(other_call);
  offer_to_target(call, offer, turn);
}

// Whoever asks must be at both: nobody takes a place in somebody else's call (threats D5).
std::uint16_t CallEngine::refusal_of_join(const DialogPlace& asker, const DialogPlace& replaced,
                                          const Replaces& name) const {
  const Call& call = *replaced.call;
  const Dialog& near = asker.fork->dialogs[index_of(asker.side)];
  const Dialog& given = replaced.fork->dialogs[index_of(replaced.side)];
  const bool is_endpoint = near.peer == PeerIndex::kNone || registrar_of(book_->config, near.peer) != nullptr;
  if (near.peer != given.peer || near.path.realm != given.path.realm ||
      (is_endpoint && near.path.remote.address != given.path.remote.address))
    return 403;
  if (&call == asker.call) return 403;
  if (name.early_only) return 486;  // RFC 3891 §3
  if (call.state != CallState::Answered || call.transfer || replaced.fork->number != call.answered_fork)
    return 491;
  if (call.is_sips != asker.call->is_sips || call.is_emergency) return 403;
  if (asker.call->former_numbers.size() + call.former_numbers.size() >= kFormerNumbersMax) return 403;
  return has_open_offer(call, *replaced.fork) ? std::uint16_t{491} : std::uint16_t{0};
}

// The other end's dialog goes over to the call of whoever asks, as that of a target which has answered. What
// it is to be offered; empty: it is to offer.
std::string CallEngine::take_over(const DialogPlace& asker, const DialogPlace& replaced) {
  Call& call = *asker.call;
  Call& from = *replaced.call;
  const Side side = other(replaced.side);
  Dialog& dialog = replaced.fork->dialogs[index_of(side)];
  const Dialog& transferee = asker.fork->dialogs[index_of(other(asker.side))];
  std::string offer;
  for (const Attempt& attempt : call.attempts)
    if (attempt.number == asker.fork->attempt)
      offer = fresh_offer(attempt.heard_sdp[index_of(other(asker.side))]);
  Attempt attempt;
  attempt.number = ++call.attempts_made;
  attempt.peer = dialog.peer;
  attempt.prototype.path = dialog.path;
  attempt.prototype.peer = dialog.peer;
  attempt.media.number = attempt.number;
  attempt.has_offer = !offer.empty();
  attempt.is_done = true;
  Fork fork;
  fork.number = ++call.forks_made;
  fork.attempt = attempt.number;
  fork.dialogs[index_of(Side::Caller)].path = transferee.path;
  fork.dialogs[index_of(Side::Caller)].peer = transferee.peer;
  fork.dialogs[index_of(Side::Callee)] = dialog;
  fork.sdp[index_of(Side::Callee)] = replaced.fork->sdp[index_of(side)];
  fork.sdp[index_of(Side::Caller)].session_id = sdp_session_id(call, fork.number);
  fork.sent_ack[index_of(Side::Callee)] = replaced.fork->sent_ack[index_of(side)];
  fork.timers[index_of(Side::Callee)] = std::move(replaced.fork->timers[index_of(side)]);
  dialog.state = DialogState::Ended;  // here: it gets no BYE
  call.record.legs.resize(2);
  call.record.legs.push_back({parts_.config.realms[to_position(dialog.path.realm)].name,
                              std::string(to_string(dialog.path.transport)), dialog.path.remote,
                              dialog.call_id});
  call.transfer->fork = fork.number;
  call.transfer->ticket_out = std::exchange(side == Side::Callee ? from.ticket_out : from.ticket_in, {});
  call.attempts.push_back(std::move(attempt));
  call.forks.push_back(std::move(fork));
  calls_.inherit(from, call);
  return offer;
}

void CallEngine::offer_to_target(Call& call, std::string_view offer, Turn turn) {
  Fork* const fork = fork_numbered(call, call.transfer->fork);
  Attempt* const attempt = fork != nullptr ? attempt_numbered(call, fork->attempt) : nullptr;
  if (attempt == nullptr) return fail_transfer(call, 500, turn);
  BodyPart body;
  if (!offer.empty())
    if (const std::uint16_t refusal =
            carry_sdp({call, *attempt, Side::Caller, SdpStep::Offer, fork->sdp[index_of(Side::Callee)]},
                      offer, body, turn);
        refusal != 0)
      return fail_transfer(call, refusal, turn);
  call.transfer->offer_until = turn.now + kOfferPatience;
  if (!send_own(
          call, *fork, Side::Callee,
          {.method = "INVITE", .errand = Errand::Transfer, .about = fork->number, .lines = {}, .body = body},
          turn))
    fail_transfer(call, 503, turn);
}

void CallEngine::on_target_offered(Call& call, const Exchange& exchange, std::uint16_t code,
                                   const SipMessage* response, Turn turn) {
  Fork* const fork = fork_numbered(call, exchange.fork);
  Attempt* const attempt = fork != nullptr ? attempt_numbered(call, fork->attempt) : nullptr;
  if (attempt == nullptr) return fail_transfer(call, 500, turn);
  call.transfer->offer_until.reset();
  if (code / 100 != 2 || response == nullptr) {
    drop_offer(call, *attempt, turn.out);
    if (code == 481 || code == 408) fork->dialogs[index_of(Side::Callee)].state = DialogState::Ended;
    return fail_transfer(call, code, turn);
  }
  parts_.clients.retag(exchange.client, tag_name(fork->dialogs[index_of(Side::Callee)].remote_tag), kSettled);
  if (const std::uint16_t refusal = take_target(call, *attempt, *fork, *response, turn); refusal != 0) {
    call.transfer->owes_ack = true;
    call.transfer->target_cseq = response->cseq.number;
    return fail_transfer(call, refusal, turn);
  }
  call.transfer->stage = TransferStage::Offering;
  offer_transfer(call, turn);
}

// A transfer that the other side carries out: whom it is to call, as that leg would write it, and in whose
// name. A dialog that it is to replace has other names there. RFC 3515 §2.1, RFC 3892 §2.1
std::uint16_t CallEngine::write_refer(const Arrival& arrival, const DialogPlace& place,
                                      std::string& lines) const {
  const auto target = refer_target(arrival.request, arrival.neighbour.strictness);
  if (!target) return target.error();
  if (target->replaces) return 488;
  if (target->uri.scheme == UriScheme::Sips && !place.call->is_sips) return 416;
  const Dialog& far = place.fork->dialogs[index_of(other(place.side))];
  const Place* const way = parts_.places.at(far.path);
  if (way == nullptr) return 500;
  policy::RuleSubject subject;
  subject.called = policy::unescaped_user(target->uri.user);
  subject.caller = policy::unescaped_user(arrival.request.from.uri.user);
  subject.method = "REFER";
  policy::RuleEdits edits;
  const Rulebook& book = *place.call->book;
  const Dialog& near = place.fork->dialogs[index_of(place.side)];
  if (const PeerSide* const peer = book.peer_side(near.peer); peer != nullptr)
    book.rules.apply(peer->rules_in, subject, edits);
  if (const PeerSide* const peer = book.peer_side(far.peer); peer != nullptr)
    book.rules.apply(peer->rules_out, subject, edits);
  const bool is_sips = place.call->is_sips;
  lines = "Refer-To: <" + far_uri(target->uri, subject.called, way->names.uri_host, is_sips) + ">\r\n";
  if (!near.is_private)  // RFC 3323 §4.2
    lines += "Referred-By: <" +
             far_uri(arrival.request.from.uri, subject.caller, way->names.uri_host, is_sips) + ">\r\n";
  if (declines_subscription(arrival.request)) lines += "Refer-Sub: false\r\n";
  return 0;
}

// Of a fragment only its status line: the rest is the other side's. RFC 3420, RFC 3515 §2.4.5
BodyPart CallEngine::status_only(const SipMessage& notify, BodyPart body, std::string& room) {
  if (!equals_ignoring_case(notify.content_type.type, "message") ||
      !equals_ignoring_case(notify.content_type.subtype, "sipfrag"))
    return body;
  const std::string_view text = body.bytes;
  if (!text.starts_with("SIP/2.0 ") || text.size() < 11) return {};
  const auto code = parse_decimal(text.substr(8, 3), 699);
  if (!code || *code < 100) return {};
  room.assign(text.substr(0, 11)).append(1, ' ').append(reason_phrase(*code)).append("\r\n");
  return {"message/sipfrag;version=2.0", room};
}

}  // namespace sallyport::sip
