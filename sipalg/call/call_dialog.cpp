// call_dialog.cpp — requests within a dialog: checked, then passed on as a request of the other leg's dialog.
// RFC 3261 §12.2, §14; RFC 3311 §5.2; RFC 6026; threats D1, D3, D6, D11 and section 6.
#include <algorithm>

#include "policy/route/response_map.h"
#include "sipalg/auth/passed_auth.h"
#include "sipalg/call/call_engine.h"
#include "sipalg/call/passed_refer.h"
#include "sipalg/engine/earn_trust.h"
#include "sipalg/registrar/endpoint_terms.h"

namespace sallyport::sip {
namespace {

// Within the 32 s that whoever sent the UPDATE waits. RFC 3261 §17.1.2.2
constexpr Duration kUpdatePatience = std::chrono::seconds(20);
// For so long whoever goes by the usual T1 sends a 2xx again. RFC 3261 §13.3.1.4
constexpr Duration kRepeatsLast = std::chrono::seconds(32);

// Target refresh requests of RFC 3261 §12.2.1.2 and RFC 3311 §4.
bool refreshes_target(Method method) noexcept { return method == Method::Invite || method == Method::Update; }

bool offers(Method method) noexcept { return refreshes_target(method); }

OptionTags without_reliable(OptionTags options) noexcept {
  options.remove(OptionTag::Rel100);
  return options;
}

bool may_hold_session(Method method) noexcept { return offers(method) || method == Method::Prack; }

// A 2xx with a description has not been sent to this side yet, or is the first one that makes its dialog and
// may not have arrived: whoever sees another request before it knows no such dialog.
bool may_lack_answer(const Call& call, const Fork& fork, Side side) noexcept {
  const auto has_body = [](std::string_view response) { return !response.ends_with("\r\n\r\n"); };
  const auto& awaited = fork.awaited[index_of(side)];
  if (side == Side::Caller && awaited && awaited->cseq == call.invite.cseq && has_body(awaited->response))
    return true;
  return std::ranges::any_of(
      call.held, [&has_body](const HeldAnswer& held) { return held.awaited && has_body(held.bytes); });
}

std::uint16_t code_unless(bool done) noexcept { return done ? std::uint16_t{0} : std::uint16_t{500}; }

// An UPDATE of the time before the answer, or its 2xx, says nothing of how long the session lasts where it
// names no time, also when the answer has overtaken it here: that ended the timer of the call. RFC 4028 §7.4
bool tells_session(const Call& call, const Fork& fork, Side side, const SessionWish& said) noexcept {
  if (call.state != CallState::Answered) return false;
  if (said.seconds.has_value() || side == Side::Callee) return true;
  const auto& awaited = fork.awaited[index_of(Side::Caller)];
  return call.held.empty() && !(awaited && awaited->cseq == call.invite.cseq);
}

void note_refer_answer(Fork& fork, const Exchange& exchange, std::uint16_t code, const SipMessage* response) {
  if (exchange.method == Method::Refer && code >= 200 && !promises_result(code, response))
    close_refer(fork, exchange.from);
}

// Of the 2xx to a re-INVITE. RFC 3261 §13.3.1.4
AwaitedAck awaited_ack(const Exchange& exchange, const ResponseParts& parts, std::string_view response,
                       Duration t1, Timestamp now) {
  return {.cseq = exchange.cseq,
          .far_cseq = exchange.far_cseq,
          .response = std::string(response),
          .path = exchange.path,
          .owes_answer = !exchange.has_offer && !parts.body.bytes.empty(),
          .interval = t1,
          .resend_at = now + t1,
          .give_up_at = now + 64 * t1};
}

std::uint16_t code_shown_to(const Call& call, PeerIndex neighbour, std::uint16_t code) {
  const PeerSide* const peer = call.book->peer_side(neighbour);
  return peer != nullptr ? policy::mapped_code(peer->config->profile.response_map, code) : code;
}

// What the other side's failure means to whoever sent the request.
std::uint16_t code_for_sender(const Exchange& exchange, std::uint16_t code) noexcept {
  return code == 487 && exchange.is_update_by_invite ? std::uint16_t{504} : code;  // RFC 3311 §5.2
}

}  // namespace

CallEngine::DialogPlace CallEngine::find_dialog(const SipMessage& request) {
  const auto name = read_token(parts_.settings.token_key, TokenKind::Tag, request.to.tag);
  if (!name) return {};
  return dialog_named(name->number, {request.call_id, request.to.tag, request.from.tag});
}

// One that has gone over to another call is there.
CallEngine::DialogPlace CallEngine::dialog_named(std::uint64_t number, const DialogNames& name) {
  for (Call* const call : {calls_.heir_of(number), calls_.find(number)}) {
    if (call == nullptr) continue;
    for (Fork& fork : call->forks)
      for (const Side side : {Side::Caller, Side::Callee}) {
        const Dialog& dialog = fork.dialogs[index_of(side)];
        if (dialog.local_tag == name.to_tag && dialog.call_id == name.call_id &&
            dialog.remote_tag == name.from_tag)
          return {call, &fork, side};
      }
  }
  return {};
}

// Where the neighbour's signalling was seen last; of a connection, where another one could be opened. What
// came by another transport for its size says nothing of the dialog's own. RFC 3261 §18.1.1, §18.2.2
void CallEngine::follow(Dialog& dialog, const Arrival& arrival) noexcept {
  const MessageInput& input = arrival.input;
  if (input.transport != dialog.path.transport) return;
  dialog.path.remote = is_stream(input.transport) ? arrival.answer_path.remote : input.remote;
  dialog.path.connection = input.connection;
}

void CallEngine::on_request_in_dialog(const Arrival& arrival, EngineOutput& out) {
  const DialogPlace place = find_dialog(arrival.request);
  if (place.call == nullptr) return parts_.responder.answer(arrival, 481, out);  // RFC 3261 §12.2.2
  Call& call = *place.call;
  if (!is_from_neighbour(place.fork->dialogs[index_of(place.side)], arrival.input)) {
    on_request_from_elsewhere(arrival, place, out);
    return settle(call);
  }
  parts_.touched = call.number;
  if (!names_contact(arrival, place)) {
    note_forgery(arrival, call, place.side, out);
    return parts_.responder.answer(arrival, 481, out);
  }
  if (const std::uint16_t code = refusal_in_dialog(arrival, place); code != 0)
    return parts_.responder.answer(arrival, code, out, code == 500 || code == 503 ? 1 : 0);
  hear_neighbour(call, place.side, {arrival.now, out});
  act_in_dialog(arrival, place, out);
  settle(call);
}

void CallEngine::act_in_dialog(const Arrival& arrival, const DialogPlace& place, EngineOutput& out) {
  Call& call = *place.call;
  Dialog& dialog = place.fork->dialogs[index_of(place.side)];
  follow(dialog, arrival);
  hear_session_id(call, place.side, arrival.request, false);
  if (arrival.request.start.method == Method::Bye) {
    on_bye(arrival, place, out);
  } else if (arrival.request.start.method == Method::Prack) {
    on_prack(arrival, place, out);
  } else if (arrival.request.start.method == Method::Refer) {
    on_refer(arrival, place, out);
  } else if (takes_digit(arrival.request, place)) {
    take_digit(arrival, place, out);
  } else if (is_of_refer(arrival.request) &&
             place.fork->dialogs[index_of(other(place.side))].open_refers == 0) {
    parts_.responder.answer(arrival, 481,
                            out);  // who asked has gone, or heard the last of it. RFC 6665 §4.1.3
  } else {
    if (refreshes_target(arrival.request.start.method)) refresh_target(dialog, arrival.request);
    const bool is_update = arrival.request.start.method == Method::Update;
    if (is_refresh_for_us(arrival.request, place) ||
        (is_update && !holds_sdp(arrival.request) &&
         !takes_update(call, place.fork->dialogs[index_of(other(place.side))])))
      answer_update(arrival, place, out);
    else
      pass_on(arrival, place, out);
  }
}

// 0: go on. Every method in every state has its line here (threats D11).
std::uint16_t CallEngine::refusal_in_dialog(const Arrival& arrival, const DialogPlace& place) noexcept {
  const Call& call = *place.call;
  const Method method = arrival.request.start.method;
  Dialog& dialog = place.fork->dialogs[index_of(place.side)];
  // What finds no room may come again with the same number. A BYE is heard all the same.
  if (!parts_.servers.has_room() && method != Method::Bye) return 503;
  // A PRACK that was overtaken is known by its RAck: without it the call would be lost. RFC 3262 §3
  // And a BYE that comes again, whose answer found no room to be kept, has had its effect.
  const std::uint32_t number = arrival.request.cseq.number;
  const bool is_again = method == Method::Bye && call.state == CallState::Ended &&
                        dialog.remote_cseq.has_value() && *dialog.remote_cseq == number;
  if (take_remote_cseq(dialog, number) == CSeqOrder::TooLow && method != Method::Prack && !is_again)
    return 500;  // RFC 3261 §12.2.2
  if (method == Method::Bye) return 0;
  if (call.state == CallState::Ended) return 481;
  // The dialog's own, also where its registration has ended since.
  const Neighbour& near = call.book->neighbour_of(dialog.peer);
  if (!near.allows(arrival.request.start.method_text)) return 405;  // RFC 3261 §21.4.6
  if (method == Method::Subscribe || method == Method::Register || method == Method::Publish ||
      method == Method::Other)
    return 501;
  // What it requires of this leg, not of the other one. RFC 3261 §8.2.2.3
  if (requires_more_than(arrival.request, near.options)) return 420;
  if (method == Method::Refer) return refusal_of_refer(arrival, place);
  // A target that is about to join by transfer: nobody is there yet whom it could say something to.
  if (call.state == CallState::Answered && place.fork->number != call.answered_fork)
    return offers(method) ? 491 : 500;
  if (method == Method::Invite && dialog.state != DialogState::Confirmed) return 491;  // RFC 3261 §14.2
  const Dialog& far = place.fork->dialogs[index_of(other(place.side))];
  const bool is_update_by_invite =
      method == Method::Update && holds_sdp(arrival.request) && !takes_update(call, far);
  // PRACK and UPDATE are matters of one leg where the other one does not know them.
  if (method != Method::Prack && method != Method::Update && !takes_digit(arrival.request, place) &&
      !call.book->neighbour_of(far.peer).allows(arrival.request.start.method_text))
    return 405;  // RFC 3261 §21.4.6
  if (const std::uint16_t code = body_verdict(method, body_kind(arrival.request)); code != 0) return code;
  if (!offers(method)) return call.exchanges.size() < kExchangesMax ? 0 : 500;
  if (dialog.state == DialogState::Confirmed && near.session_seconds != 0 &&
      is_interval_too_small(session_wish(arrival.request)))
    return 422;                                             // RFC 4028 §9
  if (is_refresh_for_us(arrival.request, place)) return 0;  // it offers nothing
  // Before the call is answered nothing else could carry the offer; the session stays as it is. RFC 3311 §5.2
  if (is_update_by_invite && dialog.state != DialogState::Confirmed) return 488;
  // The first offer waits for its answer too, in the 2xx or in the ACK. RFC 3311 §5.2
  if (const Attempt* const attempt = attempt_numbered(*place.call, place.fork->attempt);
      attempt != nullptr && attempt->media.pending && holds_sdp(arrival.request))
    return static_cast<Side>(attempt->media.pending->from) == place.side ? 500 : 491;
  // One offer at a time. RFC 3261 §14.1, §14.2; RFC 3311 §5.2
  for (const Exchange& exchange : call.exchanges) {
    if (exchange.fork != place.fork->number || !(offers(exchange.method) || exchange.has_offer)) continue;
    if (exchange.errand == Errand::Refresh && exchange.method == Method::Update)
      continue;  // it offers nothing
    return exchange.from == place.side && exchange.errand == Errand::None ? 500 : 491;
  }
  // Nor has it been answered where only a PRACK could have told. RFC 3311 §5.1
  // A PRACK that is on its way is not to be overtaken: it would be refused for its number.
  const bool has_prack = std::ranges::any_of(call.exchanges, [&place](const Exchange& exchange) {
    return exchange.fork == place.fork->number && exchange.method == Method::Prack;
  });
  const bool is_untold = dialog.state == DialogState::Early &&
                         (has_prack || (place.fork->reliable && place.fork->reliable->waits_with_sdp()));
  if (method == Method::Update && holds_sdp(arrival.request) && (is_untold || !may_offer_early(place)))
    return place.side == Side::Caller ? 500 : 491;
  const auto& awaited = place.fork->awaited;
  const bool waits = awaited[index_of(place.side)] || awaited[index_of(other(place.side))];
  if ((method == Method::Invite || is_update_by_invite) && (waits || !call.held.empty())) return 491;
  // Its offer must not overtake the answer that the 2xx holds. RFC 3311 §5.1, RFC 3264 §4
  if (holds_sdp(arrival.request) && may_lack_answer(call, *place.fork, other(place.side))) return 491;
  return call.exchanges.size() < kExchangesMax ? 0 : 500;
}

bool CallEngine::pass_on(const Arrival& arrival, const DialogPlace& place, EngineOutput& out) {
  Call& call = *place.call;
  auto head = response_head(arrival.request, arrival.neighbour.strictness, arrival.input.remote);
  if (!head) return parts_.responder.answer_bad(arrival, "Bad Via", out), false;
  if (!parts_.servers.has_room() || !parts_.clients.has_room())
    return parts_.responder.answer(arrival, 503, out, 1), false;
  const bool is_invite = arrival.request.start.method == Method::Invite;
  Exchange exchange;
  exchange.id = ++call.exchanges_made;
  exchange.fork = place.fork->number;
  exchange.from = place.side;
  exchange.method = arrival.request.start.method;
  if (exchange.method == Method::Update &&
      !takes_update(call, place.fork->dialogs[index_of(other(place.side))])) {
    exchange.is_update_by_invite = true;
    exchange.method = Method::Invite;
  }
  exchange.takes_final_only =
      is_invite && option_tags_in(arrival.request, HeaderName::Require).has(OptionTag::Rel100);
  exchange.path = arrival.answer_path;
  exchange.cseq = arrival.request.cseq.number;
  if (offers(arrival.request.start.method)) exchange.session = session_wish(arrival.request);
  exchange.head = std::move(*head);
  exchange.server =
      parts_.servers.start({.key = arrival.key,
                            .kind = is_invite ? TransactionKind::Invite : TransactionKind::NonInvite,
                            .user = {call.number, exchange.id, kExchange, call.shard},
                            .path = arrival.answer_path,
                            .timers = arrival.neighbour.timers},
                           arrival.request, arrival.now);
  if (is_invite)
    respond(call, exchange.server, exchange.path, {.code = 100, .head = &exchange.head}, {arrival.now, out});
  if (exchange.method == Method::Refer) open_refer(*place.fork, place.side);
  const std::uint16_t code = send_passed_on(arrival, place, exchange, out);
  call.exchanges.push_back(std::move(exchange));
  if (code != 0) answer_exchange(call, call.exchanges.back(), code, nullptr, {arrival.now, out});
  return code == 0;
}

RequestParts CallEngine::in_dialog_request(const Call& call, const Dialog& dialog, const DialogRoute& route) {
  const Place* const place = place_of(call, dialog.path);
  from_.assign(dialog.local_address).append(";tag=").append(dialog.local_tag);
  to_.assign(dialog.remote_address);
  if (!dialog.remote_tag.empty()) to_.append(";tag=").append(dialog.remote_tag);
  RequestParts parts;
  parts.request_uri = route.request_uri;
  parts.own = place != nullptr ? &place->names : nullptr;
  parts.routes = route.routes;
  parts.from = from_;
  parts.to = to_;
  parts.call_id = dialog.call_id;
  parts.cseq = dialog.local_cseq;
  return parts;
}

std::uint16_t CallEngine::send_passed_on(const Arrival& arrival, const DialogPlace& place, Exchange& exchange,
                                         EngineOutput& out) {
  const SipMessage& request = arrival.request;
  const Side to = other(place.side);
  Dialog& dialog = place.fork->dialogs[index_of(to)];
  ++dialog.local_cseq;
  const DialogRoute route = route_of(dialog);
  RequestParts parts = in_dialog_request(*place.call, dialog, route);
  if (parts.own == nullptr) return 500;
  Attempt* const attempt = attempt_numbered(*place.call, place.fork->attempt);
  const bool is_answer =
      exchange.method == Method::Prack && place.fork->reliable->waiting.front().owes_answer;
  if (may_hold_session(exchange.method) && holds_sdp(request)) {
    if (attempt == nullptr) return 500;
    const SdpStep step = is_answer ? SdpStep::Answer : SdpStep::Offer;
    if (!is_answer) turn_to({*place.call, *attempt, *place.fork}, {arrival.now, out});
    const std::uint16_t code =
        carry_body({*place.call, *attempt, place.side, step, place.fork->sdp[index_of(to)]}, request,
                   parts.body, {arrival.now, out});
    if (code != 0) return code;
    exchange.has_offer = !is_answer;
  } else {
    parts.body = plain_body(request);
  }
  parts.method = exchange.is_update_by_invite ? std::string_view("INVITE") : request.start.method_text;
  if (request.has_max_forwards) parts.max_forwards = request.max_forwards - 1u;
  parts.crossing = {&request, &place.call->book->crossing_of(dialog.peer), {}};
  const Dialog& near = place.fork->dialogs[index_of(place.side)];
  std::string passed;
  if (terms_of_upstream(place.call->book->config, near.peer, dialog.peer) != nullptr)
    parts.own_lines = passed = passed_credentials(request);
  std::string referred;
  if (exchange.method == Method::Refer) {
    const std::uint16_t code = write_refer(arrival, place, referred);
    if (code != 0) return code;
    parts.extension_lines = referred;
  }
  std::string fragment;
  std::vector<policy::HeaderEdit> event;
  if (exchange.method == Method::Notify) {
    parts.body = status_only(request, parts.body, fragment);
    parts.crossing.edits = event = plain_refer_event(request);
  }
  std::string rack;  // goes with credentials of our own too
  if (const Boxed<ReliableAnswers>& reliable = place.fork->reliable; exchange.method == Method::Prack)
    parts.extension_lines = rack = rack_line({reliable->waiting.front().heard, reliable->heard_cseq});
  const std::uint16_t refusal = launch(*place.call, *place.fork, exchange, parts, {arrival.now, out});
  if (refusal == 0 && ends_refer(request)) close_refer(*place.fork, to);
  return refusal;
}

std::uint16_t CallEngine::part_of(const Dialog& dialog) const noexcept {
  const auto name = read_token(parts_.settings.token_key, TokenKind::Tag, dialog.local_tag);
  return name ? name->part : std::uint16_t{0};
}

std::uint16_t CallEngine::launch(Call& call, Fork& fork, Exchange& exchange, RequestParts& parts, Turn turn) {
  Dialog& dialog = fork.dialogs[index_of(other(exchange.from))];
  const Neighbour& far = call.book->neighbour_of(dialog.peer);
  std::string supported;
  const std::uint64_t number = take_number();
  const TokenText branch = write_token(parts_.settings.token_key, TokenKind::Branch,
                                       {.shard = call.shard, .part = 0, .number = number});
  parts.branch = view(branch);
  if (refreshes_target(exchange.method)) {
    parts.contact = contact_of(call, dialog.path, part_of(dialog));
    parts.allow = far.allow;
    parts.wants_supported = true;
    parts.supported = far.supported;
    // Within a dialog nobody waits for provisional responses that need a PRACK. RFC 3262 §4
    if (exchange.method == Method::Invite)
      parts.supported = supported = list_of(without_reliable(far.options));
  }
  const Side to = other(exchange.from);
  // RFC 3515 §2.2, RFC 6665 §8.2
  if (exchange.method == Method::Notify || exchange.method == Method::Refer) {
    parts.contact = contact_of(call, dialog.path, part_of(dialog));
  }
  extension_ = parts.extension_lines;
  if (refreshes_target(exchange.method) && fork.timers[index_of(to)])
    extension_ += lines_for_request(*fork.timers[index_of(to)]);  // RFC 4028 §7.4
  parts.extension_lines = extension_;
  parts.session_id = session_id_to(call, to);
  const DialogRoute route = route_of(dialog);
  const auto sending = put_request(parts, way_to(call, dialog, route), call.number, turn);
  if (!sending) return 500;
  count_request(dialog.path.realm, exchange.method);
  const bool is_invite = exchange.method == Method::Invite;
  if (is_invite) dialog.credentials = credentials_;
  exchange.client = number;
  exchange.far_cseq = dialog.local_cseq;
  if (is_invite) exchange.until = turn.now + (exchange.is_update_by_invite ? kUpdatePatience : kTimerC);
  return code_unless(
      parts_.clients.start({.number = number,
                            .kind = is_invite ? TransactionKind::Invite : TransactionKind::NonInvite,
                            .user = {call.number, exchange.id, kExchange, call.shard},
                            .path = sending->path,
                            .request = sending->bytes,
                            .timers = exchange.errand == Errand::Probe ? kProbeTimers : far.timers,
                            .method = exchange.method,
                            .cseq = dialog.local_cseq,
                            .second_way = sending->second_way,
                            .second_via = sending->second_via},
                           turn.now));
}

void CallEngine::on_exchange_response(Call& call, std::uint32_t id, const SipMessage& response, Timestamp now,
                                      EngineOutput& out) {
  const auto it = std::find_if(call.exchanges.begin(), call.exchanges.end(),
                               [id](const Exchange& exchange) { return exchange.id == id; });
  const std::uint16_t code = response.start.status_code;
  if (it == call.exchanges.end()) return;
  // Whoever rings asks somebody, and the UPDATE can't wait for that. RFC 3311 §5.2
  if (code > 100 && code < 200 && it->is_update_by_invite) parts_.clients.cancel(it->client, now, out);
  if (code < 200 && (code == 100 || it->method != Method::Invite || it->is_update_by_invite ||
                     it->takes_final_only))  // RFC 3262 §4
    return;
  Fork* const fork = fork_numbered(call, it->fork);
  if (fork == nullptr) return;
  const Side from = other(it->from);
  hear_session_id(call, from, response, false);
  if (code / 100 == 2 && refreshes_target(it->method)) {
    refresh_target(fork->dialogs[index_of(from)], response);
    if (tells_session(call, *fork, from, session_wish(response)))
      take_session(call, *fork, from, response, now);
  }
  answer_exchange(call, *it, code, &response, {now, out});
}

// A 2xx that was taken already: so was its ACK, or it comes when the other side's does. RFC 3261 §13.2.2.4
void CallEngine::on_repeated_answer(Call* call, const SipMessage& response, const Path& path, Turn turn) {
  if (call != nullptr) {
    parts_.touched = call->number;
    for (const Fork& fork : call->forks)
      for (const Side side : {Side::Caller, Side::Callee}) {
        if (fork.dialogs[index_of(side)].call_id != response.call_id) continue;
        if (const SentAck* const ack = fork.ack_of(side, response.cseq.number); ack != nullptr) {
          turn.out.send(ack->path, ack->bytes, call->number, true);
          return;
        }
      }
    if (call->state == CallState::Answered) return;
  }
  acknowledge_stray(response, path, turn);
}

// The answer to a request that was passed on. After a final one the exchange is over, and the reference with
// it. An answer that says that the other dialog is gone ends the call. RFC 3261 §12.2.1.2, RFC 5057 §5
void CallEngine::answer_exchange(Call& call, Exchange& exchange, std::uint16_t code,
                                 const SipMessage* response, Turn turn) {
  const auto [now, out] = turn;
  Fork* const fork = fork_numbered(call, exchange.fork);
  if (fork == nullptr) return;
  if (exchange.errand != Errand::None) {
    if (code < 200) return;
    const Exchange done = std::move(exchange);
    std::erase_if(call.exchanges, [&done](const Exchange& each) { return each.id == done.id; });
    return on_own_answer(call, done, code, response, turn);
  }
  code = code_for_sender(exchange, code);
  note_refer_answer(*fork, exchange, code, response);
  if (code == 422) code = on_small_interval(*fork, other(exchange.from), response);
  Dialog& near = fork->dialogs[index_of(exchange.from)];
  ResponseParts parts;
  std::uint16_t refusal = 0;  // of the answer's description: both sides have another idea of the session now
  if (code >= 300 && exchange.has_offer) {
    if (Attempt* const attempt = attempt_numbered(call, fork->attempt); attempt != nullptr)
      drop_offer(call, *attempt, out);  // RFC 3261 §14.1
  } else if (code >= 200 && response != nullptr && may_hold_session(exchange.method)) {
    refusal =
        carry_exchange_answer({&call, fork, exchange.from}, exchange.has_offer, *response, parts.body, turn);
  }
  const bool is_challenge = code == 401 || code == 407;
  const PeerIndex asked = fork->dialogs[index_of(other(exchange.from))].peer;
  const bool passes_auth = is_challenge && terms_of_upstream(call.book->config, near.peer, asked) != nullptr;
  std::string warning, session, challenge;
  if (passes_auth && response != nullptr) parts.own_lines = challenge = passed_challenges(*response);
  const std::uint16_t own = refusal != 0 ? refusal : is_challenge && !passes_auth ? std::uint16_t{403} : code;
  parts.code = code_shown_to(call, near.peer, own);
  parts.head = &exchange.head;
  const Neighbour& neighbour = call.book->neighbour_of(near.peer);
  const bool is_refresh = code < 300 && refreshes_target(exchange.method);
  if (is_refresh || (code < 300 && exchange.method == Method::Refer))  // RFC 3515 §2.2
    parts.contact = contact_of(call, near.path, part_of(near));
  if (is_refresh) parts.allow = neighbour.allow, parts.supported = neighbour.supported;
  if (response != nullptr) {
    parts.crossing = {response, &call.book->crossing_of(near.peer), {}};
    if (parts.body.bytes.empty()) parts.body = plain_body(*response);
  }
  if (response == nullptr && parts.code == 488) parts.warning = warning = media_warning(call, near.path);
  if (parts.code / 100 == 2 && is_refresh && tells_session(call, *fork, exchange.from, exchange.session))
    parts.own_lines = session = agree_session(call, *fork, exchange.from, exchange.session, now);
  parts.session_id = session_id_to(call, exchange.from);
  respond(call, exchange.server, exchange.path, parts, turn);
  if (code < 200) return;
  const bool is_invite = exchange.method == Method::Invite, is_ours = exchange.is_update_by_invite;
  const Side far = other(exchange.from);
  if (code < 300 && refusal == 0 && is_invite && !is_ours && !out.sends().empty())
    fork->awaited[index_of(exchange.from)] =
        awaited_ack(exchange, parts, out.sends().back().bytes, neighbour.timers.t1, now);
  const std::uint32_t id = exchange.id, far_cseq = exchange.far_cseq;
  // Of a PRACK it means the response, of a NOTIFY the subscription. RFC 3262 §3, RFC 5057 §5.1
  const bool is_of_dialog = exchange.method != Method::Prack && exchange.method != Method::Notify;
  if (is_invite)
    parts_.clients.retag(exchange.client, tag_name(fork->dialogs[index_of(far)].remote_tag), kSettled);
  std::erase_if(call.exchanges, [id](const Exchange& done) { return done.id == id; });
  if (is_ours && code < 300 && refusal == 0) send_ack(call, *fork, far, {far_cseq}, turn);
  if ((code == 481 || code == 408) && call.state == CallState::Answered && is_of_dialog) {
    note(call, now, CallStep::DialogLost, static_cast<std::uint16_t>(far), code);
    end_call(call, {far == Side::Caller ? EndedBy::Caller : EndedBy::Callee, "dialog_lost"}, {now, out});
  }
  if (refusal == 0) return;
  if (call.state == CallState::Trying) return refuse(call, refusal, nullptr, now, out);
  if (is_invite) send_ack(call, *fork, far, {far_cseq}, turn);
  end_call(call, {EndedBy::Sallyport, "bad_answer"}, turn);
}

// RFC 3261 §13.2.2.4, §13.3.1.4: the ACK of a 2xx goes through like the 2xx did, with an answer in it if
// there is one, and stops the repetition of the 2xx.
bool CallEngine::on_ack(const Arrival& arrival, EngineOutput& out) {
  const DialogPlace place = find_dialog(arrival.request);
  if (place.call == nullptr) return false;
  Dialog& dialog = place.fork->dialogs[index_of(place.side)];
  if (!is_from_neighbour(dialog, arrival.input)) {
    on_ack_from_elsewhere(arrival, place, out);
    return true;
  }
  parts_.touched = place.call->number;
  auto& awaited = place.fork->awaited[index_of(place.side)];
  if (!awaited || awaited->cseq != arrival.request.cseq.number) return true;  // it came before
  const std::uint32_t far_cseq = awaited->far_cseq;
  const bool owes_answer = awaited->owes_answer;
  spares_.give(std::move(awaited));
  if (place.side == Side::Caller && arrival.request.cseq.number == place.call->invite.cseq)
    forget_response(parts_.servers, place.call->invite.server);
  earn_trust_by_call(parts_.shared, book_->config, arrival.input.peer, path_of(arrival.input), arrival.now);
  // A call that ended meanwhile: its BYE was waiting for this. RFC 3261 §15
  if (place.call->state != CallState::Ended) {
    BodyPart body;
    const bool is_answered = !owes_answer || carry_ack(place, arrival.request, body, {arrival.now, out});
    send_ack(*place.call, *place.fork, other(place.side), {far_cseq, body}, {arrival.now, out});
    if (!is_answered) end_call(*place.call, {EndedBy::Sallyport, "bad_answer"}, {arrival.now, out});
  } else if (dialog.state != DialogState::Ended) {
    send_bye(*place.call, *place.fork, place.side, nullptr, {arrival.now, out});
  }
  settle(*place.call);
  return true;
}

void CallEngine::send_ack(Call& call, Fork& fork, Side to, AckOf what, Turn turn) {
  if (what.cseq == 0) return;  // both sides have called us: nobody there waits for one
  Dialog& dialog = fork.dialogs[index_of(to)];
  const DialogRoute route = route_of(dialog);
  RequestParts parts = in_dialog_request(call, dialog, route);
  if (parts.own == nullptr) return;
  const TokenText branch = write_token(parts_.settings.token_key, TokenKind::Branch,
                                       {.shard = call.shard, .part = 0, .number = take_number()});
  parts.method = "ACK";
  parts.own_lines = dialog.credentials;  // RFC 3261 §13.2.2.4, §22.1
  parts.branch = view(branch);
  parts.cseq = what.cseq;
  parts.session_id = session_id_to(call, to);
  parts.body = what.body;
  const auto bytes = write_request(turn.out.room(), parts);
  if (!bytes) return;
  const Path path = way_to(call, dialog, route);
  // Its first 2xx came before this, so that none comes once more when that time is over.
  const Duration patience = call.book->neighbour_of(dialog.peer).timers.patience();
  Boxed<SentAck>& ack = fork.sent_ack[index_of(to)];
  if (!ack) ack = spares_.sent_ack();
  ack->cseq = what.cseq;
  set_text(ack->bytes, turn.out.commit(path, bytes->size(), call.number));
  ack->path = path;
  ack->forget_at = turn.now + std::max(patience, kRepeatsLast);
  std::string().swap(dialog.credentials);  // the ACK is kept as it is for what comes again
}

}  // namespace sallyport::sip
