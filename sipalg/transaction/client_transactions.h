// client_transactions.h — all client transactions of one engine: RFC 3261 §17.1, §9.1, §18.4; RFC 6026.
//
// A transaction has a number that is never used twice; the branch of its request carries the number as a
// token, so a response is found without a hash of foreign text. The request is kept for retransmission, and
// for the ACK of a failure and the CANCEL, which repeat parts of it (§17.1.1.3, §9.1). The capacity is fixed;
// memory is at most capacity * (400 bytes + the request); what is free keeps at most 2 KB a slot.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "policy/base/archive.h"
#include "policy/base/time.h"
#include "sipalg/engine/engine_output.h"
#include "sipalg/message/sip_message.h"
#include "sipalg/transaction/timer_settings.h"

namespace sallyport::sip {

enum class TransactionKind : std::uint8_t { Invite, NonInvite };

// Transactions of purposes from here on belong to the process, not to a call: they are never saved.
inline constexpr std::uint32_t kUnsavedPurpose = 0x100;

// Whom a transaction tells. What the members mean is its user's business; call 0: nobody.
struct TransactionUser {
  std::uint64_t call = 0;
  std::uint32_t part = 0;
  std::uint32_t purpose = 0;
  std::uint8_t shard = 0;  // where messages of the transaction come to
  template <class Archive>
  void archive(Archive& a) {
    a(call, part, purpose, shard);
  }
};

struct NewClientTransaction {
  std::uint64_t number = 0;
  TransactionKind kind = TransactionKind::NonInvite;
  TransactionUser user;
  Path path;
  std::string_view request;  // copied
  TimerSettings timers;
  Reliability reliability = Reliability::Unreliable;  // of a path that is no stream
  // Of the request; cseq 0: they are read from it.
  Method method = Method::Other;
  std::uint32_t cseq = 0;
  // Of a request that goes by a stream for its size alone: the way over UDP, tried once when the stream can't
  // be had, and what its Via then begins with ("SIP/2.0/UDP 198.18.1.1:5060"). RFC 3261 §18.1.1
  std::optional<Path> second_way{};
  std::string_view second_via{};
  std::uint8_t challenges_met = 0;  // by the requests that this one repeats. RFC 3261 §22.1
};

// A request that met a challenge, as it was sent.
struct RepeatableRequest {
  NewClientTransaction terms;  // without the request
  std::string request;
};

// What became of a transaction without a response of its own.
enum class TransactionEnd : std::uint8_t {
  Timeout,         // timer B or F; or 64*T1 after a CANCEL, RFC 3261 §9.1
  TransportError,  // RFC 3261 §17.1.4, §18.4
};
struct TransactionEvent {
  std::uint64_t number = 0;
  TransactionKind kind = TransactionKind::NonInvite;
  TransactionEnd end = TransactionEnd::Timeout;
  TransactionUser user;
  Path path;
};

enum class ResponseFate : std::uint8_t {
  Deliver,    // the user must look at it
  Absorbed,   // a retransmission, a response to CANCEL, or what else needs nobody
  Unmatched,  // belongs to no transaction
  Forged,     // names one, but came from where its request did not go (threats D4)
};
struct ResponseMatch {
  ResponseFate fate = ResponseFate::Unmatched;
  TransactionKind kind = TransactionKind::NonInvite;
  TransactionUser user;
  PeerIndex peer = PeerIndex::kNone;  // of the request's path
};

struct RestOfSlots;  // transaction_slots.h

class ClientTransactions {
 public:
  explicit ClientTransactions(std::uint32_t capacity);
  ~ClientTransactions();

  // The request was just put into `out` by the caller (it knows the call and its place); this keeps it and
  // starts timers A and B, or E and F. False when the table is full: then nothing is kept, and it must not be
  // sent at all, so ask has_room() first.
  bool start(const NewClientTransaction& transaction, Timestamp now);
  [[nodiscard]] bool has_room() const noexcept;

  // `number` is the one in the token of the top Via's branch. Checks CSeq method and number, and that
  // `arrived` has the ends of the request's path; only the port it came from may be another, because many
  // send from one that they do not listen on. On a stream it is the connection that the request took, or
  // another one from the same address and, over TLS, of the same peer (RFC 3261 §18.2.2). Sends the ACK for
  // 300-699 to an INVITE, again for each retransmission. Every 2xx to an INVITE is delivered (RFC 6026 §7.2),
  // also to a transaction that was cancelled.
  [[nodiscard]] ResponseMatch on_response(std::uint64_t number, const SipMessage& response,
                                          const Path& arrived, Timestamp now, EngineOutput& out);

  // What is needed to send the request of that transaction once more; to be asked before its final response
  // is handed in. Nothing when nobody waits for it any more.
  [[nodiscard]] std::optional<RepeatableRequest> repeatable(std::uint64_t number) const;
  // As if it had never been: for what is not an INVITE, and whose answer has lost its meaning.
  void forget(std::uint64_t number) noexcept;

  // CANCEL of an INVITE (RFC 3261 §9.1): at once when a provisional response has come, else when one comes;
  // without effect after a final response. 64*T1 later without a final response the transaction ends with
  // Timeout.
  void cancel(std::uint64_t number, Timestamp now, EngineOutput& out);
  // Nobody is told of this one any more; retransmissions, ACK and CANCEL go on. An INVITE without a final
  // response that was not cancelled yet is cancelled at the next next_event(): else it would stay for ever.
  void disown(std::uint64_t number) noexcept;
  // All of that call, which is not 0.
  void disown_call(std::uint64_t call);
  // Its user means something else by it from now on; the call stays.
  void retag(std::uint64_t number, std::uint32_t part, std::uint32_t purpose) noexcept;
  // The rim heard from the network that `path.remote` can't be reached (ICMP), or had no connection to send
  // over. Ends every transaction that has had no response and runs over that path; they come out of
  // next_event(). Those that have had a 1xx live on, INVITE or not: what fails is the sending of a request
  // (RFC 3261 §17.1.4, §18.4), theirs has arrived, and its answer may come over a new connection (§18.2.2).
  void on_unreachable(const Path& path) noexcept;

  // Fires what is due: retransmissions go to `out`, and each transaction that ended comes back once. Call
  // until nothing comes; bounded work each time.
  [[nodiscard]] std::optional<TransactionEvent> next_event(Timestamp now, EngineOutput& out);
  [[nodiscard]] std::optional<Timestamp> next_deadline() const noexcept;
  [[nodiscard]] std::uint32_t size() const noexcept;

  // Writes what belongs to that call; 0: all that belongs to none. Read into a table (of any capacity), it
  // goes on as if nothing had been. False: the bytes are wrong or the table is full; nothing of them stays.
  void save(std::uint64_t call, ArchiveWriter& writer) const;
  [[nodiscard]] bool restore(ArchiveReader& reader);

 private:
  friend void save_rest(const ClientTransactions& transactions, const RestOfSlots& rest);
  struct State;
  std::unique_ptr<State> state_;
};

// Every entry that belongs to no saved call, each as bytes of its own that restore() reads.
void save_rest(const ClientTransactions& transactions, const RestOfSlots& rest);

}  // namespace sallyport::sip
