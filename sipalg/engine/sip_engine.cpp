// sip_engine.cpp — from datagram to transaction to call: RFC 3261 §8.2, §17, §18.
#include "sipalg/engine/sip_engine.h"

#include <algorithm>
#include <map>
#include <utility>

#include "policy/base/check.h"
#include "sipalg/auth/peer_credentials.h"
#include "sipalg/auth/repeat_request.h"
#include "sipalg/call/call_engine.h"
#include "sipalg/engine/arrival.h"
#include "sipalg/engine/earliest.h"
#include "sipalg/engine/neighbour.h"
#include "sipalg/engine/places.h"
#include "sipalg/engine/port_watch.h"
#include "sipalg/engine/request_policy.h"
#include "sipalg/engine/responder.h"
#include "sipalg/engine/response_builder.h"
#include "sipalg/location/named_sources.h"
#include "sipalg/location/peer_names.h"
#include "sipalg/message/sip_message.h"
#include "sipalg/token/token.h"
#include "sipalg/transaction/client_transactions.h"
#include "sipalg/transaction/server_transactions.h"
#include "sipalg/transaction/transaction_slots.h"
#include "sipalg/trunk/trunk_engine.h"

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

// Calls name realms, peers and routes by their place in the configuration; what is saved has their names.
NamedNumbers names_of(const SbcConfig& config, const HashKey& key) {
  NamedNumbers names;
  for (const RealmConfig& realm : config.realms) names.add(NamedKind::Realm, keyed_hash(key, realm.name));
  for (const PeerConfig& peer : config.peers) names.add(NamedKind::Peer, keyed_hash(key, peer.name));
  for (const RouteConfig& route : config.routes) names.add(NamedKind::Route, keyed_hash(key, route.name));
  return names;
}

// The first configuration belongs to whoever started the engines and outlives them.
SharedValue<SbcConfig> not_owned(const SbcConfig& config) {
  return SharedValue<SbcConfig>(SharedValue<SbcConfig>(), &config);
}

}  // namespace

SharedPolicy::SharedPolicy(const SbcConfig& config, const HashKey& key)
    : admission(config),
      targets(config),
      rulebook(make_value<Rulebook>(not_owned(config), targets)),
      media_ports(config, key) {}

void SharedPolicy::adopt(SharedValue<Rulebook> next) {
  admission.adopt(next->config);
  targets.adopt(next->config);
  rulebook.put(std::move(next));
}

struct SipEngine::State final : EngineDesk {
  State(const SbcConfig& config_in, SharedPolicy& shared_in, const SipEngineSettings& settings_in)
      : config(config_in),
        settings(settings_in),
        shared(shared_in),
        book(counted_apart(shared_in.rulebook.read())),
        places(config_in),
        realm_counters(config_in.realms.size()),
        totals(peer_places(config_in)),
        servers(settings_in.transactions_max, settings_in.token_key, settings_in.table_key.k0, &names),
        clients(settings_in.transactions_max),
        responder(servers, realm_counters, settings.token_key),
        ring(settings_in.message_ring_bytes),
        call_engine({config, settings, shared, book, places, servers, clients, responder, credentials,
                     contacts, realm_counters, totals, touched}) {
    if (!shared.ports_are_watched.exchange(true)) port_watch.emplace(config, shared.media_ports);
    if (settings.owns_trunks) peer_names.emplace(config, shared.targets, settings.table_key);
    if (settings.owns_trunks)
      trunk_engine.emplace(
          TrunkParts{config, settings, shared, places, clients, realm_counters, credentials, call_engine});
  }

  void on_message(Timestamp now, const MessageInput& input, EngineOutput& out);
  void on_request(Timestamp now, const MessageInput& input, EngineOutput& out);
  void on_new_request(const Arrival& arrival, EngineOutput& out);
  void on_cancel(const Arrival& arrival, EngineOutput& out);
  void on_response(Timestamp now, const MessageInput& input, EngineOutput& out);
  void answer_malformed(Timestamp now, const MessageInput& input, EngineOutput& out);
  [[nodiscard]] bool answer_challenge(const RepeatableRequest& met, std::uint64_t& number, Timestamp now,
                                      EngineOutput& out);
  void fire_transactions(Timestamp now, EngineOutput& out);
  void adopt(Timestamp now, EngineOutput& out);
  // What every input ends with: ladders and counters.
  void finish(Timestamp now, const MessageInput* input, EngineOutput& out);

