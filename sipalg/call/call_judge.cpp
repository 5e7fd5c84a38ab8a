// call_judge.cpp — who may act within a dialog, and what becomes of those who have its names and come from
// elsewhere; the rules are in call_doubt.h. RFC 3261 §12.2.2, §22; threats D1 to D3, D6, D9 and section 6.
#include <algorithm>
#include <array>
#include <memory>

#include "policy/route/dialled.h"
#include "sipalg/auth/digest_server.h"
#include "sipalg/call/call_engine.h"
#include "sipalg/media/relay_orders.h"
#include "sipalg/message/lexer.h"
#include "sipalg/registrar/aor.h"
#include "sipalg/registrar/endpoint_terms.h"

namespace sallyport::sip {
namespace {

constexpr std::size_t kDetectionsMax = 8;        // of one call
constexpr std::uint64_t kMediaAfterByeMin = 75;  // packets in 3 s: whoever left would have stopped by then

std::string_view name_of(Method method) noexcept {
  const auto at = static_cast<std::size_t>(method);
  return at < kMethodNames.size() ? kMethodNames[at] : std::string_view("other");
}

// Of whom the dialog is with: as it, or we, wrote it when the dialog began.
std::string_view uri_in(std::string_view address) noexcept {
  const std::size_t begin = address.find('<'), end = address.rfind('>');
  return begin == std::string_view::npos || end == std::string_view::npos || end < begin
             ? std::string_view()
             : address.substr(begin + 1, end - begin - 1);
}

// Empty: it has not said its name. RFC 3323 §4.1.1.3
std::string endpoint_of(const Dialog& dialog, const RegistrarConfig& registrar) {
  Lexer lexer(uri_in(dialog.remote_address));
  Uri uri;
  if (!parse_uri(lexer, StrictnessPolicy::of(Strictness::Normal), uri)) return {};
  std::string aor = aor_of(uri);
  if (aor.empty() || registrar.domains.empty()) return aor;
  return std::string(user_of(aor)) + "@" + std::string(domain_of_registrar(registrar, uri.address.host));
}

// A nonce for this very dialog and only until something has happened in it: nobody can use it twice, and
// nothing need be remembered.
HashKey nonce_key(const HashKey& key, const Call& call, Side side, const Dialog& dialog) noexcept {
  const std::array<std::uint64_t, 3> words{call.number, index_of(side),
                                           dialog.remote_cseq ? *dialog.remote_cseq + 1ull : 0};
  const Hash128 hash = keyed_hash128(key, {reinterpret_cast<const char*>(words.data()), sizeof words});
  return {hash.high, hash.low};
}

bool is_above_last(const Dialog& dialog, const SipMessage& request) noexcept {
  return !dialog.remote_cseq || request.cseq.number > *dialog.remote_cseq;
}

// What the relay passes on of what that side sends.
bool is_sent_by(const StreamState& stream, Side side) noexcept {
  return stream.is_open && stream.kind == media::MediaKind::Rtp &&
         stream.sides[index_of(side)].direction.sends &&
         stream.sides[index_of(other(side))].direction.receives;
}

}  // namespace

// Endpoints of one registrar have a place among the peers in common, and nothing else.
Standing CallEngine::standing_at(const Dialog& dialog, const MessageInput& input) const noexcept {
  return standing_of(
      {.is_same_realm = input.realm == dialog.path.realm,
       .is_same_address = input.remote.address == dialog.path.remote.address,
       .is_of_peer = dialog.peer != PeerIndex::kNone && registrar_of(book_->config, dialog.peer) == nullptr,
       .is_same_peer = input.peer == dialog.peer,
       .is_somebody_else = input.peer != PeerIndex::kNone && input.peer != dialog.peer,
       .dialog = dialog.path.transport,
       .request = input.transport});
}

bool CallEngine::is_from_neighbour(const Dialog& dialog, const MessageInput& input) const noexcept {
  return standing_at(dialog, input) == Standing::Neighbour;
}

// Our Contact is a secret of the dialog: who acts within it shows it. Threats, section 6
bool CallEngine::names_contact(const Arrival& arrival, const DialogPlace& place) noexcept {
  if (place.call->book->neighbour_of(place.fork->dialogs[index_of(place.side)].peer).strictness.rfc2543_form)
    return true;
  const auto shown =
      read_token(parts_.settings.token_key, TokenKind::Contact, arrival.request.start.request_uri.user);
  return shown && (shown->number == place.call->number || calls_.heir_of(shown->number) == place.call);
}

void CallEngine::note_forgery(const Arrival& arrival, Call& call, Side side, EngineOutput& out) {
  blame(call, side, {arrival.input, arrival.request.start.method_text, Settled::AtOnce}, {arrival.now, out});
}

// What an address is blocked for must be sure: a phone on another network acknowledges from there too.
void CallEngine::blame(Call& call, Side side, const Blame& what, Turn turn) {
  const Reaction& reaction = book_->config.security.detectors.forged_request;
  parts_.counters[to_position(what.input.realm)].dropped.add(SipDropReason::ForgedRequest);
  parts_.totals.detections.add(label_of(policy::Detector::ForgedRequest, reaction.action));
  note(call, turn.now, CallStep::Forged, static_cast<std::uint16_t>(side),
       static_cast<std::uint16_t>(what.by));
  if (call.record.detections.size() >= kDetectionsMax) return;
  call.record.detections.push_back("forged_request");
  const std::uint8_t confidence = confidence_of(what.by);
  const bool is_blocked =
      reaction.action == DetectorAction::Block && confidence > 80 && what.input.trust < TrustClass::Known;
  turn.out.add(turn.now,
               DetectionEvent{.detector = policy::to_string(policy::Detector::ForgedRequest),
                              .action = policy::to_string(reaction.action),
                              .source = what.input.remote,
                              .call = call.number,
                              .evidence = std::string(what.method) + ": " + std::string(to_string(what.by)),
                              .realm = what.input.realm,
                              .confidence = confidence,
                              .is_proved = is_stream(what.input.transport),
                              .block_for = is_blocked ? reaction.block_for : Duration::zero()});
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

// Right names from another place than the dialog's.
void CallEngine::on_request_from_elsewhere(const Arrival& arrival, const DialogPlace& place,
                                           EngineOutput& out) {
  Call& call = *place.call;
  const Dialog& dialog = place.fork->dialogs[index_of(place.side)];
  const Method method = arrival.request.start.method;
  Boxed<Suspicion>& suspicion = call.suspicions[index_of(place.side)];
  if (suspicion && suspicion->doubt && suspicion->doubt->key == arrival.key) {
    parts_.touched = call.number;
    parts_.counters[to_position(arrival.input.realm)].retransmissions_in.add();
    return;
  }
  const bool may_act =
      call.state == CallState::Answered || (call.state == CallState::Trying && place.side == Side::Caller);
  if (standing_at(dialog, arrival.input) != Standing::Elsewhere || !is_judged(method) || !may_act ||
      !names_contact(arrival, place) || !is_above_last(dialog, arrival.request))
    return note_forgery(arrival, call, place.side, out);
  parts_.touched = call.number;
  if (!suspicion) suspicion = Suspicion{};
  if (is_registered_at(call, dialog, arrival)) {
    drop_doubt(call, place.side);
    return believe(arrival, place, Settled::Registered, out);
  }
  const Credentials credentials = ask_for_credentials(arrival, place, out);
  if (credentials == Credentials::Right) {
    drop_doubt(call, place.side);
    return believe(arrival, place, Settled::Credentials, out);
  }
  if (credentials == Credentials::Asked && method != Method::Bye) return;
  open_doubt(arrival, place, out);
}

// Two phones may share a user: as long as the dialog's own is registered where it was, another one is not it,
// unless both say that they are the same device. RFC 5626 §4.1
bool CallEngine::is_registered_at(const Call& call, const Dialog& dialog, const Arrival& arrival) const {
  const RegistrarConfig* const registrar = registrar_of(call.book->config, dialog.peer);
  if (registrar == nullptr) return false;
  const std::string aor = endpoint_of(dialog, *registrar);
  if (aor.empty()) return false;
  const SharedValue<Bindings> bindings = parts_.shared.bindings.bindings_of(dialog.peer, aor);
  const Path here = path_of(arrival.input);
  const Binding* found = nullptr;
  for (const SharedValue<Binding>& binding : *bindings)
    if (binding->expires > arrival.now && binding->path == here) found = binding.get();
  if (found == nullptr) return false;
  return std::ranges::none_of(*bindings, [&](const SharedValue<Binding>& binding) {
    return binding->expires > arrival.now && binding->path.remote.address == dialog.path.remote.address &&
           (binding->instance.empty() || binding->instance != found->instance);
  });
}

// RFC 3261 §22.1, RFC 7616. Without state: a stranger's request begins no transaction (threats R4).
Credentials CallEngine::ask_for_credentials(const Arrival& arrival, const DialogPlace& place,
                                            EngineOutput& out) {
  const SipMessage& request = arrival.request;
  const Dialog& dialog = place.fork->dialogs[index_of(place.side)];
  const RegistrarConfig* const registrar = registrar_of(place.call->book->config, dialog.peer);
  if (registrar == nullptr || registrar->mode != RegistrarMode::Local || !registrar->users ||
      !may_be_challenged(request.start.method))
    return Credentials::NotAsked;
  const std::string aor = endpoint_of(dialog, *registrar);
  if (aor.empty()) return Credentials::NotAsked;
  const std::string_view realm =
      registrar->domains.empty() ? std::string_view(registrar->name) : registrar->domains.front();
  const Endpoint& source = arrival.input.remote;
  const DigestServer digest(nonce_key(parts_.settings.table_key, *place.call, place.side, dialog),
                            offer_for(registrar->users.get()));
  bool is_stale = false;
  if (const auto given = digest_answer_of(request, realm); given) {
    if (!parts_.detectors.may_log_in(arrival, given->user)) return Credentials::NotAsked;
    const RegistrarUser* const user =
        given->user == user_of(aor) ? find_user(*registrar->users, given->user, domain_of(aor)) : nullptr;
    NonceUse use{.nonce = digest.nonce_number(arrival.now, source, realm, given->nonce), .count = 0};
    const DigestSubject subject{
        .method = request.start.method_text, .uri = request.start.request_uri.text, .body = request.body};
    const DigestVerdict verdict = digest.verify({arrival.now, source}, *given, subject, user, use);
    // Who may guess no more is doubted like everybody else. Threats I2
    const bool is_right = verdict == DigestVerdict::Right;
    if (is_right || verdict == DigestVerdict::Wrong) {
      const DetectorFate fate = parts_.detectors.on_digest(arrival, given->user, is_right, out);
      if (is_right) return Credentials::Right;
      if (fate == DetectorFate::Drop || fate == DetectorFate::Reject) return Credentials::NotAsked;
    }
    is_stale = verdict == DigestVerdict::Stale;
  }
  Suspicion& suspicion = *place.call->suspicions[index_of(place.side)];
  if (suspicion.challenges >= kCredentialsAskedMax) return Credentials::NotAsked;
  const auto head = response_head(request, arrival.neighbour.strictness, source);
  if (!head) return Credentials::NotAsked;
  const std::string lines = digest.challenge(arrival.now, source, realm, is_stale);
  const auto bytes = write_response(out.room(), {.code = 401, .head = &*head, .own_lines = lines});
  if (!bytes) return Credentials::NotAsked;
  ++suspicion.challenges;
  if (request.start.method == Method::Invite) suspicion.challenged_invite = request.cseq.number;
  parts_.responder.count(arrival.input.realm, 401);
  (void)out.commit(arrival.answer_path, bytes->size(), place.call->number);
  return Credentials::Asked;
}

// The ACK of a 401 that is above, or of somebody who has been taken for a forger.
void CallEngine::on_ack_from_elsewhere(const Arrival& arrival, const DialogPlace& place, EngineOutput& out) {
  const Boxed<Suspicion>& suspicion = place.call->suspicions[index_of(place.side)];
  if (suspicion && suspicion->challenged_invite == arrival.request.cseq.number) return;
  note_forgery(arrival, *place.call, place.side, out);  // threats D6
}

// From now on as if the dialog's other end had sent it: it has, as far as we know.
void CallEngine::believe(const Arrival& arrival, const DialogPlace& place, Settled by, EngineOutput& out) {
  Call& call = *place.call;
  Dialog& dialog = place.fork->dialogs[index_of(place.side)];
  note(call, arrival.now, CallStep::Believed, static_cast<std::uint16_t>(place.side),
       static_cast<std::uint16_t>(by));
  MessageInput input = arrival.input;
  input.peer = dialog.peer;
  if (dialog.peer != PeerIndex::kNone) input.trust = TrustClass::Known;
  Path answer_path = arrival.answer_path;
  answer_path.peer = dialog.peer;
  const Arrival known{arrival.now, input,      arrival.request, call.book->neighbour_of(dialog.peer),
                      arrival.key, answer_path};
  if (const std::uint16_t code = refusal_in_dialog(known, place); code != 0)
    return parts_.responder.answer(known, code, out, code == 500 || code == 503 ? 1 : 0);
  if (input.transport == dialog.path.transport) dialog.path.local = input.local;
  act_in_dialog(known, place, out);
}

void CallEngine::open_doubt(const Arrival& arrival, const DialogPlace& place, EngineOutput& out) {
  Call& call = *place.call;
  Suspicion& suspicion = *call.suspicions[index_of(place.side)];
  const Turn turn{arrival.now, out};
  const Method method = arrival.request.start.method;
  const bool has_room = doubts_ < kDoubtsMax && arrival.input.bytes.size() <= kDoubtBytesMax;
  if (suspicion.doubt || suspicion.no_doubt_before > arrival.now || !has_room ||
      !send_own(call, *place.fork, place.side, {.method = "OPTIONS", .errand = Errand::Probe}, turn))
    return blame(call, place.side, {arrival.input, arrival.request.start.method_text, Settled::NoDoubt},
                 turn);
  note(call, arrival.now, CallStep::Doubted, static_cast<std::uint16_t>(place.side),
       static_cast<std::uint16_t>(method));
  ++doubts_;
  Doubt doubt;
  doubt.fork = place.fork->number;
  doubt.method = method;
  doubt.bytes = arrival.input.bytes;
  doubt.input = arrival.input;
  doubt.input.bytes = {};
  doubt.answer_path = arrival.answer_path;
  doubt.key = arrival.key;
  doubt.exchange = call.exchanges.back().id;
  doubt.ask_again_at = arrival.now + kLastAsked;
  doubt.until = arrival.now + kDoubtLasts;
  if (const Attempt* const attempt = attempt_numbered(call, place.fork->attempt); attempt != nullptr)
    for (const StreamState& stream : attempt->media.streams)
      if (is_sent_by(stream, place.side)) doubt.streams.push_back({stream.number, {}, {}});
  suspicion.doubt = std::move(doubt);
  ask_figures(call, place.side, turn);
}

// Of the streams that are still there.
void CallEngine::ask_figures(Call& call, Side side, Turn turn) {
  const Doubt& doubt = *call.suspicions[index_of(side)]->doubt;
  const Fork* const fork = fork_numbered(call, doubt.fork);
  const Attempt* const attempt = fork != nullptr ? attempt_numbered(call, fork->attempt) : nullptr;
  if (attempt == nullptr) return;
  const MediaContext context = media_context(call, *attempt, turn.out);
  for (const StreamState& stream : attempt->media.streams)
    if (stream.is_open &&
        std::ranges::find(doubt.streams, stream.number, &WatchedStream::number) != doubt.streams.end())
      give_order(media::MediaCommand::Kind::Ask, stream, context, parts_.config, attempt->media.has_answer);
}

void CallEngine::hear_figures(Call& call, const media::MediaNotice& notice) noexcept {
  for (const Side side : {Side::Caller, Side::Callee}) {
    const Boxed<Suspicion>& suspicion = call.suspicions[index_of(side)];
    if (!suspicion || !suspicion->doubt) continue;
    Doubt& doubt = *call.suspicions[index_of(side)]->doubt;
    const auto stream = std::ranges::find(doubt.streams, notice.key.stream, &WatchedStream::number);
    if (stream == doubt.streams.end()) continue;
    const std::uint64_t packets = notice.sides[index_of(side)].packets;
    if (!stream->before)
      stream->before = packets;
    else if (doubt.is_asked_again)
      stream->after = packets;
  }
}

// A dialog that is gone ends its call whenever that comes to light. RFC 5057 §5.1
void CallEngine::on_probe_answered(Call& call, const Exchange& exchange, std::uint16_t code, Turn turn) {
  const Side side = other(exchange.from);
  const Boxed<Suspicion>& suspicion = call.suspicions[index_of(side)];
  if (suspicion && suspicion->doubt && suspicion->doubt->exchange == exchange.id) {
    call.suspicions[index_of(side)]->doubt->probe = probe_of(code);
    return weigh_doubt(call, side, turn);
  }
  if (code != 481 || call.state != CallState::Answered || exchange.fork != call.answered_fork) return;
  note(call, turn.now, CallStep::DialogLost, static_cast<std::uint16_t>(side), code);
  end_call(call, {side == Side::Caller ? EndedBy::Caller : EndedBy::Callee, "dialog_lost"}, turn);
}

void CallEngine::on_doubt_times(Call& call, Turn turn) {
  for (const Side side : {Side::Caller, Side::Callee}) {
    Boxed<Suspicion>& suspicion = call.suspicions[index_of(side)];
    if (!suspicion || !suspicion->doubt) continue;
    Doubt& doubt = *suspicion->doubt;
    if (!doubt.is_asked_again && doubt.ask_again_at <= turn.now) {
      doubt.is_asked_again = true;
      ask_figures(call, side, turn);
    }
    if (doubt.until <= turn.now) weigh_doubt(call, side, turn);
  }
}

void CallEngine::weigh_doubt(Call& call, Side side, Turn turn) {
  const Doubt& doubt = *call.suspicions[index_of(side)]->doubt;
  const Fork* const fork = fork_numbered(call, doubt.fork);
  if (fork == nullptr)
    return drop_doubt(call, side);  // it has gone over to another call, or its target failed
  const bool is_early =
      call.state != CallState::Answered || fork->dialogs[index_of(side)].state == DialogState::Early;
  const Judgement judgement = judge({.probe = doubt.probe,
                                     .media = media_sign(doubt.streams),
                                     .is_early = is_early,
                                     .is_emergency = call.is_emergency,
                                     .is_over = doubt.until <= turn.now});
  if (judgement.fate != Fate::Wait) end_doubt(call, side, judgement, turn);
}

void CallEngine::end_doubt(Call& call, Side side, Judgement judgement, Turn turn) {
  Suspicion& suspicion = *call.suspicions[index_of(side)];
  const Boxed<Doubt> held = std::move(suspicion.doubt);
  forget_doubt(call, held->exchange);
  MessageInput input = held->input;
  input.bytes = held->bytes;
  if (judgement.fate == Fate::Forged) {
    suspicion.no_doubt_before = turn.now + kNoDoubtFor;
    return blame(call, side, {input, name_of(held->method), judgement.by}, turn);
  }
  Fork* const fork = fork_numbered(call, held->fork);
  const auto request = std::make_unique<SipMessage>();
  ParseOptions options;
  options.strictness = book_->neighbour_of(input.peer).strictness;
  if (is_stream(input.transport)) options.framing = Framing::Stream;
  if (judgement.fate == Fate::TakesEffect && fork != nullptr &&
      parse_message(input.bytes, options, *request) == ParseStatus::Complete &&
      is_above_last(fork->dialogs[index_of(side)], *request))
    return believe({turn.now, input, *request, book_->neighbour_of(input.peer), held->key, held->answer_path},
                   {&call, fork, side}, judgement.by, turn.out);
  parts_.counters[to_position(input.realm)].dropped.add(SipDropReason::ForgedRequest);
  note(call, turn.now, CallStep::DoubtDropped, static_cast<std::uint16_t>(side),
       static_cast<std::uint16_t>(judgement.by));
}

// Its OPTIONS has lost its meaning.
void CallEngine::forget_doubt(Call& call, std::uint32_t exchange) {
  --doubts_;
  std::erase_if(call.exchanges, [this, exchange](const Exchange& each) {
    if (each.id != exchange) return false;
    parts_.clients.forget(each.client);
    return true;
  });
}

void CallEngine::drop_doubt(Call& call, Side side) {
  Boxed<Suspicion>& suspicion = call.suspicions[index_of(side)];
  if (!suspicion || !suspicion->doubt) return;
  forget_doubt(call, suspicion->doubt->exchange);
  suspicion->doubt.reset();
}

// Whoever is heard at the known address has not spoken from elsewhere.
void CallEngine::hear_neighbour(Call& call, Side side, Turn turn) {
  const Boxed<Suspicion>& suspicion = call.suspicions[index_of(side)];
  if (suspicion && suspicion->doubt) end_doubt(call, side, {Fate::Forged, Settled::Spoke}, turn);
}

void CallEngine::keep_doubt_times(const Call& call, std::optional<Timestamp>& earliest) {
  for (const Boxed<Suspicion>& suspicion : call.suspicions) {
    if (!suspicion || !suspicion->doubt) continue;
    const Doubt& doubt = *suspicion->doubt;
    const Timestamp next = doubt.is_asked_again ? doubt.until : doubt.ask_again_at;
    earliest = earliest ? std::min(*earliest, next) : next;
  }
}

// An exact spoof passes all of the above; but whoever is still there goes on talking. Threats D9, section 6
bool CallEngine::goes_on_after_bye(const CallRecord& record, const media::MediaNotice& notice, Turn turn) {
  if (record.end_reason != "bye" || record.ended_by == EndedBy::Sallyport) return false;
  const std::size_t left = record.ended_by == EndedBy::Caller ? 0 : 1;
  const std::uint64_t packets = notice.sides[left].after_close_packets;
  if (packets < kMediaAfterByeMin) return false;
  parts_.totals.detections.add(label_of(policy::Detector::ForgedRequest, DetectorAction::Log));
  turn.out.add(turn.now, DetectionEvent{.detector = policy::to_string(policy::Detector::ForgedRequest),
                                        .action = policy::to_string(DetectorAction::Log),
                                        .source = notice.sides[left].remote,
                                        .call = record.call,
                                        .evidence = "BYE: " + std::string(to_string(Settled::AfterBye)) +
                                                    ", " + std::to_string(packets) + " packets",
                                        .confidence = confidence_of(Settled::AfterBye)});
  return true;
}

}  // namespace sallyport::sip
