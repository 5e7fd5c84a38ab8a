// call_dialog.cpp — requests within a dialog: checked, then passed on as a request of the other leg's dialog.
// RFC 3261 §12.2, §14; RFC 3311 §5.2; RFC 6026; threats D1, D3, D6, D11 and section 6.
#include <algorithm>

#include "policy/route/response_map.h"
#include "sipalg/auth/passed_auth.h"
#include "sipalg/call/call_engine.h"
#include "sipalg/registrar/endpoint_terms.h"

namespace sallyport::sip {
namespace {

// Target refresh requests of RFC 3261 §12.2.1.2 and RFC 3311 §4.
bool refreshes_target(Method method) noexcept { return method == Method::Invite || method == Method::Update; }

bool offers(Method method) noexcept { return refreshes_target(method); }

std::uint16_t code_unless(bool done) noexcept { return done ? std::uint16_t{0} : std::uint16_t{500}; }

}  // namespace

CallEngine::DialogPlace CallEngine::find_dialog(const SipMessage& request) {
  const auto name = read_token(parts_.settings.token_key, TokenKind::Tag, request.to.tag);
  if (!name) return {};
  Call* const call = calls_.find(name->number);
  if (call == nullptr) return {};
  for (Fork& fork : call->forks)
    for (const Side side : {Side::Caller, Side::Callee}) {
      const Dialog& dialog = fork.dialogs[index_of(side)];
      if (dialog.local_tag == request.to.tag && dialog.call_id == request.call_id &&
          dialog.remote_tag == request.from.tag)
        return {call, &fork, side};
    }
  return {};
}

bool CallEngine::is_from_neighbour(const Dialog& dialog, const MessageInput& input) const noexcept {
  if (input.realm != dialog.path.realm) return false;
  // Endpoints of one registrar have a place among the peers in common, and nothing else.
  const bool is_peer = dialog.peer != PeerIndex::kNone && registrar_of(book_->config, dialog.peer) == nullptr;
  if (dialog.path.transport == Transport::Tls) {
    // Whom the certificate proved; what comes by another way proves nothing.
    if (input.transport != Transport::Tls) return false;
    if (is_peer) return input.peer == dialog.peer;
  }
  if (input.remote.address == dialog.path.remote.address) return true;
  return is_peer && input.peer == dialog.peer;
}

// Where the neighbour's signalling was seen last; of a connection, where another one could be opened. What
// came by another transport for its size says nothing of the dialog's own. RFC 3261 §18.1.1, §18.2.2
void CallEngine::follow(Dialog& dialog, const Arrival& arrival) noexcept {
  const MessageInput& input = arrival.input;
  if (input.transport != dialog.path.transport) return;
  dialog.path.remote = is_stream(input.transport) ? arrival.answer_path.remote : input.remote;
  dialog.path.connection = input.connection;
}

// Our Contact is a secret of the dialog: who acts within it shows it. Threats, section 6
bool CallEngine::names_contact(const Arrival& arrival, const DialogPlace& place) const noexcept {
  if (place.call->book->neighbour_of(place.fork->dialogs[index_of(place.side)].peer).strictness.rfc2543_form)
    return true;
  const auto shown =
      read_token(parts_.settings.token_key, TokenKind::Contact, arrival.request.start.request_uri.user);
  return shown && shown->number == place.call->number;
}

void CallEngine::note_forgery(const Arrival& arrival, Call& call, Side side, EngineOutput& out) {
  constexpr std::size_t kDetectionsMax = 8;
  parts_.counters[to_position(arrival.input.realm)].dropped.add(SipDropReason::ForgedRequest);
  parts_.totals.detections.add(DetectionLabel::ForgedRequest);
  note(call, arrival.now, CallStep::Forged, static_cast<std::uint16_t>(side));
  if (call.record.detections.size() >= kDetectionsMax) return;
  call.record.detections.push_back("forged_request");
  out.add(arrival.now, DetectionEvent{"forged_request", "reject", arrival.input.remote, call.number,
                                      std::string(arrival.request.start.method_text)});
}

// Threats D2. A re-INVITE is found by its dialog.
void CallEngine::on_unmatched_cancel(const Arrival& arrival, const TransactionUser& user, EngineOutput& out) {
  const DialogPlace place = find_dialog(arrival.request);
  if (place.call != nullptr) {
    const Dialog& dialog = place.fork->dialogs[index_of(place.side)];
    if (user.call == place.call->number || !is_from_neighbour(dialog, arrival.input))
      note_forgery(arrival, *place.call, place.side, out);
  } else if (Call* const call = calls_.find(user.call); call != nullptr) {
    note_forgery(arrival, *call, Side::Caller, out);
  }
}

void CallEngine::on_request_in_dialog(const Arrival& arrival, EngineOutput& out) {
  const DialogPlace place = find_dialog(arrival.request);
  if (place.call == nullptr) return parts_.responder.answer(arrival, 481, out);  // RFC 3261 §12.2.2
  Call& call = *place.call;
  Dialog& dialog = place.fork->dialogs[index_of(place.side)];
  // Right names from the wrong place: nothing happens, and nobody is told. Threats D1, D3
  if (!is_from_neighbour(dialog, arrival.input)) return note_forgery(arrival, call, place.side, out);
  parts_.touched = call.number;
  if (!names_contact(arrival, place)) {
    note_forgery(arrival, call, place.side, out);
    return parts_.responder.answer(arrival, 481, out);
  }
  if (const std::uint16_t code = refusal_in_dialog(arrival, place); code != 0)
    return parts_.responder.answer(arrival, code, out, code == 500 || code == 503 ? 1 : 0);
  follow(dialog, arrival);
  if (arrival.request.start.method == Method::Bye) {
    on_bye(arrival, place, out);
  } else {
    if (refreshes_target(arrival.request.start.method)) refresh_target(dialog, arrival.request);
    pass_on(arrival, place, out);
  }
  settle(call);
}

// 0: go on. Every method in every state has its line here (threats D11).
std::uint16_t CallEngine::refusal_in_dialog(const Arrival& arrival, const DialogPlace& place) noexcept {
  const Call& call = *place.call;
  const Method method = arrival.request.start.method;
  Dialog& dialog = place.fork->dialogs[index_of(place.side)];
  // What finds no room may come again with the same number. A BYE is heard all the same.
  if (!parts_.servers.has_room() && method != Method::Bye) return 503;
  if (take_remote_cseq(dialog, arrival.request.cseq.number) == CSeqOrder::TooLow)
    return 500;  // RFC 3261 §12.2.2
  if (method == Method::Bye) return 0;
  if (call.state == CallState::Ended) return 481;
  if (method == Method::Refer || method == Method::Subscribe || method == Method::Prack ||
      method == Method::Register || method == Method::Publish || method == Method::Other)
    return 501;
  if (method == Method::Invite && dialog.state != DialogState::Confirmed) return 491;  // RFC 3261 §14.2
  const Dialog& far = place.fork->dialogs[index_of(other(place.side))];
  if (!call.book->neighbour_of(far.peer).allows(arrival.request.start.method_text))
    return 405;  // RFC 3261 §21.4.6
  if (const std::uint16_t code = body_verdict(method, body_kind(arrival.request)); code != 0) return code;
  if (!offers(method)) return call.exchanges.size() < kExchangesMax ? 0 : 500;
  // The first offer waits for its answer too, in the 2xx or in the ACK. RFC 3311 §5.2
  if (const Attempt* const attempt = attempt_numbered(*place.call, place.fork->attempt);
      attempt != nullptr && attempt->media.pending && holds_sdp(arrival.request))
    return static_cast<Side>(attempt->media.pending->from) == place.side ? 500 : 491;
  // One offer at a time. RFC 3261 §14.1, §14.2; RFC 3311 §5.2
  for (const Exchange& exchange : call.exchanges) {
    if (exchange.fork != place.fork->number || !offers(exchange.method)) continue;
    return exchange.from == place.side ? 500 : 491;
  }
  const auto& awaited = place.fork->awaited;
  const bool waits = awaited[index_of(place.side)] || awaited[index_of(other(place.side))];
  if (method == Method::Invite && (waits || !call.held.empty())) return 491;
  return call.exchanges.size() < kExchangesMax ? 0 : 500;
}

void CallEngine::pass_on(const Arrival& arrival, const DialogPlace& place, EngineOutput& out) {
  Call& call = *place.call;
  auto head = response_head(arrival.request, arrival.neighbour.strictness, arrival.input.remote);
  if (!head) return parts_.responder.answer_bad(arrival, "Bad Via", out);
  if (!parts_.servers.has_room() || !parts_.clients.has_room())
    return parts_.responder.answer(arrival, 503, out, 1);
  const bool is_invite = arrival.request.start.method == Method::Invite;
  Exchange exchange;
  exchange.id = ++call.exchanges_made;
  exchange.fork = place.fork->number;
  exchange.from = place.side;
  exchange.method = arrival.request.start.method;
  exchange.path = arrival.answer_path;
  exchange.cseq = arrival.request.cseq.number;
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
  const std::uint16_t code = send_passed_on(arrival, place, exchange, out);
  call.exchanges.push_back(std::move(exchange));
  if (code != 0) answer_exchange(call, call.exchanges.back(), code, nullptr, {arrival.now, out});
}

RequestParts CallEngine::in_dialog_request(const Dialog& dialog, const DialogRoute& route) {
  const Place* const place = parts_.places.at(dialog.path);
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
  RequestParts parts = in_dialog_request(dialog, route);
  if (parts.own == nullptr) return 500;
  Attempt* const attempt = attempt_numbered(*place.call, place.fork->attempt);
  if (offers(exchange.method) && holds_sdp(request)) {
    if (attempt == nullptr) return 500;
    const std::uint16_t code =
        carry_body({*place.call, *attempt, place.side, SdpStep::Offer, place.fork->sdp[index_of(to)]},
                   request, parts.body, {arrival.now, out});
    if (code != 0) return code;
    exchange.has_offer = true;
  } else {
    parts.body = plain_body(request);
  }
  parts.method = request.start.method_text;
  if (request.has_max_forwards) parts.max_forwards = request.max_forwards - 1u;
  parts.crossing = {&request, &place.call->book->crossing_of(dialog.peer), {}};
  const Dialog& near = place.fork->dialogs[index_of(place.side)];
  std::string passed;
  if (terms_of_upstream(place.call->book->config, near.peer, dialog.peer) != nullptr)
    parts.own_lines = passed = passed_credentials(request);
  return launch(*place.call, *place.fork, exchange, parts, {arrival.now, out});
}

std::uint16_t CallEngine::part_of(const Dialog& dialog) const noexcept {
  const auto name = read_token(parts_.settings.token_key, TokenKind::Tag, dialog.local_tag);
  return name ? name->part : std::uint16_t{0};
}

std::uint16_t CallEngine::launch(Call& call, Fork& fork, Exchange& exchange, RequestParts& parts, Turn turn) {
  Dialog& dialog = fork.dialogs[index_of(other(exchange.from))];
  const Neighbour& far = call.book->neighbour_of(dialog.peer);
  const std::uint64_t number = take_number();
  const TokenText branch = write_token(parts_.settings.token_key, TokenKind::Branch,
                                       {.shard = call.shard, .part = 0, .number = number});
  parts.branch = view(branch);
  if (refreshes_target(exchange.method)) {
    contact_ = contact_of(call, dialog.path, part_of(dialog));
    parts.contact = contact_;
    parts.allow = far.allow;
    parts.wants_supported = true;
    parts.supported = far.supported;
  }
  const DialogRoute route = route_of(dialog);
  const auto sending = put_request(parts, way_to(call, dialog, route), call.number, turn);
  if (!sending) return 500;
  count_request(dialog.path.realm, exchange.method);
  const bool is_invite = exchange.method == Method::Invite;
  if (is_invite) dialog.credentials = credentials_;
  exchange.client = number;
  exchange.far_cseq = dialog.local_cseq;
  return code_unless(
      parts_.clients.start({.number = number,
                            .kind = is_invite ? TransactionKind::Invite : TransactionKind::NonInvite,
                            .user = {call.number, exchange.id, kExchange, call.shard},
                            .path = sending->path,
                            .request = sending->bytes,
                            .timers = far.timers,
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
  if (code < 200 && (code == 100 || it->method != Method::Invite)) return;
  Fork* const fork = fork_numbered(call, it->fork);
  if (fork == nullptr) return;
  if (code / 100 == 2 && refreshes_target(it->method))
    refresh_target(fork->dialogs[index_of(other(it->from))], response);
  answer_exchange(call, *it, code, &response, {now, out});
}

// A 2xx that was taken already: so was its ACK, or it comes when the other side's does. RFC 3261 §13.2.2.4
void CallEngine::on_repeated_answer(Call* call, const SipMessage& response, const Path& path,
                                    EngineOutput& out) {
  if (call != nullptr) {
    parts_.touched = call->number;
    for (const Fork& fork : call->forks)
      for (const Side side : {Side::Caller, Side::Callee}) {
        const SentAck& ack = fork.sent_ack[index_of(side)];
        if (fork.dialogs[index_of(side)].call_id != response.call_id) continue;
        if (ack.cseq == response.cseq.number) {
          out.send(ack.path, ack.bytes, call->number, true);
          return;
        }
      }
    if (call->state == CallState::Answered) return;
  }
  acknowledge_stray(response, path, out);
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
  Dialog& near = fork->dialogs[index_of(exchange.from)];
  const PeerSide* const peer = call.book->peer_side(near.peer);
  ResponseParts parts;
  std::uint16_t refusal = 0;  // of the answer's description: both sides have another idea of the session now
  if (code >= 300 && exchange.has_offer) {
    if (Attempt* const attempt = attempt_numbered(call, fork->attempt); attempt != nullptr)
      drop_offer(call, *attempt, out);  // RFC 3261 §14.1
  } else if (code >= 200 && response != nullptr && refreshes_target(exchange.method)) {
    refusal =
        carry_exchange_answer({&call, fork, exchange.from}, exchange.has_offer, *response, parts.body, turn);
  }
  const bool is_challenge = code == 401 || code == 407;
  const PeerIndex asked = fork->dialogs[index_of(other(exchange.from))].peer;
  const bool passes_auth = is_challenge && terms_of_upstream(call.book->config, near.peer, asked) != nullptr;
  std::string challenge;
  if (passes_auth && response != nullptr) parts.own_lines = challenge = passed_challenges(*response);
  const std::uint16_t own = refusal != 0 ? refusal : is_challenge && !passes_auth ? std::uint16_t{403} : code;
  parts.code = peer != nullptr ? policy::mapped_code(peer->config->profile.response_map, own) : own;
  parts.head = &exchange.head;
  if (code < 300 && refreshes_target(exchange.method)) {
    contact_ = contact_of(call, near.path, part_of(near));
    parts.contact = contact_;
    parts.allow = call.book->neighbour_of(near.peer).allow;
    parts.supported = call.book->neighbour_of(near.peer).supported;
  }
  if (response != nullptr) {
    parts.crossing = {response, &call.book->crossing_of(near.peer), {}};
    if (parts.body.bytes.empty()) parts.body = plain_body(*response);
  }
  std::string warning;
  if (response == nullptr && parts.code == 488) parts.warning = warning = media_warning(near.path);
  respond(call, exchange.server, exchange.path, parts, turn);
  if (code < 200) return;
  if (code < 300 && refusal == 0 && exchange.method == Method::Invite && !out.sends().empty()) {
    const Duration t1 = call.book->neighbour_of(near.peer).timers.t1;
    fork->awaited[index_of(exchange.from)] =
        AwaitedAck{.cseq = exchange.cseq,
                   .far_cseq = exchange.far_cseq,
                   .response = std::string(out.sends().back().bytes),
                   .path = exchange.path,
                   .owes_answer = !exchange.has_offer && !parts.body.bytes.empty(),
                   .interval = t1,
                   .resend_at = now + t1,
                   .give_up_at = now + 64 * t1};
  }
  const Side far = other(exchange.from);
  const std::uint32_t id = exchange.id, far_cseq = exchange.far_cseq;
  const bool is_invite = exchange.method == Method::Invite;
  if (exchange.method == Method::Invite)
    parts_.clients.retag(exchange.client, tag_name(fork->dialogs[index_of(far)].remote_tag), kSettled);
  std::erase_if(call.exchanges, [id](const Exchange& done) { return done.id == id; });
  if ((code == 481 || code == 408) && call.state == CallState::Answered) {
    note(call, now, CallStep::DialogLost, static_cast<std::uint16_t>(far), code);
    end_call(call, {far == Side::Caller ? EndedBy::Caller : EndedBy::Callee, "dialog_lost"}, {now, out});
  }
  if (refusal == 0) return;
  if (is_invite) send_ack(call, *fork, far, {far_cseq}, out);
  end_call(call, {EndedBy::Sallyport, "bad_answer"}, turn);
}

// RFC 3261 §13.2.2.4, §13.3.1.4: the ACK of a 2xx goes through like the 2xx did, with an answer in it if
// there is one, and stops the repetition of the 2xx.
bool CallEngine::on_ack(const Arrival& arrival, EngineOutput& out) {
  const DialogPlace place = find_dialog(arrival.request);
  if (place.call == nullptr) return false;
  Dialog& dialog = place.fork->dialogs[index_of(place.side)];
  if (!is_from_neighbour(dialog, arrival.input)) {
    note_forgery(arrival, *place.call, place.side, out);  // threats D6
    return true;
  }
  parts_.touched = place.call->number;
  auto& awaited = place.fork->awaited[index_of(place.side)];
  if (!awaited || awaited->cseq != arrival.request.cseq.number) return true;  // it came before
  const std::uint32_t far_cseq = awaited->far_cseq;
  const bool owes_answer = awaited->owes_answer;
  awaited.reset();
  // A call that ended meanwhile: its BYE was waiting for this. RFC 3261 §15
  if (place.call->state != CallState::Ended) {
    BodyPart body;
    const bool is_answered = !owes_answer || carry_ack(place, arrival.request, body, {arrival.now, out});
    send_ack(*place.call, *place.fork, other(place.side), {far_cseq, body}, out);
    if (!is_answered) end_call(*place.call, {EndedBy::Sallyport, "bad_answer"}, {arrival.now, out});
  } else if (dialog.state != DialogState::Ended) {
    send_bye(*place.call, *place.fork, place.side, nullptr, {arrival.now, out});
  }
  settle(*place.call);
  return true;
}

void CallEngine::send_ack(Call& call, Fork& fork, Side to, AckOf what, EngineOutput& out) {
  Dialog& dialog = fork.dialogs[index_of(to)];
  const DialogRoute route = route_of(dialog);
  RequestParts parts = in_dialog_request(dialog, route);
  if (parts.own == nullptr) return;
  const TokenText branch = write_token(parts_.settings.token_key, TokenKind::Branch,
                                       {.shard = call.shard, .part = 0, .number = take_number()});
  parts.method = "ACK";
  parts.own_lines = dialog.credentials;  // RFC 3261 §13.2.2.4, §22.1
  parts.branch = view(branch);
  parts.cseq = what.cseq;
  parts.body = what.body;
  const auto bytes = write_request(out.room(), parts);
  if (!bytes) return;
  const Path path = way_to(call, dialog, route);
  fork.sent_ack[index_of(to)] = {what.cseq, std::string(out.commit(path, bytes->size(), call.number)), path};
  count_request(path.realm, Method::Ack);
  std::string().swap(dialog.credentials);  // the ACK is kept as it is for what comes again
}

}  // namespace sallyport::sip