  // Transactions that outlive their call, so that what comes again is answered as before.
  void save_rest(Timestamp now, std::vector<SavedCall>& saved) const;

  [[nodiscard]] std::vector<CallView> calls(std::uint64_t after, std::size_t limit) const override;
  [[nodiscard]] std::optional<CallView> find(std::string_view id) const override;
  [[nodiscard]] const MessageRing& messages() const override { return ring; }
  void set_tee(MessageTee* to) override { tee = to; }
  [[nodiscard]] std::vector<bool> peers_in_use() const override;
  void keep(const RingMessage& kept) noexcept {
    if (kept.call != 0) ring.add(kept);
    if (tee != nullptr && tee->is_wanted()) tee->on_message(kept);
  }
  bool hang_up(Timestamp now, std::uint64_t call, EngineOutput& out) override;
  void drain() override {
    call_engine.drain();
    if (trunk_engine) trunk_engine->drain();
  }
  [[nodiscard]] std::vector<TrunkView> trunks(Timestamp now) const override {
    return trunk_engine ? trunk_engine->view(now) : std::vector<TrunkView>();
  }
  [[nodiscard]] std::vector<NameView> names_of_peers(Timestamp now) const override {
    return peer_names ? peer_names->views(now) : std::vector<NameView>();
  }

  const Neighbour& neighbour_of(const MessageInput& input) const noexcept {
    return book->neighbour_of(input.peer);
  }
  [[nodiscard]] bool was_there(const MessageInput& input) const noexcept {
    const PeerSide* const side = book->peer_side(input.peer);
    return side != nullptr && side->was_there(input.remote.address);
  }
  RealmSipCounters& counters_of(const MessageInput& input) noexcept {
    const std::size_t realm = to_position(input.realm);
    SALLYPORT_CHECK(realm < realm_counters.size());
    return realm_counters[realm];
  }
  // A peer that is known by name sends from the addresses that its names stand for.
  [[nodiscard]] MessageInput with_named_peer(Timestamp now, const MessageInput& input) noexcept {
    MessageInput known = input;
    if (input.trust != TrustClass::Untrusted && input.trust != TrustClass::Trusted) return known;
    const PeerIndex peer = named_sources.find(now, input.realm, input.remote.address);
    if (peer == PeerIndex::kNone) return known;
    known.peer = peer;
    known.trust = TrustClass::Known;
    return known;
  }
  // A registration that is being taken back goes by those that it was made with.
  [[nodiscard]] PeerCredentials& credentials_for(const TransactionUser& user) noexcept {
    PeerCredentials* const own =
        trunk_engine && is_of_trunks(user) ? trunk_engine->own_credentials(user) : nullptr;
    return own != nullptr ? *own : credentials;
  }
  void drop(const MessageInput& input, SipDropReason reason) noexcept {
    counters_of(input).dropped.add(reason);
  }
  [[nodiscard]] std::optional<Path> answer_path(const MessageInput& input) noexcept {
    const auto to =
        is_stream(input.transport)
            ? stream_response_destination(message.top_via, input.remote, input.transport)
            : response_destination(message.top_via, input.remote, neighbour_of(input).responses_to,
                                   book->config.realms[to_position(input.realm)].nat_auto);
    if (!to) {
      drop(input, SipDropReason::ForbiddenTarget);
      return std::nullopt;
    }
    Path path = path_of(input);  // over the connection that it came by, RFC 3261 §18.2.2
    path.remote = *to;
    return path;
  }

