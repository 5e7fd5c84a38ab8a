// registrar_engine.h — where endpoints register: RFC 3261 §10.3; RFC 3327 (Path), RFC 3608 (Service-Route),
// RFC 5626 (outbound), RFC 7616 and RFC 8760 (digest).
//
// Each engine of a node has one, for the AORs of its shards. Two modes (RegistrarMode):
//   pass_through  a REGISTER that is new, moves or ends a binding goes to the upstream with our own Contact
//   (a
//                 token) and the endpoint's credentials; its challenge comes back to the endpoint. What only
//                 refreshes a binding from the same flow is answered here until half of its time inside is
//                 over.
//   local         digest against the users of the configuration, and the bindings are kept here alone.
// Towards the endpoint a binding lasts `refresh.outside`, inside `refresh.inside`. Endpoints are pinged over
// their flow every `keepalive`. What is bounded: bindings of an AOR, AORs of the node, REGISTERs on the way
// upstream (all, and of one source), the rate of those of strangers. More: 503 with Retry-After.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/base/named_numbers.h"
#include "policy/base/shared_value.h"
#include "sipalg/call/call_engine.h"
#include "sipalg/engine/arrival.h"
#include "sipalg/engine/detector_gate.h"
#include "sipalg/engine/engine_counters.h"
#include "sipalg/engine/engine_output.h"
#include "sipalg/engine/places.h"
#include "sipalg/engine/responder.h"
#include "sipalg/engine/rulebook.h"
#include "sipalg/registrar/binding_board.h"
#include "sipalg/registrar/registration_view.h"

namespace sallyport::sip {

// Purpose of its transactions.
inline constexpr std::uint32_t kBindingPurpose = kUnsavedPurpose + 2;
[[nodiscard]] constexpr bool is_of_registrar(const TransactionUser& user) noexcept {
  return user.purpose == kBindingPurpose;
}

// All of it outlives the engine.
struct RegistrarParts {
  const SbcConfig& config;
  const SipEngineSettings& settings;
  SharedPolicy& shared;
  BindingBoard& board;
  ServerTransactions& servers;
  ClientTransactions& clients;
  Responder& responder;
  std::vector<RealmSipCounters>& counters;
  CallEngine& numbers;  // where numbers of transactions and bindings come from
  DetectorGate& detectors;
  // Of realms and peers, as what is saved has them, always those of the day; null: they keep their places.
  const NamedNumbers* names = nullptr;
  // What saved bytes begin with, before SavedKind::Binding.
  std::uint64_t key_print = 0;
};

class RegistrarEngine {
 public:
  explicit RegistrarEngine(const RegistrarParts& parts, SharedValue<Rulebook> rules);
  ~RegistrarEngine();

  // Is there a registrar for endpoints of that realm?
  [[nodiscard]] bool serves(RealmIndex realm) const noexcept;
  // A REGISTER, a new transaction, past refusal_of(); from a stranger, an endpoint or anybody else in a realm
  // that it serves. Answers at once, or later.
  void on_register(const Arrival& arrival, EngineOutput& out);
  // A response to one of its requests, matched to transaction `number`.
  void on_response(const TransactionUser& user, std::uint64_t number, const SipMessage& response,
                   Timestamp now, EngineOutput& out);
  void on_transaction_end(const TransactionEvent& event, Timestamp now, EngineOutput& out);
  // The flow is dead (ICMP, or the connection broke with something unsent): its bindings end here at once,
  // and inside with expires 0.
  void on_unreachable(Timestamp now, const Path& path, EngineOutput& out);
  // Due keep-alives, expiries, refreshes inside; a bounded number of each.
  void on_deadline(Timestamp now, EngineOutput& out);
  [[nodiscard]] std::optional<Timestamp> next_deadline() const noexcept;
  // Registrars keep their places through a reload; users and profiles may be others.
  void adopt(SharedValue<Rulebook> next);

  // Every binding as bytes with its shard, for a snapshot; BindingEvent keeps the same bytes on disk: the
  // key's print and SavedKind::Binding, which the caller of restore() has read, then the binding.
  void save(Timestamp now, const std::function<void(std::uint8_t shard, std::string&& bytes)>& keep) const;
  // False: damaged, of another configuration, expired inside, or no room. Towards the endpoint it lasts a
  // whole `refresh.outside` more; its connection is gone. A newer one of the same number stays.
  [[nodiscard]] bool restore(ArchiveReader& archive, Timestamp now);
  // From the first AOR behind `after`, at most `limit`.
  [[nodiscard]] std::vector<EndpointView> view(std::string_view after, std::size_t limit) const;
  [[nodiscard]] std::uint32_t size() const noexcept;  // bindings

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace sallyport::sip
