// call_replaces.cpp — a new caller takes the place of whoever its INVITE names, and the other one stays: RFC
// 3891; threats D5.
#include <algorithm>
#include <utility>

#include "sipalg/call/call_engine.h"
#include "sipalg/call/call_screen.h"
#include "sipalg/registrar/endpoint_terms.h"

namespace sallyport::sip {
namespace {

// In the part of names that somebody else is told: no message of the dialog itself shows those.
constexpr std::uint16_t kToldPart = 0x4000;

// The one that it has. RFC 3891 §3
std::optional<Replaces> replaces_of(const SipMessage& invite) {
  std::optional<Replaces> found;
  for (std::size_t i = 0; i < invite.header_count; ++i) {
    const HeaderField& field = invite.headers[i];
    if (field.name == HeaderName::Join) return std::nullopt;
    if (field.name != HeaderName::Replaces) continue;
    if (found) return std::nullopt;
    found = parse_replaces(invite.value_of(field));
    if (!found) return std::nullopt;
  }
  return found;
}

}  // namespace

void CallEngine::on_replaces(const Arrival& arrival, EngineOutput& out) {
  const auto name = replaces_of(arrival.request);
  if (!name) return refuse_new(arrival, 400, out);
  // It dials nothing, but who sends too many of them is no better than others.
  const policy::Actor caller = caller_of(parts_, arrival);
  const DetectorRuling ruling = parts_.detectors.before_call(arrival.now, caller, {});
  if (!ruling.passes()) return refuse_detected(arrival, nullptr, caller, ruling, out);
  note_ruling(nullptr, caller, ruling, {arrival.now, out});
  if (!arrival.neighbour.options.has(OptionTag::Replaces)) return refuse_new(arrival, 403, out);
  bool was_told = false;
  const DialogPlace replaced = dialog_replaced(*name, was_told);
  if (replaced.call == nullptr) return refuse_new(arrival, 481, out);
  Call& call = *replaced.call;
  if (!may_replace(arrival, replaced.fork->dialogs[index_of(replaced.side)], was_told)) {
    note_forgery(arrival, call, replaced.side, out);
    return refuse_new(arrival, 403, out);
  }
  if (const std::uint16_t code = refusal_of_replacing(arrival, replaced, *name); code != 0)
    return refuse_new(arrival, code, out);
  parts_.touched = call.number;
  call.state == CallState::Trying ? pick_up(arrival, replaced, out) : take_newcomer(arrival, replaced, out);
  settle(call);
}

// By the names that its far end has for it, or by those that a REFER of ours told somebody else.
CallEngine::DialogPlace CallEngine::dialog_replaced(const Replaces& name, bool& was_told) {
  const HashKey& key = parts_.settings.token_key;
  const auto tag = read_token(key, TokenKind::Tag, name.to_tag);
  if (!tag) return {};
  was_told = (tag->part & kToldPart) != 0 && read_token(key, TokenKind::CallId, name.call_id) == tag &&
             read_token(key, TokenKind::Contact, name.from_tag) == tag;
  if (!was_told) return dialog_named(tag->number, name.dialog());
  Token own = *tag;
  own.part = static_cast<std::uint16_t>(own.part & ~kToldPart);
  const TokenText own_tag = write_token(key, TokenKind::Tag, own);
  for (Call* const call : {calls_.heir_of(tag->number), calls_.find(tag->number)}) {
    if (call == nullptr) continue;
    for (Fork& fork : call->forks)
      for (const Side side : {Side::Caller, Side::Callee})
        if (fork.dialogs[index_of(side)].local_tag == view(own_tag)) return {call, &fork, side};
  }
  return {};
}

std::string CallEngine::replaces_for_others(const Replaces& name) const {
  const HashKey& key = parts_.settings.token_key;
  auto told = read_token(key, TokenKind::Tag, name.to_tag);
  if (!told) return {};
  told->part |= kToldPart;
  const TokenText call_id = write_token(key, TokenKind::CallId, *told);
  const TokenText to_tag = write_token(key, TokenKind::Tag, *told);
  const TokenText from_tag = write_token(key, TokenKind::Contact, *told);
  std::string text = "?Replaces=";
  text.append(view(call_id)).append("%3Bto-tag%3D").append(view(to_tag));
  text.append("%3Bfrom-tag%3D").append(view(from_tag));
  if (name.early_only) text += "%3Bearly-only";
  return text;
}

// Who is of the same trust domain: the same peer, endpoints of one registrar, or both in realms that are
// trusted. Who was told the dialog's name by us has it from one who is at it (threats D5).
bool CallEngine::may_replace(const Arrival& arrival, const Dialog& replaced, bool was_told) const {
  const MessageInput& input = arrival.input;
  if (input.trust < TrustClass::Trusted) return false;
  if (input.peer != PeerIndex::kNone && (was_told || input.peer == replaced.peer)) return true;
  const auto is_trusted = [this](RealmIndex realm) {
    return book_->config.realms[to_position(realm)].trust == RealmTrust::Trusted;
  };
  return is_trusted(input.realm) && (was_told || is_trusted(replaced.path.realm));
}

std::uint16_t CallEngine::refusal_of_replacing(const Arrival& arrival, const DialogPlace& replaced,
                                               const Replaces& name) const {
  const Call& call = *replaced.call;
  const Dialog& given = replaced.fork->dialogs[index_of(replaced.side)];
  if (call.state == CallState::Ended || given.state == DialogState::Ended) return 603;  // RFC 3891 §3
  const bool is_early = call.state == CallState::Trying;
  if (is_early && replaced.side == Side::Caller) return 481;  // only whom we call ourselves. RFC 3891 §3
  if (name.early_only && !is_early) return 486;               // RFC 3891 §3
  if (media_leg(call, given).profile->refer == ReferMode::Refuse || call.is_emergency ||
      (call.is_sips && arrival.input.transport != Transport::Tls) ||
      call.record.transfers.size() >= kTransfersMax)
    return 403;
  if (is_early) {
    // Where an answer was told reliably another one can't be. RFC 3262 §5
    const bool is_told = std::ranges::any_of(
        call.forks, [](const Fork& fork) { return fork.reliable && fork.reliable->is_told; });
    if (is_told || !holds_sdp(arrival.request)) return 488;
  } else if (call.transfer || replaced.fork->number != call.answered_fork || !call.held.empty()) {
    return 491;
  }
  if (arrival.neighbour.session_seconds != 0 && is_interval_too_small(session_wish(arrival.request)))
    return 422;  // RFC 4028 §9
  return draining_ || !has_room_for_call(false) ? std::uint16_t{503} : std::uint16_t{0};
}

std::optional<CallEngine::Newcomer> CallEngine::admit_newcomer(const Arrival& arrival, Call& call,
                                                               EngineOutput& out) {
  const SipMessage& request = arrival.request;
  auto head = response_head(request, arrival.neighbour.strictness, arrival.input.remote);
  Dialog dialog;
  dialog.path = path_of(arrival.input);
  dialog.peer = arrival.input.peer;
  follow(dialog, arrival);
  const std::string_view sdp = holds_sdp(request) ? session_sdp(request) : std::string_view();
  if (!head || !take_remote_side(dialog, request) || !parts_.servers.has_room())
    return refuse_unmade(arrival, out), std::nullopt;
  if (sdp.size() > kHeardSdpMax) return refuse_new(arrival, 488, out), std::nullopt;
  const auto ticket =
      parts_.shared.admission.admit_in(arrival.input.peer, arrival.input.realm, false, arrival.now);
  if (!ticket) return refuse_new(arrival, 503, out), std::nullopt;
  Newcomer newcomer;
  newcomer.ticket = *ticket;
  newcomer.invite.path = arrival.answer_path;
  newcomer.invite.cseq = request.cseq.number;
  newcomer.invite.session = session_wish(request);
  Attempt& attempt = newcomer.attempt;
  attempt.number = ++call.attempts_made;
  attempt.peer = dialog.peer;
  attempt.prototype.path = dialog.path;
  attempt.prototype.peer = dialog.peer;
  attempt.media.number = attempt.number;
  attempt.has_offer = !sdp.empty();
  attempt.heard_sdp[index_of(Side::Callee)] = sdp;
  attempt.is_done = true;
  const std::uint16_t part = kCalleePart | attempt.number;
  dialog.call_id = request.call_id;
  dialog.local_tag = token(TokenKind::Tag, call, part);
  dialog.local_address = head->to();
  newcomer.invite.head = std::move(*head);
  Fork& fork = newcomer.fork;
  fork.number = ++call.forks_made;
  fork.attempt = attempt.number;
  fork.sdp[index_of(Side::Callee)].session_id = sdp_session_id(call, part);
  fork.sdp[index_of(Side::Caller)].session_id = sdp_session_id(call, fork.number);
  fork.dialogs[index_of(Side::Callee)] = std::move(dialog);
  return newcomer;
}

// It stands where targets do that have answered, and whoever remains is offered its session.
void CallEngine::take_newcomer(const Arrival& arrival, const DialogPlace& replaced, EngineOutput& out) {
  Call& call = *replaced.call;
  auto newcomer = admit_newcomer(arrival, call, out);
  if (!newcomer) return;
  const Dialog& remains = replaced.fork->dialogs[index_of(other(replaced.side))];
  newcomer->fork.dialogs[index_of(Side::Caller)].path = remains.path;
  newcomer->fork.dialogs[index_of(Side::Caller)].peer = remains.peer;
  open_newcomers_transfer(arrival, replaced, *newcomer);
  Transfer& transfer = *call.transfer;
  transfer.is_replacing = true;
  transfer.is_told = false;
  transfer.ticket_out = newcomer->ticket;
  transfer.fork = newcomer->fork.number;
  call.invite = std::move(newcomer->invite);
  call.attempts.push_back(std::move(newcomer->attempt));
  call.forks.push_back(std::move(newcomer->fork));
  respond(call, call.invite.server, call.invite.path, {.code = 100, .head = &call.invite.head},
          {arrival.now, out});
  offer_transfer(call, {arrival.now, out});
}

// Its transaction, and its lines in the call's record.
void CallEngine::open_newcomers_transfer(const Arrival& arrival, const DialogPlace& replaced,
                                         Newcomer& newcomer) {
  Call& call = *replaced.call;
  ReferTarget named;
  named.uri = arrival.request.from.uri;
  open_transfer(arrival, replaced, named, TransferStage::Offering);
  call.transfer->first_attempt = newcomer.attempt.number;
  const Dialog& dialog = newcomer.fork.dialogs[index_of(Side::Callee)];
  call.record.legs.resize(call.state == CallState::Trying ? 1 : 2);
  call.record.legs.push_back({book_->config.realms[to_position(dialog.path.realm)].name,
                              std::string(to_string(dialog.path.transport)), dialog.path.remote,
                              dialog.call_id});
  newcomer.invite.server =
      parts_.servers.start({.key = arrival.key,
                            .kind = TransactionKind::Invite,
                            .user = {call.number, newcomer.attempt.number, kInvite, call.shard},
                            .path = arrival.answer_path,
                            .timers = arrival.neighbour.timers},
                           arrival.request, arrival.now);
  note(call, arrival.now, CallStep::TransferAsked, static_cast<std::uint16_t>(replaced.side));
}

// Both have called, and both have made an offer: each one's is the answer for the other one. Codecs are
// compared by their names, and each side sends by the numbers of the other one. RFC 3264 §6.1
std::uint16_t CallEngine::cross_offers(Call& call, Newcomer& newcomer, std::string_view theirs,
                                       std::array<std::string, 2>& told, Turn turn) {
  Attempt& attempt = newcomer.attempt;
  const std::string own = attempt.heard_sdp[index_of(Side::Callee)], remote(theirs);
  SdpIdentity& to_caller = newcomer.fork.sdp[index_of(Side::Caller)];
  SdpIdentity& to_newcomer = newcomer.fork.sdp[index_of(Side::Callee)];
  SdpIdentity unseen = to_caller;
  BodyPart body;
  std::uint16_t refusal =
      carry_sdp({call, attempt, Side::Caller, SdpStep::Offer, to_newcomer}, remote, body, turn);
  if (refusal == 0)
    refusal = carry_sdp({call, attempt, Side::Callee, SdpStep::Answer, to_caller}, own, body, turn);
  told[index_of(Side::Caller)] = body.bytes;
  if (refusal == 0)
    refusal = carry_sdp({call, attempt, Side::Callee, SdpStep::Offer, unseen}, own, body, turn);
  if (refusal == 0)
    refusal = carry_sdp({call, attempt, Side::Caller, SdpStep::Answer, to_newcomer}, remote, body, turn);
  told[index_of(Side::Callee)] = body.bytes;
  if (std::string& sent = attempt.sent_sdp[index_of(Side::Caller)]; !sent.empty())
    sent = told[index_of(Side::Caller)];
  return refusal;
}

// Both get their 2xx at once, and whoever rings a CANCEL.
void CallEngine::pick_up(const Arrival& arrival, const DialogPlace& replaced, EngineOutput& out) {
  Call& call = *replaced.call;
  const Turn turn{arrival.now, out};
  const SipMessage* const invite = invite_of(call);
  if (invite == nullptr || !holds_sdp(*invite)) return refuse_new(arrival, 488, out);
  auto newcomer = admit_newcomer(arrival, call, out);
  if (!newcomer) return;
  std::array<std::string, 2> told;
  if (cross_offers(call, *newcomer, session_sdp(*invite), told, turn) != 0) {
    close_media(call, newcomer->attempt, out);
    parts_.shared.admission.release(newcomer->ticket);
    return refuse_new(arrival, 488, out);
  }
  open_newcomers_transfer(arrival, replaced, *newcomer);
  call.record.transfers.back().code = 200;
  if (!call.record.tried.empty()) call.record.tried.back().code = 487;
  call.transfer.reset();
  call.targets.clear();
  cancel_attempts(call, arrival.now, out);
  parts_.shared.admission.release(call.ticket_out);
  call.ticket_out = newcomer->ticket;
  call.at_target = {};
  call.costly[index_of(Side::Callee)] = {};
  if (const PeerSide* const peer = call.book->peer_side(newcomer->attempt.peer); peer != nullptr)
    call.record.peer_out = peer->config->name;
  hear_session_id(call, Side::Callee, arrival.request, true);
  Dialog& caller = newcomer->fork.dialogs[index_of(Side::Caller)];
  caller = call.caller;
  caller.local_tag = token(TokenKind::Tag, call, newcomer->fork.number);
  caller.local_address = call.invite.head.to();
  const StoredInvite theirs = std::move(newcomer->invite);
  call.attempts.push_back(std::move(newcomer->attempt));
  call.forks.push_back(std::move(newcomer->fork));
  Fork& fork = call.forks.back();
  const auto sdp_for = [&told](Side side) { return BodyPart{"application/sdp", told[index_of(side)]}; };
  send_newcomer(call, fork, {theirs, sdp_for(Side::Callee), 0, false}, turn);
  ResponseParts parts;
  parts.code = 200;
  begin_for_caller(call, fork, parts, nullptr);
  parts.body = sdp_for(Side::Caller);
  const std::string session = agree_session(call, fork, Side::Caller, call.invite.session, arrival.now);
  parts.own_lines = session;
  answer_caller(call, fork, parts, 0, turn);
}

void CallEngine::send_newcomer(Call& call, Fork& fork, const NewcomerAnswer& answer, Turn turn) {
  Dialog& dialog = fork.dialogs[index_of(Side::Callee)];
  const Neighbour& neighbour = call.book->neighbour_of(dialog.peer);
  dialog.state = DialogState::Confirmed;
  const std::string session = agree_session(call, fork, Side::Callee, answer.invite.session, turn.now);
  ResponseParts parts;
  parts.code = 200;
  parts.head = &answer.invite.head;
  parts.to_tag = dialog.local_tag;
  parts.contact = contact_of(call, dialog.path, part_of(dialog));
  parts.makes_dialog = true;
  parts.allow = neighbour.allow;
  parts.supported = neighbour.supported;
  parts.own_lines = session;
  parts.body = answer.body;
  const bool is_sent = respond(call, answer.invite.server, answer.invite.path, parts, turn);
  fork.awaited[index_of(Side::Callee)] =
      AwaitedAck{.cseq = answer.invite.cseq,
                 .far_cseq = answer.far_cseq,
                 .response = is_sent ? std::string(turn.out.sends().back().bytes) : std::string(),
                 .path = answer.invite.path,
                 .owes_answer = answer.owes_answer,
                 .interval = neighbour.timers.t1,
                 .resend_at = turn.now + neighbour.timers.t1,
                 .give_up_at = turn.now + 64 * neighbour.timers.t1};
}

bool CallEngine::answer_newcomer(Call& call, const Exchange& exchange, const SipMessage& response,
                                 Turn turn) {
  Fork* const fork = fork_numbered(call, call.transfer->fork);
  Attempt* const attempt = fork != nullptr ? attempt_numbered(call, fork->attempt) : nullptr;
  Fork* const old = fork_numbered(call, exchange.fork);
  BodyPart body;
  const bool is_usable =
      attempt != nullptr && exchange.about == fork->number && holds_sdp(response) &&
      body_kind(response) != BodyKind::Ambiguous &&
      carry_sdp({call, *attempt, Side::Caller, attempt->has_offer ? SdpStep::Answer : SdpStep::Offer,
                 fork->sdp[index_of(Side::Callee)]},
                session_sdp(response), body, turn) == 0;
  if (is_usable)
    send_newcomer(call, *fork, {call.invite, body, exchange.far_cseq, !attempt->has_offer}, turn);
  else
    send_ack(call, *old, other(exchange.from), {exchange.far_cseq}, turn);
  return is_usable;
}

void CallEngine::refuse_newcomer(Call& call, std::uint16_t code, Turn turn) {
  Fork* const fork = fork_numbered(call, call.transfer->fork);
  if (fork == nullptr) return;
  Dialog& dialog = fork->dialogs[index_of(Side::Callee)];
  if (std::exchange(dialog.state, DialogState::Ended) != DialogState::Early) return;
  ResponseParts parts;
  parts.code = code;
  parts.head = &call.invite.head;
  parts.to_tag = dialog.local_tag;
  respond(call, call.invite.server, call.invite.path, parts, turn);
}

}  // namespace sallyport::sip