  const SbcConfig& config;
  const SipEngineSettings settings;
  SharedPolicy& shared;
  SharedValue<Rulebook> book;  // of the day
  Places places;
  std::vector<RealmSipCounters> realm_counters;
  EngineCounters totals;
  bool is_media_ready = true;
  std::optional<PortWatch> port_watch;  // of one engine
  std::optional<PeerNames> peer_names;  // of the engine that owns the trunks
  NamedSources named_sources{config, shared.targets};
  NamedNumbers names = names_of(config, settings.token_key);
  ServerTransactions servers;
  ClientTransactions clients;
  Responder responder;
  MessageRing ring;
  MessageTee* tee = nullptr;
  PeerCredentials credentials{config, settings.table_key};
  RegisteredContacts contacts{config, settings.token_key};
  CallEngine call_engine;
  std::optional<TrunkEngine> trunk_engine;  // of the engine that owns the trunks
  // Saved calls belong to the node with this key.
  const std::uint64_t key_print = keyed_hash(settings.token_key, "saved calls");
  std::uint64_t touched = 0;  // the call that the present input belongs to
  SipMessage message;         // the one under examination
};

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
  if (match.fate == RequestMatch::Fate::Merged)
    return responder.answer(arrival, 482, out);  // RFC 3261 §8.2.2.2
  on_new_request(arrival, out);
}

void SipEngine::State::on_new_request(const Arrival& arrival, EngineOutput& out) {
  const Method method = message.start.method;
  // Asked only of what may go no further.
  const bool is_for_us =
      message.has_max_forwards && message.max_forwards == 0 &&
      names_us(message.start.request_uri.address, config.realms[to_position(arrival.input.realm)],
               arrival.input.local.address);
  const std::uint16_t code = refusal_of(message, arrival.neighbour, is_for_us);
  if (code != 0) return responder.answer(arrival, code, out);
  if (method == Method::Cancel) return on_cancel(arrival, out);
  if (!message.to.tag.empty()) return call_engine.on_request_in_dialog(arrival, out);
  if (message.has(HeaderName::Route) &&
      is_routed_past_us(message, config.realms[to_position(arrival.input.realm)], arrival.input.local.address,
                        arrival.neighbour.strictness))
    return responder.answer(arrival, 403, out);  // RFC 3261 §16.4, §21.4.4
  if (method == Method::Invite && !is_media_ready)
    return responder.answer(arrival, 503, out, kMediaRetryAfterSeconds);
  if (method == Method::Invite) return call_engine.on_invite(arrival, out);
  responder.answer(arrival, 200, out);  // OPTIONS, RFC 3261 §11.2
}

void SipEngine::State::on_cancel(const Arrival& arrival, EngineOutput& out) {
  const auto cancelled = servers.find_cancelled(message, arrival.input.realm, arrival.input.remote.address);
  if (!cancelled || cancelled->is_forged) {
    if (cancelled) totals.detections.add(DetectionLabel::ForgedCancel);
    call_engine.on_cancel(arrival, cancelled ? cancelled->user : TransactionUser{},
                          CallEngine::CancelFate::Unmatched, out);
    return responder.answer(arrival, 481, out);  // RFC 3261 §9.2
  }
  responder.answer(arrival, 200, out);
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
  if (!is_of_trunks(match.user)) return call_engine.on_response(match, message, arrived, now, out);
  if (trunk_engine) trunk_engine->on_response(match.user, number, message, now, out);
}

// Only of the peer that the request was sent to, and only with what is configured for that peer. A challenge
// that can't be answered is a failure like any other, and never crosses to the other leg. Threats I3
bool SipEngine::State::answer_challenge(const RepeatableRequest& met, std::uint64_t& number, Timestamp now,
                                        EngineOutput& out) {
  NewClientTransaction terms = met.terms;
  const OwnRequest own = own_request(met.request);
  if (!clients.has_room()) return false;
  const std::string lines =
      credentials_for(terms.user)
          .answer(terms.path.peer, message, {own.method, own.uri, own.body}, terms.challenges_met);
  if (lines.empty()) return false;
  const std::uint64_t again = call_engine.take_number();
  std::optional<std::uint32_t> cseq;
  if (!is_of_trunks(terms.user))
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
    if (!is_of_trunks(event->user))
      call_engine.on_transaction_end(*event, now, out);
    else if (trunk_engine)
      trunk_engine->on_transaction_end(*event, now, out);
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
    if (send.is_again) realm_counters[to_position(send.path.realm)].retransmissions_out.add();
    keep({.at = now,
          .direction = Direction::Out,
          .path = send.path,
          .call = send.call,
          .is_again = send.is_again,
          .bytes = send.bytes});
  }
  totals.transactions_active.set(std::uint64_t{servers.size()} + clients.size());
  totals.calls_active.set(call_engine.tables().live.size());
  totals.messages_lost.set(out.overflowed());
}

