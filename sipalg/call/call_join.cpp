// call_join.cpp — attended transfer: the dialog that a REFER names gives way to the call that the REFER is
// of, and whoever is at its other end is the target. Transfers that the other side carries out itself. RFC
// 3515, RFC 3891, RFC 3892, RFC 5589 §7; threats D5.
#include <algorithm>
#include <utility>

#include "policy/route/dialled.h"
#include "sipalg/call/call_engine.h"
#include "sipalg/call/passed_refer.h"
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
  const DialogPlace replaced = dialog_named(name->number, target.replaces->dialog());
  const SipEngineSettings& settings = parts_.settings;
  const bool is_elsewhere = replaced.call == nullptr && name->shard % settings.engines != settings.place;
  if (replaced.call == nullptr && !is_elsewhere) return parts_.responder.answer(arrival, 481, out);
  const LegAsker asker = asker_at(place, arrival.request.cseq.number);
  if (!is_elsewhere)
    if (const std::uint16_t code = refusal_of_join(asker, replaced, *target.replaces); code != 0)
      return parts_.responder.answer(arrival, code, out, code == 503 ? 1 : 0);
  open_transfer(arrival, place, target, is_elsewhere ? TransferStage::Asking : TransferStage::Reaching);
  const Turn turn{arrival.now, out};
  if (!accept_refer(arrival, place, out)) return end_transfer(call, 400);
  note(call, arrival.now, CallStep::TransferAsked, static_cast<std::uint16_t>(place.side));
  tell_transferor(call, 100, false, turn);
  if (!is_elsewhere) return take_leg(call, give_leg(replaced, turn), turn);
  call.transfer->offer_until = arrival.now + kLetterPatience;
  out.letters().push_back(
      std::make_unique<LegLetter>(name->shard, LegLetter::Ask{asker, std::move(*target.replaces)}));
}

LegAsker CallEngine::asker_at(const DialogPlace& place, std::uint32_t refer_cseq) {
  const Dialog& near = place.fork->dialogs[index_of(place.side)];
  return {.call = place.call->number,
          .shard = place.call->shard,
          .refer_cseq = refer_cseq,
          .peer = near.peer,
          .realm = near.path.realm,
          .address = near.path.remote.address,
          .is_sips = place.call->is_sips,
          .former_numbers = place.call->former_numbers.size()};
}

// Whoever asks must be at both: nobody takes a place in somebody else's call (threats D5).
std::uint16_t CallEngine::refusal_of_join(const LegAsker& asker, const DialogPlace& replaced,
                                          const Replaces& name) const {
  const Call& call = *replaced.call;
  const Dialog& given = replaced.fork->dialogs[index_of(replaced.side)];
  const bool is_endpoint =
      asker.peer == PeerIndex::kNone || registrar_of(book_->config, asker.peer) != nullptr;
  if (asker.peer != given.peer || asker.realm != given.path.realm ||
      (is_endpoint && asker.address != given.path.remote.address))
    return 403;
  if (call.number == asker.call) return 403;
  if (name.early_only) return 486;  // RFC 3891 §3
  if (call.state != CallState::Answered || call.transfer || replaced.fork->number != call.answered_fork)
    return 491;
  if (call.is_sips != asker.is_sips || call.is_emergency) return 403;
  if (asker.former_numbers + call.former_numbers.size() >= kFormerNumbersMax) return 403;
  return has_open_offer(call, *replaced.fork) ? std::uint16_t{491} : std::uint16_t{0};
}

GivenLeg CallEngine::give_leg(const DialogPlace& replaced, Turn turn) {
  Call& call = *replaced.call;
  const Side left = replaced.side;
  const std::size_t side = index_of(other(left));
  GivenLeg leg;
  close_unanswered_refers(call, *replaced.fork, other(left));
  leg.dialog = replaced.fork->dialogs[side];
  note_security(leg.dialog, attempt_numbered(call, replaced.fork->attempt), other(left));
  leg.sdp = replaced.fork->sdp[side];
  leg.sent_ack = replaced.fork->sent_ack[side];
  leg.timer = std::move(replaced.fork->timers[side]);
  leg.ticket = std::exchange(left == Side::Caller ? call.ticket_out : call.ticket_in, {});
  leg.costly = std::move(call.costly[side]);
  leg.former_numbers = calls_.give_names(call);
  replaced.fork->dialogs[side].state = DialogState::Ended;  // here: it gets no BYE
  end_call(call, {left == Side::Caller ? EndedBy::Caller : EndedBy::Callee, "transferred"}, turn);
  settle(call);
  return leg;
}

