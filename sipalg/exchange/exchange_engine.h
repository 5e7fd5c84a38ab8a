// exchange_engine.h — what is neither a call nor a registration: MESSAGE (RFC 3428), PUBLISH (RFC 3903),
// SUBSCRIBE and NOTIFY with the dialogs that they make (RFC 6665), each taken apart and built anew on the
// other side.
//
// A request outside a dialog is judged as an INVITE is: rules of its source, routes, header rules, event
// packages of both profiles (`profiles.events`; else 489), then the first target that takes it. Nothing of
// strangers comes here (threats I11). A NOTIFY outside a subscription (message waiting from old PBXs) is
// passed on like a MESSAGE where the route says so. Capacities are fixed; full: 503.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "policy/base/shared_value.h"
#include "sipalg/call/call_engine.h"
#include "sipalg/engine/arrival.h"
#include "sipalg/engine/engine_counters.h"
#include "sipalg/engine/engine_output.h"
#include "sipalg/engine/places.h"
#include "sipalg/engine/responder.h"
#include "sipalg/engine/rulebook.h"
#include "sipalg/registrar/binding_board.h"

namespace sallyport::sip {

// Purposes of its transactions.
inline constexpr std::uint32_t kExchangePurpose = kUnsavedPurpose + 3;
[[nodiscard]] constexpr bool is_of_exchanges(const TransactionUser& user) noexcept {
  return user.purpose == kExchangePurpose;
}

// Parts of the tokens (tags, Contacts, Call-IDs) of subscriptions, by the side that they are shown to:
// whoever subscribed, and whoever notifies.
inline constexpr std::uint16_t kSubscriberPart = 0x7ffd, kNotifierPart = 0x7ffc;

// All of it outlives the engine.
struct ExchangeParts {
  const SbcConfig& config;
  const SipEngineSettings& settings;
  SharedPolicy& shared;
  const BindingBoard& board;
  ServerTransactions& servers;
  ClientTransactions& clients;
  Responder& responder;
  std::vector<RealmSipCounters>& counters;
  CallEngine& numbers;  // where numbers come from
  DetectorGate& detectors;
  // What stands before everything that is saved: the print of the node's key and the kind; realms and peers
  // by these names.
  const NamedNumbers* names = nullptr;
  std::uint64_t key_print = 0;
};

class ExchangeEngine {
 public:
  ExchangeEngine(const ExchangeParts& parts, SharedValue<Rulebook> rules);
  ~ExchangeEngine();

  [[nodiscard]] static bool takes(Method method) noexcept;
  // Without a To tag; a new transaction, past refusal_of().
  void on_request(const Arrival& arrival, EngineOutput& out);
  // Within a dialog whose To tag is a token of kSubscriberPart or kNotifierPart; a new transaction. It
  // answers whatever it is: 481 when there is no such subscription, or when it came from elsewhere.
  void on_request_in_dialog(const Arrival& arrival, EngineOutput& out);
  // A response to one of its requests, matched to transaction `number`.
  void on_response(const TransactionUser& user, std::uint64_t number, const SipMessage& response,
                   Timestamp now, EngineOutput& out);
  void on_transaction_end(const TransactionEvent& event, Timestamp now, EngineOutput& out);
  // One of its requests met a challenge and is sent once more as transaction `again`, with credentials: its
  // new CSeq number. Nothing: nobody waits for it any more. RFC 3261 §22.1
  [[nodiscard]] std::optional<std::uint32_t> take_repeat(const RepeatableRequest& met, std::uint64_t number,
                                                         std::uint64_t again);
  void on_deadline(Timestamp now, EngineOutput& out);
  [[nodiscard]] std::optional<Timestamp> next_deadline() const noexcept;
  // What is there keeps the rulebook that it began with.
  void adopt(SharedValue<Rulebook> next);
  void drain() noexcept;

  // Every subscription as bytes with its shard.
  void save(Timestamp now, const std::function<void(std::uint8_t shard, std::string&& bytes)>& keep) const;
  [[nodiscard]] bool restore(ArchiveReader& archive, Timestamp now);
  [[nodiscard]] std::uint32_t subscriptions() const noexcept;
  // Sets the place of each peer that a subscription is of.
  void mark_peers(std::vector<bool>& places) const;
  // Of subscriptions.
  void add_paths(std::vector<Path>& paths) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sallyport::sip