std::vector<CallView> SipEngine::State::calls(std::uint64_t after, std::size_t limit) const {
  std::vector<const Call*> found;
  call_engine.tables().live.for_each([&](const Call& call) {
    if (call.number > after) found.push_back(&call);
  });
  std::sort(found.begin(), found.end(), [](const Call* a, const Call* b) { return a->number < b->number; });
  if (found.size() > limit) found.resize(limit);
  std::vector<CallView> views;
  for (const Call* call : found) views.push_back(call_engine.view_of(*call));
  return views;
}

std::optional<CallView> SipEngine::State::find(std::string_view id) const {
  const auto number = parse_call_id_text(id);
  const auto is_it = [&](const CallRecord& record) {
    if (number && record.call == *number) return true;
    return std::any_of(record.legs.begin(), record.legs.end(),
                       [id](const LegRecord& leg) { return leg.call_id == id; });
  };
  const Call* live = nullptr;
  call_engine.tables().live.for_each([&](const Call& call) {
    if (is_it(call.record)) live = &call;
  });
  if (live != nullptr) return call_engine.view_of(*live);
  const EndedCall* const ended =
      call_engine.tables().ended.find_if([&](const EndedCall& call) { return is_it(call.record); });
  if (ended == nullptr) return std::nullopt;
  CallView view;
  view.record = ended->record;
  view.is_over = true;
  view.state = "ended";
  for (const CallNote& note : ended->notes)
    view.reasons.push_back({note.at, text_of(note, ended->book->config, ended->book->router)});
  return view;
}

void SipEngine::State::save_rest(Timestamp now, std::vector<SavedCall>& saved) const {
  std::optional<ArchiveWriter> writer;
  bool of_servers = true;
  const RestOfSlots rest{
      .is_saved = [this](std::uint64_t call) { return call_engine.tables().live.find(call) != nullptr; },
      .writer_for = [&](std::string_view kept, std::uint8_t shard) -> ArchiveWriter& {
        const std::uint8_t of_kept = kept.empty() ? shard : shard_of_datagram(settings.token_key, kept);
        saved.push_back({.shard = of_kept, .bytes = {}, .is_call = false});
        writer.emplace(saved.back().bytes, now, &names);
        (*writer)(key_print, of_servers ? SavedKind::ServerTransactions : SavedKind::ClientTransactions);
        return *writer;
      }};
  sip::save_rest(servers, rest);
  of_servers = false;
  sip::save_rest(clients, rest);
  for (const std::uint8_t shard : call_engine.tables().strays.shards(now)) {
    saved.push_back({.shard = shard, .bytes = {}, .is_call = false});
    ArchiveWriter strays(saved.back().bytes, now, &names);
    strays(key_print, SavedKind::Strays);
    strays(call_engine.tables().strays.of_shard(shard, now));
  }
}

// Trunks last: what they give up and begin is asked for with the new names and credentials.
void SipEngine::State::adopt(Timestamp now, EngineOutput& out) {
  const SharedValue<Rulebook> next = counted_apart(shared.rulebook.read());
  const std::size_t known = std::min(book->config.peers.size(), next->config.peers.size());
  for (std::size_t peer = 0; peer < known; ++peer)
    if (book->config.peers[peer].name != next->config.peers[peer].name) totals.peers[peer].reset();
  names = names_of(next->config, settings.token_key);
  named_sources = NamedSources(next->config, shared.targets);
  credentials.adopt(next->config);
  contacts = RegisteredContacts(next->config, settings.token_key);
  call_engine.on_news(now, next, out);
  if (peer_names) peer_names->adopt(next->config, now, out);
  if (trunk_engine) trunk_engine->adopt(next, now, out);
  book = next;
}

std::vector<bool> SipEngine::State::peers_in_use() const {
  std::vector<bool> in_use(peer_places(config));
  call_engine.tables().live.for_each([&in_use](const Call& call) { mark_peers_of(call, in_use); });
  return in_use;
}

