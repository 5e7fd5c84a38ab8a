// engine_state.h — what a SipEngine is made of. Only the files of this folder that carry it out include it.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "policy/base/check.h"
#include "sipalg/auth/peer_credentials.h"
#include "sipalg/auth/repeat_request.h"
#include "sipalg/call/call_engine.h"
#include "sipalg/engine/arrival.h"
#include "sipalg/engine/detector_gate.h"
#include "sipalg/engine/invites_elsewhere.h"
#include "sipalg/engine/neighbour.h"
#include "sipalg/engine/places.h"
#include "sipalg/engine/port_watch.h"
#include "sipalg/engine/responder.h"
#include "sipalg/engine/response_builder.h"
#include "sipalg/engine/signature_gate.h"
#include "sipalg/engine/sip_engine.h"
#include "sipalg/exchange/exchange_engine.h"
#include "sipalg/location/named_sources.h"
#include "sipalg/location/peer_names.h"
#include "sipalg/message/sip_message.h"
#include "sipalg/registrar/registrar_engine.h"
#include "sipalg/token/token.h"
#include "sipalg/transaction/client_transactions.h"
#include "sipalg/transaction/server_transactions.h"
#include "sipalg/trunk/trunk_engine.h"

namespace sallyport::sip {

// Calls name realms, peers and routes by their place in the configuration; what is saved has their names.
[[nodiscard]] NamedNumbers saved_names_of(const SbcConfig& config, const HashKey& key);

struct SipEngine::State final : EngineDesk {
  State(const SbcConfig& config_in, SharedPolicy& shared_in, const SipEngineSettings& settings_in)
      : config(config_in),
        settings(settings_in),
        shared(shared_in),
        book(counted_apart(shared_in.rulebook.read())),
        realm_counters(realm_places(config_in)),
        totals(peer_places(config_in)),
        servers(settings_in.transactions_max, settings_in.token_key, settings_in.table_key.k0, &names),
        clients(settings_in.transactions_max),
        responder(servers, realm_counters, settings.token_key),
        ring(settings_in.message_ring_bytes),
        call_engine({config, settings, shared, book, servers, clients, responder, credentials, contacts,
                     realm_counters, totals, touched, detectors}),
        exchanges({config, settings, shared, shared.bindings, servers, clients, responder, realm_counters,
                   call_engine, detectors, &names, key_print},
                  book) {
    signatures.adopt(book->config.security.signature_set);
    if (!config.registrars.empty())
      registrar.emplace(RegistrarParts{config, settings, shared, shared.bindings, servers, clients, responder,
                                       realm_counters, call_engine, detectors, &names, key_print},
                        book);
    if (!shared.ports_are_watched.exchange(true)) port_watch.emplace(config, shared.media_ports);
    if (settings.owns_trunks) peer_names.emplace(config, shared.targets, settings.table_key);
    if (settings.owns_trunks)
      trunk_engine.emplace(
          TrunkParts{config, settings, shared, clients, realm_counters, credentials, call_engine});
  }

  void on_message(Timestamp now, const MessageInput& input, EngineOutput& out);
  [[nodiscard]] bool is_emergency_call() const;
  [[nodiscard]] bool is_of_emergency() const;
  void on_request(Timestamp now, const MessageInput& input, EngineOutput& out);
  void on_new_request(const Arrival& arrival, EngineOutput& out);
  void answer_once(const Arrival& arrival, std::uint16_t code, EngineOutput& out);
  void on_register(const Arrival& arrival, EngineOutput& out);
  void on_request_in_dialog(const Arrival& arrival, EngineOutput& out);
  void on_cancel(const Arrival& arrival, EngineOutput& out);
  // cancel_elsewhere.cpp
  void tell_of_invite(const Arrival& arrival, EngineOutput& out);
  [[nodiscard]] bool hand_over_cancel(const Arrival& arrival, EngineOutput& out);
  void on_response(Timestamp now, const MessageInput& input, EngineOutput& out);
  void answer_malformed(Timestamp now, const MessageInput& input, EngineOutput& out);
  [[nodiscard]] bool answer_challenge(const RepeatableRequest& met, std::uint64_t& number, Timestamp now,
                                      EngineOutput& out);
  void fire_transactions(Timestamp now, EngineOutput& out);
  void on_transaction_end(const TransactionEvent& event, Timestamp now, EngineOutput& out);
  void adopt(Timestamp now, EngineOutput& out);
  // A stranger's request that is not read, or a message that could not be.
  void note_unheard(Timestamp now, const MessageInput& input, std::string_view target, EngineOutput& out);
  // True: it is to be dropped without a word.
  [[nodiscard]] bool drops_malformed(Timestamp now, const MessageInput& input, EngineOutput& out);
  // What every input ends with: ladders and counters.
  void finish(Timestamp now, const MessageInput* input, EngineOutput& out);

  // Transactions that outlive their call, so that what comes again is answered as before.
  void save_rest(Timestamp now, std::vector<SavedCall>& saved) const;
  void save_callbacks(Timestamp now, std::vector<SavedCall>& saved) const;
  [[nodiscard]] bool restore_callbacks(ArchiveReader& archive, Timestamp now);

