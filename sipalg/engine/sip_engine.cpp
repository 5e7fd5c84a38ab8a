// sip_engine.cpp — from datagram to transaction to call: RFC 3261 §8.2, §17, §18.
#include "sipalg/engine/sip_engine.h"

#include <algorithm>
#include <utility>

#include "sipalg/engine/earliest.h"
#include "sipalg/engine/engine_state.h"
#include "sipalg/engine/request_policy.h"
#include "sipalg/registrar/keep_alive.h"

namespace sallyport::sip {
namespace {

constexpr unsigned kEventsPerCall = 64;
constexpr std::uint32_t kMediaRetryAfterSeconds = 2;

// Keep-alives of RFC 5626 §3.5.1 and of devices that send NULs instead.
bool is_keepalive(std::string_view bytes) noexcept {
  for (const char c : bytes)
    if (c != '\r' && c != '\n' && c != '\0') return false;
  return true;
}

// The first configuration belongs to whoever started the engines and outlives them.
SharedValue<SbcConfig> not_owned(const SbcConfig& config) {
  return SharedValue<SbcConfig>(SharedValue<SbcConfig>(), &config);
}

// Of a request that a transaction may have made by itself: it is counted where it leaves. RFC 3261 §9.1,
// §17.1.1.3
std::optional<Method> method_of_transactions(std::string_view bytes) noexcept {
  if (bytes.starts_with("ACK ")) return Method::Ack;
  return bytes.starts_with("CANCEL ") ? std::optional(Method::Cancel) : std::nullopt;
}

}  // namespace

SharedPolicy::SharedPolicy(const SbcConfig& config, const HashKey& key)
    : admission(config),
      targets(config),
      bindings(config.registrars.empty() ? 0 : config.dataplane.capacity.registrations, key),
      earned(config.registrars.empty() ? 0 : config.dataplane.capacity.registrations, key),
      detectors(config.security.detectors, config.dataplane.capacity.sources, key, earned),
      rulebook(make_value<Rulebook>(not_owned(config), targets)),
      media_ports(config, key) {}

void SharedPolicy::adopt(SharedValue<Rulebook> next) {
  admission.adopt(next->config);
  detectors.adopt(next->config.security.detectors);
  targets.adopt(next->config);
  media_ports.adopt(next->config);
  rulebook.put(std::move(next));
}

void SipEngine::State::on_message(Timestamp now, const MessageInput& input, EngineOutput& out) {
  ParseOptions options;
  options.strictness = neighbour_of(input).strictness;
  if (is_stream(input.transport)) options.framing = Framing::Stream;
  ParseStatus status = parse_message(input.bytes, options, message);
  // The framer and the parser must mean the same octets; else nothing behind them can be trusted.
  const bool is_framing_lost =
      is_stream(input.transport) &&
      (input.is_framing_lost || status == ParseStatus::Incomplete || message.error.framing_lost ||
       (status == ParseStatus::Complete && message.consumed != input.bytes.size()));
  if (is_framing_lost) {
    if (status != ParseStatus::Malformed) message.error = {.rule = GrammarRule::ContentLength};
    status = ParseStatus::Malformed;
    out.closes().push_back(input.connection);  // RFC 3261 §18.3
  }
  // Nothing of it is read but whether somebody is in need.
  if (detectors.is_punished(now, input) && !(status == ParseStatus::Complete && is_of_emergency()))
    return drop(input, SipDropReason::Detected);
  if (status != ParseStatus::Complete && drops_malformed(now, input, out)) return;
  if (status == ParseStatus::Complete && !passes_signatures(now, input, out)) return;
  if (input.trust < TrustClass::Trusted && (status != ParseStatus::Complete || !is_heard(input))) {
    if (status == ParseStatus::Complete) note_unheard(now, input, message.start.request_uri.user, out);
    if (is_stream(input.transport) && !is_framing_lost) out.closes().push_back(input.connection);
    return drop(input, SipDropReason::Stranger);
  }
  RealmSipCounters& count = counters_of(input);
  if (message.is_response()) {
    if (status != ParseStatus::Complete) return drop(input, SipDropReason::MalformedResponse);
    count.responses[static_cast<std::size_t>(Direction::In)][code_label(message.start.status_code)].add();
    return on_response(now, input, out);
  }
  if (!message.is_request()) return drop(input, SipDropReason::Malformed);
  count.requests[static_cast<std::size_t>(Direction::In)][static_cast<std::size_t>(message.start.method)]
      .add();
  if (status != ParseStatus::Complete) return answer_malformed(now, input, out);
  on_request(now, input, out);
}

// Whatever it looks like: such a call is never blocked.
bool SipEngine::State::is_emergency_call() const {
  if (!message.is_request() || message.start.method != Method::Invite) return false;
  return book->router.is_emergency(policy::unescaped_user(contacts.called_user(message)),
                                   message.start.request_uri.text);
}

// A call for help, or a message of one that is there: by our tag, which the other side can't guess.
bool SipEngine::State::is_of_emergency() const {
  const Method method = message.start.method;
  if (message.is_request() && (method == Method::Invite || method == Method::Cancel) &&
      book->router.is_emergency(policy::unescaped_user(contacts.called_user(message)),
                                message.start.request_uri.text))
    return true;
  const std::string_view tag = message.is_response() ? message.from.tag : message.to.tag;
  const auto token = read_token(settings.token_key, TokenKind::Tag, tag);
  const Call* const call = token ? call_engine.tables().live.find(token->number) : nullptr;
  return call != nullptr && call->is_emergency;
}

bool SipEngine::State::drops_malformed(Timestamp now, const MessageInput& input, EngineOutput& out) {
  if (input.trust >= TrustClass::Known) return false;
  const policy::Actor actor = detectors.actor_of(input);
  if (detectors.judge(now, actor, shared.detectors.on_malformed(now, actor), out) != DetectorFate::Drop)
    return false;
  drop(input, SipDropReason::Detected);
  return true;
}

void SipEngine::State::note_unheard(Timestamp now, const MessageInput& input, std::string_view target,
                                    EngineOutput& out) {
  const policy::Actor actor = detectors.actor_of(input);
  (void)detectors.judge(now, actor, shared.detectors.on_unheard(now, actor, target), out);
  // It counts at its source alone: a stranger must not use up what a callee may be called.
  if (input.bytes.starts_with("INVITE "))
    (void)detectors.judge(now, actor, shared.detectors.before_call(now, actor, {.called = {}}), out);
}

// A stranger who would not be heard gets no answer either, and nobody one to an ACK or a response.
bool SipEngine::State::passes_signatures(Timestamp now, const MessageInput& input, EngineOutput& out) {
  if (!signatures.looks_at(input) || is_emergency_call()) return true;
  const SignatureGate::Fate fate = signatures.judge(now, input, message, out);
  if (fate == SignatureGate::Fate::Pass) return true;
  const bool is_answered = fate == SignatureGate::Fate::Reject && message.is_request() &&
                           message.start.method != Method::Ack && is_heard(input);
  const auto path = is_answered ? answer_path(input) : std::nullopt;
  if (!is_answered) {
    drop(input, SipDropReason::Signature);
  } else if (path) {
    counters_of(input)
        .requests[static_cast<std::size_t>(Direction::In)][static_cast<std::size_t>(message.start.method)]
        .add();
    responder.answer_without_state({now, input, message, neighbour_of(input), {}, *path}, 403,
                                   out);  // RFC 3261 §8.2.7, §21.4.4
  }
  return false;
}

void SipEngine::State::answer_malformed(Timestamp now, const MessageInput& input, EngineOutput& out) {
  const std::uint16_t code = message.error.answer;
  // An ACK is never answered, RFC 3261 §17.1.1.3; nor is what has no Via to answer to, RFC 3261 §8.2.6.2. The
  // other mandatory fields may be missing: the answer then says so without them, RFC 4475 §3.3.1.
  if (code == 0 || message.start.method == Method::Ack || !message.top_via.answerable)
    return drop(input, SipDropReason::Malformed);
  const auto path = answer_path(input);
  if (path) responder.answer_without_state({now, input, message, neighbour_of(input), {}, *path}, code, out);
}

void SipEngine::State::on_request(Timestamp now, const MessageInput& input, EngineOutput& out) {
  const Neighbour& neighbour = neighbour_of(input);
  if (message.start.method == Method::Ack) {
    if (servers.on_ack(message, input.realm, input.remote.address, now)) return;
    if (message.body_is_short ||
        !call_engine.on_ack({now, input, message, neighbour, {}, path_of(input)}, out))
      drop(input, SipDropReason::StrayAck);
    return;
  }
  // Its calls go on, and that is all.
  if (message.to.tag.empty() && message.start.method != Method::Cancel && was_there(input))
    return drop(input, SipDropReason::Stranger);
  const auto path = answer_path(input);
  if (!path) return;
  const Arrival arrival{
      now,
      input,
      message,
      neighbour,
      server_transaction_key(
          settings.token_key, message,
          RealmName{names.name_of(NamedKind::Realm, static_cast<std::uint16_t>(input.realm))},
          input.remote.address),
      *path};
  const RequestMatch match = servers.on_request(arrival.key, message, now, out);
  if (match.fate == RequestMatch::Fate::Absorbed) {
    counters_of(input).retransmissions_in.add();
    if (match.user.call != 0) touched = match.user.call;
    return;
  }
  if (match.fate == RequestMatch::Fate::Merged) return answer_once(arrival, 482, out);  // RFC 3261 §8.2.2.2
  if (message.to.tag.empty() && message.start.method != Method::Cancel && is_by_former_listener(input))
    return drop(input, SipDropReason::Stranger);
  on_new_request(arrival, out);
}

// For a stranger nothing is kept. Threats R1
void SipEngine::State::answer_once(const Arrival& arrival, std::uint16_t code, EngineOutput& out) {
  if (arrival.input.trust < TrustClass::Trusted)
    responder.answer_without_state(arrival, code, out);
  else
    responder.answer(arrival, code, out);
}

// Endpoints may register whatever methods their profile names.
void SipEngine::State::on_register(const Arrival& arrival, EngineOutput& out) {
  if (message.body_is_short) return answer_once(arrival, 400, out);  // RFC 3261 §18.3
  if (message.has_max_forwards && message.max_forwards == 0)
    return answer_once(arrival, 483, out);  // RFC 3261 §16.3
  registrar->on_register(arrival, out);
}

// Its tag says whether it is a call's or a subscription's.
void SipEngine::State::on_request_in_dialog(const Arrival& arrival, EngineOutput& out) {
  const auto token = read_token(settings.token_key, TokenKind::Tag, message.to.tag);
  if (token && (token->part == kSubscriberPart || token->part == kNotifierPart))
    return exchanges.on_request_in_dialog(arrival, out);
  call_engine.on_request_in_dialog(arrival, out);
}

void SipEngine::State::on_new_request(const Arrival& arrival, EngineOutput& out) {
  const Method method = message.start.method;
  if (method == Method::Register && registrar && registrar->serves(arrival.input.realm))
    return on_register(arrival, out);
  // Asked only of what may go no further.
  const bool is_for_us =
      message.has_max_forwards && message.max_forwards == 0 &&
      names_us(message.start.request_uri.address, book->config.realms[to_position(arrival.input.realm)],
               arrival.input.local.address);
  const std::uint16_t code = refusal_of(message, arrival.neighbour, is_for_us);
  if (code == 416 && detectors.drops_no_target(arrival, code, out)) return;
  if (code != 0) return responder.answer(arrival, code, out);
  if (method == Method::Cancel) return on_cancel(arrival, out);
  if (!message.to.tag.empty()) return on_request_in_dialog(arrival, out);
  if (message.has(HeaderName::Route) &&
      is_routed_past_us(message, book->config.realms[to_position(arrival.input.realm)],
                        arrival.input.local.address, arrival.neighbour.strictness))
    return responder.answer(arrival, 403, out);  // RFC 3261 §16.4, §21.4.4
  if (method == Method::Invite && !is_media_ready)
    return responder.answer(arrival, 503, out, kMediaRetryAfterSeconds);
  if (method == Method::Invite) tell_of_invite(arrival, out);
  if (method == Method::Invite) return call_engine.on_invite(arrival, out);
  if (ExchangeEngine::takes(method)) return exchanges.on_request(arrival, out);
  responder.answer(arrival, 200, out);  // OPTIONS, RFC 3261 §11.2
}

void SipEngine::State::on_cancel(const Arrival& arrival, EngineOutput& out) {
  const auto cancelled = servers.find_cancelled(message, arrival.input.realm, arrival.input.remote.address);
  if (!cancelled && hand_over_cancel(arrival, out)) return;
  if (!cancelled || cancelled->is_forged) {
    if (cancelled) totals.detections.add(DetectionLabel::ForgedCancel);
    call_engine.on_cancel(arrival, cancelled ? cancelled->user : TransactionUser{},
                          CallEngine::CancelFate::Unmatched, out);
    return responder.answer(arrival, 481, out);  // RFC 3261 §9.2
  }
  Arrival proved = arrival;  // its INVITE came from there, and was taken
  proved.is_proved = true;
  responder.answer(proved, 200, out);
  if (!cancelled->is_answered)
    call_engine.on_cancel(arrival, cancelled->user, CallEngine::CancelFate::Taken, out);
}

void SipEngine::State::on_response(Timestamp now, const MessageInput& input, EngineOutput& out) {
  std::string_view branch = message.top_via.branch;
  if (message.via_count != 1 || !branch.starts_with(kBranchCookie))  // RFC 3261 §8.1.3.3
    return drop(input, SipDropReason::UnmatchedResponse);
  branch.remove_prefix(kBranchCookie.size());
  const auto token = read_token(settings.token_key, TokenKind::Branch, branch);
  if (!token) return drop(input, SipDropReason::UnmatchedResponse);  // RFC 3261 §18.1.2
  if (token->part == kKeepAlivePart) return drop(input, SipDropReason::Keepalive);
  const Path arrived = path_of(input);
  const std::uint16_t code = message.start.status_code;
  std::uint64_t number = token->number;
  const auto challenged = code == 401 || code == 407 ? clients.repeatable(number) : std::nullopt;
  const ResponseMatch match = clients.on_response(number, message, arrived, now, out);
  if (match.fate == ResponseFate::Unmatched) return drop(input, SipDropReason::UnmatchedResponse);
  if (match.fate == ResponseFate::Forged) {
    totals.detections.add(DetectionLabel::ForgedResponse);
    return drop(input, SipDropReason::ForgedResponse);
  }
  if (match.user.call != 0) touched = match.user.call;
  if (match.fate != ResponseFate::Deliver) return;
  if (challenged && answer_challenge(*challenged, number, now, out)) return;
  if (code / 100 == 2) credentials_for(match.user).on_success(match.peer, message);
  if (is_of_registrar(match.user)) {
    if (registrar) registrar->on_response(match.user, number, message, now, out);
  } else if (is_of_exchanges(match.user)) {
    exchanges.on_response(match.user, number, message, now, out);
  } else if (!is_of_trunks(match.user)) {
    call_engine.on_response(match, message, arrived, now, out);
  } else if (trunk_engine) {
    trunk_engine->on_response(match.user, number, message, now, out);
  }
}

// Only of the peer that the request was sent to, and only with what is configured for that peer. A challenge
// that can't be answered is a failure like any other, and never crosses to the other leg. Threats I3
bool SipEngine::State::answer_challenge(const RepeatableRequest& met, std::uint64_t& number, Timestamp now,
                                        EngineOutput& out) {
  NewClientTransaction terms = met.terms;
  const OwnRequest own = own_request(met.request);
  if (!clients.has_room() || is_of_registrar(terms.user)) return false;
  const std::string lines =
      credentials_for(terms.user)
          .answer(terms.path.peer, message, {own.method, own.uri, own.body}, terms.challenges_met);
  if (lines.empty()) return false;
  const std::uint64_t again = call_engine.take_number();
  std::optional<std::uint32_t> cseq;
  if (is_of_exchanges(terms.user))
    cseq = exchanges.take_repeat(met, number, again);
  else if (!is_of_trunks(terms.user))
    cseq = call_engine.take_repeat(met, number, again, lines, now);
  else if (trunk_engine)
    cseq = trunk_engine->take_repeat(met, number, again);
  if (!cseq) return false;
  number = again;
  const TokenText branch = write_token(settings.token_key, TokenKind::Branch,
                                       {.shard = terms.user.shard, .part = 0, .number = again});
  const auto bytes = repeat_request(out.room(), met.request, {view(branch), *cseq, lines});
  if (!bytes) return false;
  terms.number = again;
  terms.request = out.commit(terms.path, bytes->size(), terms.user.call);
  terms.cseq = *cseq;
  ++terms.challenges_met;
  realm_counters[to_position(terms.path.realm)]
      .requests[static_cast<std::size_t>(Direction::Out)][static_cast<std::size_t>(terms.method)]
      .add();
  return clients.start(terms, now);
}

void SipEngine::State::fire_transactions(Timestamp now, EngineOutput& out) {
  for (unsigned i = 0; i < kEventsPerCall && !out.is_nearly_full(); ++i)
    if (!servers.next_event(now, out)) break;
  for (unsigned i = 0; i < kEventsPerCall && !out.is_nearly_full(); ++i) {
    const auto event = clients.next_event(now, out);
    if (!event) break;
    on_transaction_end(*event, now, out);
  }
}

void SipEngine::State::on_transaction_end(const TransactionEvent& event, Timestamp now, EngineOutput& out) {
  if (is_of_registrar(event.user)) {
    if (registrar) registrar->on_transaction_end(event, now, out);
  } else if (is_of_exchanges(event.user)) {
    exchanges.on_transaction_end(event, now, out);
  } else if (!is_of_trunks(event.user)) {
    call_engine.on_transaction_end(event, now, out);
  } else if (trunk_engine) {
    trunk_engine->on_transaction_end(event, now, out);
  }
}

void SipEngine::State::finish(Timestamp now, const MessageInput* input, EngineOutput& out) {
  if (port_watch) port_watch->look(now, out);
  const std::uint64_t call = std::exchange(touched, 0);
  if (input != nullptr)
    keep({.at = now,
          .direction = Direction::In,
          .path = path_of(*input),
          .call = call,
          .bytes = input->bytes});
  for (const SendMessage& send : out.sends()) {
    RealmSipCounters& counts = realm_counters[to_position(send.path.realm)];
    if (send.is_again)
      counts.retransmissions_out.add();
    else if (const auto method = method_of_transactions(send.bytes))
      counts.requests[static_cast<std::size_t>(Direction::Out)][static_cast<std::size_t>(*method)].add();
    keep({.at = now,
          .direction = Direction::Out,
          .path = send.path,
          .call = send.call,
          .is_again = send.is_again,
          .bytes = send.bytes});
  }
  totals.transactions_active.set(std::uint64_t{servers.size()} + clients.size());
  if (registrar) totals.registrations_active.set(registrar->size());
  totals.calls_active.set(call_engine.tables().live.size());
  totals.messages_lost.set(out.overflowed());
}

SipEngine::SipEngine(const SbcConfig& config, SharedPolicy& shared, const SipEngineSettings& settings)
    : state_(std::make_unique<State>(config, shared, settings)) {}

SipEngine::~SipEngine() = default;

void SipEngine::on_message(Timestamp now, const MessageInput& arrived, EngineOutput& out) noexcept {
  const MessageInput input = state_->with_known_source(now, arrived);
  if (is_keepalive(input.bytes)) return state_->drop(input, SipDropReason::Keepalive);
  // Strangers are not even parsed: no answer, hardly any cost, nothing learnt (threats I9, R4).
  if (!state_->is_read(input)) {
    if (is_stream(input.transport)) out.closes().push_back(input.connection);
    if (const auto target = target_at_a_glance(input.bytes); target)
      state_->note_unheard(now, input, *target, out);
    return state_->drop(input, SipDropReason::Stranger);
  }
  state_->on_message(now, input, out);
  state_->finish(now, &input, out);
}

void SipEngine::on_deadline(Timestamp now, EngineOutput& out) noexcept {
  state_->fire_transactions(now, out);
  state_->call_engine.on_deadline(now, out);
  state_->exchanges.on_deadline(now, out);
  if (state_->registrar) state_->registrar->on_deadline(now, out);
  if (state_->peer_names) state_->peer_names->on_deadline(now, out);
  if (state_->trunk_engine) state_->trunk_engine->on_deadline(now, out);
  state_->finish(now, nullptr, out);
}

std::optional<Timestamp> SipEngine::next_deadline() const noexcept {
  std::optional<Timestamp> earliest = state_->servers.next_deadline();
  keep_earlier(earliest, state_->clients.next_deadline());
  keep_earlier(earliest, state_->call_engine.tables().live.next_deadline());
  keep_earlier(earliest, state_->exchanges.next_deadline());
  if (state_->registrar) keep_earlier(earliest, state_->registrar->next_deadline());
  if (state_->port_watch) keep_earlier(earliest, state_->port_watch->next_deadline());
  if (state_->peer_names) keep_earlier(earliest, state_->peer_names->next_deadline());
  if (state_->trunk_engine) keep_earlier(earliest, state_->trunk_engine->next_deadline());
  return earliest;
}

void SipEngine::on_unreachable(Timestamp now, const Path& path, EngineOutput& out) noexcept {
  state_->clients.on_unreachable(path);
  state_->servers.on_unreachable(path);
  state_->call_engine.on_news(now, CallEngine::Unreachable{path}, out);
  if (state_->registrar) state_->registrar->on_unreachable(now, path, out);
  state_->fire_transactions(now, out);
  state_->finish(now, nullptr, out);
}

void SipEngine::on_journalled(Timestamp now, std::uint64_t sequence, EngineOutput& out) noexcept {
  state_->call_engine.on_news(now, CallEngine::Journalled{sequence}, out);
  state_->finish(now, nullptr, out);
}

void SipEngine::on_media(Timestamp now, const media::MediaNotice& notice, EngineOutput& out) noexcept {
  state_->call_engine.on_news(now, &notice, out);
  state_->finish(now, nullptr, out);
}

void SipEngine::on_dns(Timestamp now, const DnsReply& reply, EngineOutput& out) noexcept {
  if (state_->peer_names) state_->peer_names->on_reply(now, reply, out);
  state_->finish(now, nullptr, out);
}

void SipEngine::adopt(Timestamp now, EngineOutput& out) {
  state_->adopt(now, out);
  state_->finish(now, nullptr, out);
}

void SipEngine::set_media_ready(bool is_ready) noexcept { state_->is_media_ready = is_ready; }

EngineDesk& SipEngine::desk() noexcept { return *state_; }

const RealmSipCounters& SipEngine::counters(RealmIndex realm) const noexcept {
  SALLYPORT_CHECK(to_position(realm) < state_->realm_counters.size());
  return state_->realm_counters[to_position(realm)];
}

const EngineCounters& SipEngine::counters() const noexcept { return state_->totals; }

}  // namespace sallyport::sip
