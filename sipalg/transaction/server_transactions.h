// server_transactions.h — all server transactions of one engine: RFC 3261 §17.2, §8.2.2.2, §9.2; RFC 6026.
//
// Each keeps the last response that its user gave it and sends it again when the request comes again. The
// capacity is fixed; a full table answers new requests 503 (INVITE) or without state, and what is there
// lives on. Memory is at most capacity * (400 bytes + the response); what is free keeps at most 2 KB a slot.
// Requests that were answered at once have half of the capacity at most, and no INVITE is one of them
// while so many that were refused wait for their ACK as a sixteenth of it, those of calls that are over among
// them: whoever floods in the name of a peer sends none, and for each of them the peer would hear the same
// answer ten times (threats R4, R5).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "policy/base/time.h"
#include "sipalg/engine/engine_output.h"
#include "sipalg/message/sip_message.h"
#include "sipalg/transaction/client_transactions.h"
#include "sipalg/transaction/timer_settings.h"
#include "sipalg/transaction/transaction_key.h"

namespace sallyport::sip {

// Names one transaction for as long as it lives, and nothing afterwards. 0: none.
enum class ServerTransactionId : std::uint64_t { kNone = 0 };

// One that is refused at once has less of the table than what anybody waits for.
enum class RoomFor : std::uint8_t { Anything, RefusedInvite };

struct NewServerTransaction {
  TransactionKey key;
  TransactionKind kind = TransactionKind::NonInvite;
  TransactionUser user;
  Path path;  // of the responses: remote is where they go (RFC 3261 §18.2.2)
  TimerSettings timers;
  Reliability reliability = Reliability::Unreliable;  // of a path that is no stream
};

// What a request is to the transactions that are there.
struct RequestMatch {
  enum class Fate : std::uint8_t {
    New,
    Absorbed,  // a retransmission; the kept response, if any, was sent again
    Merged,    // same From tag, Call-ID and CSeq by another way: answer 482 (RFC 3261 §8.2.2.2)
  };
  Fate fate = Fate::New;
  TransactionUser user;
};

struct RestOfSlots;  // transaction_slots.h

// The INVITE that a CANCEL means.
struct Cancelled {
  ServerTransactionId id = ServerTransactionId::kNone;
  TransactionUser user;
  bool is_answered = false;  // a final response was sent: CANCEL has no effect (RFC 3261 §9.2)
  // It shows the branch of the INVITE but does not repeat it, or names it and comes from elsewhere; id is
  // kNone.
  bool is_forged = false;
};

class ServerTransactions {
 public:
  // `key`: the node's, for all its life. `boot`: random at each start: an id that a call of the last run
  // still holds names none of this run's transactions.
  // `names` of realms outlive it; without them realms must keep their places through a restart.
  ServerTransactions(std::uint32_t capacity, const HashKey& key, std::uint64_t boot,
                     const NamedNumbers* names = nullptr);
  ~ServerTransactions();

  // For every request but ACK and CANCEL of an INVITE; `request` was parsed without error. Merged is only
  // found for requests without a To tag.
  [[nodiscard]] RequestMatch on_request(const TransactionKey& key, const SipMessage& request, Timestamp now,
                                        EngineOutput& out);
  // Makes one for a request that was New. kNone: the table is full.
  [[nodiscard]] ServerTransactionId start(const NewServerTransaction& transaction, const SipMessage& request,
                                          Timestamp now);

  // An ACK: true when it belongs to a failure response of a transaction here (and is done with it). False:
  // look for a dialog (ACK of a 2xx). Realm and source must be those of the INVITE.
  bool on_ack(const SipMessage& ack, RealmIndex realm, const IpAddress& source, Timestamp now);
  // The INVITE that a CANCEL means: branch, sent-by, Call-ID, From tag, CSeq number and Request-URI are the
  // same and it came from the same source (threats D2).
  [[nodiscard]] std::optional<Cancelled> find_cancelled(const SipMessage& cancel, RealmIndex realm,
                                                        const IpAddress& source) const noexcept;

  // Sends a response of the user, keeps it, runs timers G, H, I, L or J. A 2xx to an INVITE is kept and sent
  // again when the INVITE comes again; its own retransmission until the ACK is the user's (RFC 6026 §7.1,
  // RFC 3261 §13.3.1.4). False when that transaction is gone or has had its final response already.
  bool respond(ServerTransactionId id, unsigned code, std::string_view response, Timestamp now,
               EngineOutput& out);
  // The same when `response` lies in `out` already as its last message.
  bool keep(ServerTransactionId id, unsigned code, std::string_view response, Timestamp now);
  // Nobody is told of this one any more; one without a final response is forgotten 64*T1 later.
  void disown(ServerTransactionId id) noexcept;
  // All of that call, which is not 0.
  void disown_call(std::uint64_t call);
  void on_unreachable(const Path& path) noexcept;

  // Due retransmissions go to `out`. An event says that an INVITE's failure was never acknowledged
  // (Timeout, timer H) or that the path is dead; most users do nothing then.
  [[nodiscard]] std::optional<TransactionEvent> next_event(Timestamp now, EngineOutput& out);
  [[nodiscard]] std::optional<Timestamp> next_deadline() const noexcept;
  [[nodiscard]] std::uint32_t size() const noexcept;
  [[nodiscard]] bool has_room(RoomFor what = RoomFor::Anything) const noexcept;

  // Writes what belongs to that call; 0: all that belongs to none. Read into a table with the same key (of
  // any capacity), it goes on as if nothing had been, under the same ids. False: the bytes are wrong or the
  // table is full; nothing of them stays.
  void save(std::uint64_t call, ArchiveWriter& writer) const;
  [[nodiscard]] bool restore(ArchiveReader& reader);

 private:
  friend void save_rest(const ServerTransactions& transactions, const RestOfSlots& rest);
  friend void forget_response(ServerTransactions& transactions, ServerTransactionId id) noexcept;
  struct State;
  std::unique_ptr<State> state_;
};

// Every entry that belongs to no saved call, each as bytes of its own that restore() reads.
void save_rest(const ServerTransactions& transactions, const RestOfSlots& rest);
// Its response has arrived, as the ACK of a 2xx says: what comes again is absorbed without one. RFC 6026
// §7.1
void forget_response(ServerTransactions& transactions, ServerTransactionId id) noexcept;

}  // namespace sallyport::sip