  [[nodiscard]] std::vector<CallView> calls(std::uint64_t after, std::size_t limit) const override;
  [[nodiscard]] std::optional<CallView> find(std::string_view id) const override;
  [[nodiscard]] const MessageRing& messages() const override { return ring; }
  void set_tee(MessageTee* to) override { tee = to; }
  [[nodiscard]] std::vector<bool> peers_in_use() const override;
  [[nodiscard]] std::vector<Path> listeners_in_use() const override;
  void keep(const RingMessage& kept) noexcept {
    if (kept.call != 0) ring.add(kept);
    if (tee != nullptr && tee->is_wanted()) tee->on_message(kept);
  }
  bool hang_up(Timestamp now, std::uint64_t call, EngineOutput& out) override;
  [[nodiscard]] std::vector<EndpointView> endpoints(std::string_view after,
                                                    std::size_t limit) const override {
    return registrar ? registrar->view(after, limit) : std::vector<EndpointView>();
  }
  void drain() override {
    call_engine.drain();
    exchanges.drain();
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
  // A reload took the listener out: what is up goes on by it, and that is all.
  [[nodiscard]] bool is_by_former_listener(const MessageInput& input) const noexcept {
    const Place* const place = book->places.at(path_of(input));
    return place != nullptr && place->is_former;
  }
  RealmSipCounters& counters_of(const MessageInput& input) noexcept {
    const std::size_t realm = to_position(input.realm);
    SALLYPORT_CHECK(realm < realm_counters.size());
    return realm_counters[realm];
  }
  // A peer that is known by name sends from the addresses that its names stand for; an endpoint from where it
  // registered.
  [[nodiscard]] MessageInput with_known_source(Timestamp now, const MessageInput& input) {
    MessageInput known = input;
    if (input.trust != TrustClass::Untrusted && input.trust != TrustClass::Trusted) return known;
    PeerIndex peer = named_sources.find(now, input.realm, input.remote.address);
    if (peer == PeerIndex::kNone && registrar &&
        shared.bindings.is_known(input.realm, input.remote, input.transport))
      if (const auto bindings = shared.bindings.from(path_of(input)); !bindings->empty())
        peer = bindings->front()->place;
    if (peer == PeerIndex::kNone) return known;
    known.peer = peer;
    known.trust = TrustClass::Known;
    return known;
  }
  // Where endpoints register, strangers are read: they may be endpoints. Whatever they say is dropped without
  // a word unless it is a REGISTER, answers us, or shows the tag of a dialog of ours. Threats I9, I11
  [[nodiscard]] bool is_read(const MessageInput& input) const noexcept {
    if (input.trust >= TrustClass::Trusted) return true;
    return input.trust == TrustClass::Untrusted && registrar && registrar->serves(input.realm);
  }
  [[nodiscard]] bool is_heard(const MessageInput& input) const noexcept {
    if (input.trust >= TrustClass::Trusted || message.is_response()) return true;
    if (message.start.method == Method::Cancel) {  // whose registration has ended since it called
      const auto cancelled = servers.find_cancelled(message, input.realm, input.remote.address);
      return cancelled && !cancelled->is_forged;
    }
    if (message.to.tag.empty()) return message.start.method == Method::Register;
    return read_token(settings.token_key, TokenKind::Tag, message.to.tag).has_value();
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

  // False: it is dropped, or has been answered.
  [[nodiscard]] bool passes_signatures(Timestamp now, const MessageInput& input, EngineOutput& out);

  const SbcConfig& config;
  const SipEngineSettings settings;
  SharedPolicy& shared;
  SharedValue<Rulebook> book;  // of the day
  std::vector<RealmSipCounters> realm_counters;
  EngineCounters totals;
  DetectorGate detectors{{shared.detectors, totals, realm_counters, settings.token_key, settings.utc_at_zero},
                         book->config};
  bool is_media_ready = true;
  std::optional<PortWatch> port_watch;  // of one engine
  std::optional<PeerNames> peer_names;  // of the engine that owns the trunks
  NamedSources named_sources{config, shared.targets};
  NamedNumbers names = saved_names_of(config, settings.token_key);
  ServerTransactions servers;
  ClientTransactions clients;
  Responder responder;
  MessageRing ring;
  MessageTee* tee = nullptr;
  PeerCredentials credentials{config, settings.table_key};
  RegisteredContacts contacts{config, settings.token_key};
  // Saved calls belong to the node with this key.
  const std::uint64_t key_print = keyed_hash(settings.token_key, "saved calls");
  CallEngine call_engine;
  ExchangeEngine exchanges;
  std::optional<RegistrarEngine> registrar;  // where endpoints may register at all
  std::optional<TrunkEngine> trunk_engine;   // of the engine that owns the trunks
  InvitesElsewhere elsewhere;
  bool is_handed_over = false;  // the present message, by another engine
  std::uint64_t touched = 0;    // the call that the present input belongs to
  SignatureGate signatures{settings.table_key, totals};
  SipMessage message;  // the one under examination
};

}  // namespace sallyport::sip