bool SipEngine::State::hang_up(Timestamp now, std::uint64_t call, EngineOutput& out) {
  const bool done = call_engine.hang_up(now, call, out);
  finish(now, nullptr, out);
  return done;
}

SipEngine::SipEngine(const SbcConfig& config, SharedPolicy& shared, const SipEngineSettings& settings)
    : state_(std::make_unique<State>(config, shared, settings)) {}

SipEngine::~SipEngine() = default;

void SipEngine::on_message(Timestamp now, const MessageInput& arrived, EngineOutput& out) noexcept {
  const MessageInput input = state_->with_named_peer(now, arrived);
  if (is_keepalive(input.bytes)) return state_->drop(input, SipDropReason::Keepalive);
  // Strangers are not even parsed: no answer, no cost, nothing learnt (threats I9, R4).
  if (input.trust < TrustClass::Trusted) {
    if (is_stream(input.transport)) out.closes().push_back(input.connection);
    return state_->drop(input, SipDropReason::Stranger);
  }
  state_->on_message(now, input, out);
  state_->finish(now, &input, out);
}

void SipEngine::on_deadline(Timestamp now, EngineOutput& out) noexcept {
  state_->fire_transactions(now, out);
  state_->call_engine.on_deadline(now, out);
  if (state_->peer_names) state_->peer_names->on_deadline(now, out);
  if (state_->trunk_engine) state_->trunk_engine->on_deadline(now, out);
  state_->finish(now, nullptr, out);
}

std::optional<Timestamp> SipEngine::next_deadline() const noexcept {
  std::optional<Timestamp> earliest = state_->servers.next_deadline();
  keep_earlier(earliest, state_->clients.next_deadline());
  keep_earlier(earliest, state_->call_engine.tables().live.next_deadline());
  if (state_->port_watch) keep_earlier(earliest, state_->port_watch->next_deadline());
  if (state_->peer_names) keep_earlier(earliest, state_->peer_names->next_deadline());
  if (state_->trunk_engine) keep_earlier(earliest, state_->trunk_engine->next_deadline());
  return earliest;
}

void SipEngine::on_unreachable(Timestamp now, const Path& path, EngineOutput& out) noexcept {
  state_->clients.on_unreachable(path);
  state_->servers.on_unreachable(path);
  state_->call_engine.on_news(now, CallEngine::Unreachable{path}, out);
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

std::vector<SipEngine::SavedCall> SipEngine::save(Timestamp now) const {
  std::vector<SavedCall> saved;
  // Peers and realms have one place in every rulebook of a run, routes have not.
  std::map<const Rulebook*, NamedNumbers> earlier;
  const auto names_in = [&](const Rulebook& book) -> const NamedNumbers* {
    if (&book == state_->book.get()) return &state_->names;
    const auto [found, is_new] = earlier.try_emplace(&book);
    if (is_new) found->second = names_of(book.config, state_->settings.token_key);
    return &found->second;
  };
  state_->call_engine.tables().live.for_each([&](const Call& call) {
    SavedCall one{.shard = call.shard, .bytes = {}};
    ArchiveWriter writer(one.bytes, now, names_in(*call.book));
    writer(state_->key_print, SavedKind::Call);
    writer(call);
    state_->servers.save(call.number, writer);
    state_->clients.save(call.number, writer);
    saved.push_back(std::move(one));
  });
  state_->save_rest(now, saved);
  return saved;
}

bool SipEngine::restore(Timestamp now, std::string_view call, EngineOutput& out) {
  ArchiveReader reader(call, now, &state_->names);
  std::uint64_t key_print = 0;
  auto kind = SavedKind::Call;
  reader(key_print, kind);
  if (!reader.good() || key_print != state_->key_print) return false;
  return state_->call_engine.restore(kind, reader, now, out);
}

const RealmSipCounters& SipEngine::counters(RealmIndex realm) const noexcept {
  SALLYPORT_CHECK(to_position(realm) < state_->realm_counters.size());
  return state_->realm_counters[to_position(realm)];
}

const EngineCounters& SipEngine::counters() const noexcept { return state_->totals; }

}  // namespace sallyport::sip
