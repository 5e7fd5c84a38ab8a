// trunk_engine.h — Sallyport as a client of its peers: is each of their targets up, and are we registered
// where we should be? RFC 3261 §10.2, §11.1; RFC 6140 §5.2; RFC 3263 §4.3.
//
// One engine of a node has it. It writes up and down to the TargetBoard that all engines read, and hears from
// there of calls that failed elsewhere. Every Call-ID is a token of shard 0, so the answers come back to this
// engine. What it knows dies with the process: targets are up until they fail, and registrations are made
// anew under the same Call-ID and Contact.
//
// A reload (trunk_reload.cpp) leaves alone what it does not change. A registration that is not wanted any
// more is taken back where it was made, one for each place of a peer at a time; a new one waits for that.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "policy/base/shared_value.h"
#include "policy/base/timer_wheel.h"
#include "sipalg/auth/peer_credentials.h"
#include "sipalg/call/call_engine.h"
#include "sipalg/engine/engine_output.h"
#include "sipalg/engine/rulebook.h"
#include "sipalg/trunk/registered_contact.h"
#include "sipalg/trunk/registration_machine.h"
#include "sipalg/trunk/target_health.h"
#include "sipalg/trunk/trunk_view.h"

namespace sallyport::sip {

// Purposes of its transactions; part is the peer's place, or behind all places for what is taken back.
inline constexpr std::uint32_t kPingPurpose = kUnsavedPurpose;
inline constexpr std::uint32_t kRegisterPurpose = kUnsavedPurpose + 1;
[[nodiscard]] constexpr bool is_of_trunks(const TransactionUser& user) noexcept {
  return user.purpose == kPingPurpose || user.purpose == kRegisterPurpose;
}

// All of it outlives the engine.
struct TrunkParts {
  const SbcConfig& config;
  const SipEngineSettings& settings;
  SharedPolicy& shared;
  ClientTransactions& clients;
  std::vector<RealmSipCounters>& counters;
  PeerCredentials& credentials;
  CallEngine& numbers;  // where numbers of transactions come from
};

class TrunkEngine {
 public:
  explicit TrunkEngine(const TrunkParts& parts);
  ~TrunkEngine();

  // The rulebook of the day is another; the board, names and credentials follow it already.
  void adopt(SharedValue<Rulebook> next, Timestamp now, EngineOutput& out);
  // Due at once after it was made. Sends a bounded number of requests.
  void on_deadline(Timestamp now, EngineOutput& out);
  [[nodiscard]] std::optional<Timestamp> next_deadline() const noexcept;
  // A response to one of its requests, matched to transaction `number`.
  void on_response(const TransactionUser& user, std::uint64_t number, const SipMessage& response,
                   Timestamp now, EngineOutput& out);
  void on_transaction_end(const TransactionEvent& event, Timestamp now, EngineOutput& out);
  // The request of transaction `number` is sent once more as `again`, with credentials: its new CSeq number.
  // Nothing: it is not waited for any more.
  [[nodiscard]] std::optional<std::uint32_t> take_repeat(const RepeatableRequest& request,
                                                         std::uint64_t number, std::uint64_t again);
  // Those that such a request goes by, when they are not its peer's of the day; null: they are.
  [[nodiscard]] PeerCredentials* own_credentials(const TransactionUser& user) noexcept;
  // Takes the registrations back. RFC 3261 §10.2.2
  void drain() noexcept;
  [[nodiscard]] std::vector<TrunkView> view(Timestamp now) const;
  // Those whose registration is being taken back, by number: their place is nobody else's yet.
  void mark_leaving(std::vector<bool>& peers) const;

 private:
  struct Watch;
  struct Registration;
  struct Trunk;
  struct Turn {
    Timestamp now;
    EngineOutput& out;
  };
  struct OwnRequestParts {
    RequestParts parts;
    std::uint32_t purpose;
  };

  void start(Timestamp now);
  [[nodiscard]] const PeerSide* side_to_watch(std::uint32_t place) const noexcept;
  void begin(std::uint32_t place, const PeerSide& side, Timestamp now);
  void watch_board(Timestamp now);
  void adopt_place(std::uint32_t place, Turn turn);
  void go_on(Trunk& trunk, const PeerSide& side, Turn turn);
  void adopt_health(Trunk& trunk, const HealthConfig& before, Timestamp now);
  void adopt_registration(Trunk& trunk, const SharedValue<Rulebook>& old_rules, Timestamp now);
  void dismiss(std::uint32_t place, Turn turn);
  void take_back(PeerIndex peer, const SharedValue<Rulebook>& rules, Registration&& registration,
                 Timestamp now);
  void end_probes(Trunk& trunk);
  [[nodiscard]] bool must_wait(const Trunk& trunk) const noexcept;
  [[nodiscard]] Timestamp first_probe(const Trunk& trunk, Timestamp now) noexcept;
  void look_at_board(Turn turn);
  void look_at_targets(Trunk& trunk, Timestamp now);
  void look_at_failures(Trunk& trunk, Timestamp now);
  void work(Trunk& trunk, Turn turn);
  void arm(const Trunk& trunk);
  void settle(Trunk& trunk, Timestamp now);  // what everything that was done for a trunk ends with
  void probe(Trunk& trunk, Watch& watch, Turn turn);
  void on_probe_result(Trunk& trunk, Watch& watch, std::uint16_t code, Turn turn);
  void on_change(Trunk& trunk, Watch& watch, Turn turn);
  void make_registration(Trunk& trunk, Timestamp now);
  void ask(Trunk& trunk, bool is_new_round, Turn turn);
  void ask_to_forget(Trunk& trunk, Turn turn);
  [[nodiscard]] static bool waits_for_way(Trunk& trunk, Timestamp now) noexcept;
  [[nodiscard]] bool send_register(Trunk& trunk, Turn turn);
  void take_register_response(Trunk& trunk, std::uint64_t number, const SipMessage& response, Turn turn);
  [[nodiscard]] RegistrationView view_of(const Trunk& trunk, Timestamp now) const;
  void on_register_result(Trunk& trunk, const RegisterResult& result, Turn turn);
  // The number of its transaction; 0: there was no room, or no listener that fits.
  [[nodiscard]] std::uint64_t send(const Trunk& trunk, const policy::BoardTarget& target,
                                   OwnRequestParts request, Turn turn);
  void tell_alarms(Trunk& trunk, Turn turn);
  [[nodiscard]] std::uint64_t chance() noexcept;
  [[nodiscard]] std::uint32_t next_cseq(std::uint32_t last, Timestamp now) const noexcept;
  [[nodiscard]] Trunk* trunk_of(const TransactionUser& user) noexcept;

  TrunkParts parts_;
  SharedValue<Rulebook> rules_;                 // of the day
  const std::uint32_t places_;                  // of peers
  std::vector<std::unique_ptr<Trunk>> trunks_;  // by slot: peers, then what is taken back; null: nothing
  TimerWheel wheel_;                            // by slot, and one behind them for the look at the board
  std::uint64_t chances_ = 0;
  bool has_started_ = false, is_leaving_ = false;
  std::uint64_t board_version_ = 0;                           // that was looked at last
  std::string ruri_, from_, to_, contact_, call_id_, lines_;  // of the request that is being built
};

// The lifetime that a 2xx to our REGISTER grants, in seconds. `user`: of our Contact; empty: in bulk.
// RFC 3261 §10.2.4
[[nodiscard]] std::uint32_t granted_seconds(const SipMessage& response, std::string_view user,
                                            std::uint32_t asked) noexcept;

}  // namespace sallyport::sip