// As the dialog of a target that has answered; it is offered what whoever remains has said last, or is to
// offer.
void CallEngine::take_leg(Call& call, GivenLeg&& leg, Turn turn) {
  Transfer& transfer = *call.transfer;
  const Fork* const old = fork_numbered(call, call.answered_fork);
  if (old == nullptr) return drop_leg(std::move(leg), turn);
  const std::size_t transferee = index_of(transfer.by_callee ? Side::Caller : Side::Callee);
  std::string offer;
  if (const Attempt* const before = attempt_numbered(call, old->attempt); before != nullptr)
    offer = fresh_offer(before->heard_sdp[transferee]);
  Attempt attempt;
  attempt.number = ++call.attempts_made;
  attempt.peer = leg.dialog.peer;
  attempt.prototype.path = leg.dialog.path;
  attempt.prototype.peer = leg.dialog.peer;
  attempt.media.number = attempt.number;
  attempt.has_offer = !offer.empty();
  attempt.is_done = true;
  Fork fork;
  fork.number = ++call.forks_made;
  fork.attempt = attempt.number;
  fork.dialogs[index_of(Side::Caller)].path = old->dialogs[transferee].path;
  fork.dialogs[index_of(Side::Caller)].peer = old->dialogs[transferee].peer;
  fork.sdp[index_of(Side::Callee)] = leg.sdp;
  fork.sdp[index_of(Side::Caller)].session_id = sdp_session_id(call, fork.number);
  fork.sent_ack[index_of(Side::Callee)] = std::move(leg.sent_ack);
  fork.timers[index_of(Side::Callee)] = std::move(leg.timer);
  const Path& path = leg.dialog.path;
  call.record.legs.resize(2);
  call.record.legs.push_back({book_->config.realms[to_position(path.realm)].name,
                              std::string(to_string(path.transport)), path.remote, leg.dialog.call_id});
  fork.dialogs[index_of(Side::Callee)] = std::move(leg.dialog);
  for (const std::uint64_t number : leg.former_numbers) call.former_numbers.push_back(number);
  calls_.take_names(call);
  transfer.fork = fork.number;
  transfer.ticket_out = leg.ticket;
  transfer.costly = std::move(leg.costly);
  transfer.stage = TransferStage::Reaching;
  call.attempts.push_back(std::move(attempt));
  call.forks.push_back(std::move(fork));
  offer_to_target(call, offer, turn);
}

// Nobody waits for it any more, and it has no call to go back to.
void CallEngine::drop_leg(GivenLeg&& leg, Turn turn) {
  parts_.shared.admission.release(leg.ticket);
  Call stray;  // carries the tokens' content, nothing else
  stray.book = book_;
  if (const auto name = read_token(parts_.settings.token_key, TokenKind::Tag, leg.dialog.local_tag)) {
    stray.number = name->number;
    stray.shard = name->shard;
  }
  Fork fork;
  fork.dialogs[index_of(Side::Callee)] = std::move(leg.dialog);
  send_bye(stray, fork, Side::Callee, nullptr, turn);
}

void CallEngine::on_letter(EngineLetter& letter, Turn turn) {
  auto& what = static_cast<LegLetter&>(letter).what;
  if (const auto* const ask = std::get_if<LegLetter::Ask>(&what)) return on_leg_asked(*ask, turn);
  on_leg_given(std::get<LegLetter::Answer>(what), turn);
}

void CallEngine::on_leg_asked(const LegLetter::Ask& ask, Turn turn) {
  LegLetter::Answer answer{
      .call = ask.asker.call, .refer_cseq = ask.asker.refer_cseq, .code = 481, .leg = {}};
  const auto name = read_token(parts_.settings.token_key, TokenKind::Tag, ask.name.to_tag);
  const DialogPlace replaced = name ? dialog_named(name->number, ask.name.dialog()) : DialogPlace{};
  if (replaced.call != nullptr) {
    parts_.touched = replaced.call->number;
    answer.code = refusal_of_join(ask.asker, replaced, ask.name);
  }
  if (answer.code == 0) answer.leg = give_leg(replaced, turn);
  turn.out.letters().push_back(std::make_unique<LegLetter>(ask.asker.shard, std::move(answer)));
}

void CallEngine::on_leg_given(LegLetter::Answer& answer, Turn turn) {
  Call* const call = calls_.find(answer.call);
  const bool is_awaited = call != nullptr && call->state == CallState::Answered && call->transfer &&
                          call->transfer->stage == TransferStage::Asking &&
                          call->transfer->refer_cseq == answer.refer_cseq;
  if (!is_awaited) {
    if (answer.leg) drop_leg(std::move(*answer.leg), turn);
    return;
  }
  parts_.touched = call->number;
  call->transfer->offer_until.reset();
  if (answer.leg)
    take_leg(*call, std::move(*answer.leg), turn);
  else
    fail_transfer(*call, answer.code, turn);
  settle(*call);
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
  std::string replaces;
  if (target->replaces) {
    replaces = replaces_for_others(*target->replaces);
    if (replaces.empty()) return 481;  // RFC 3891 §3
  }
  if (target->uri.scheme == UriScheme::Sips && !place.call->is_sips) return 416;
  const Dialog& far = place.fork->dialogs[index_of(other(place.side))];
  const Place* const way = place_of(*place.call, far.path);
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
  lines =
      "Refer-To: <" + far_uri(target->uri, subject.called, way->names.uri_host, is_sips) + replaces + ">\r\n";
  if (!near.is_private)  // RFC 3323 §4.2
    lines += "Referred-By: <" +
             far_uri(arrival.request.from.uri, subject.caller, way->names.uri_host, is_sips) + ">\r\n";
  if (declines_subscription(arrival.request)) lines += "Refer-Sub: false\r\n";
  return 0;
}

// Whoever carried them out has left the call, and nobody else can say what became of them: the call goes on,
// and for all that its end knows they have failed. RFC 3515 §2.4.4, §2.4.7
void CallEngine::tell_of_lost_refers(Call& call, Fork& fork, Turn turn) {
  constexpr std::uint16_t kCode = 487;
  const std::string status =
      "SIP/2.0 " + std::to_string(kCode) + " " + std::string(reason_phrase(kCode)) + "\r\n";
  for (const Side side : {Side::Caller, Side::Callee})
    if (std::exchange(fork.dialogs[index_of(side)].open_refers, std::uint8_t{0}) != 0)
      (void)send_own(call, fork, side,
                     {.method = "NOTIFY",
                      .errand = Errand::Notify,
                      .about = 0,
                      .lines = "Event: refer\r\nSubscription-State: terminated;reason=noresource\r\n",
                      .body = {"message/sipfrag;version=2.0", status}},
                     turn);
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
