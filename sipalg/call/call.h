// call.h — what is known of one call: the caller's leg, the targets that are tried, and the dialogs that
// answered. Plain values that a snapshot can hold; call_engine.h moves them.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "policy/base/boxed.h"
#include "policy/base/time.h"
#include "policy/decide/call_admission.h"
#include "policy/model/index.h"
#include "policy/record/call_record.h"
#include "policy/route/target_board.h"
#include "sipalg/body/session_body.h"
#include "sipalg/call/call_doubt.h"
#include "sipalg/call/call_note.h"
#include "sipalg/call/costly_call.h"
#include "sipalg/call/digit_queue.h"
#include "sipalg/call/reliable_answers.h"
#include "sipalg/call/session_ids.h"
#include "sipalg/call/session_timer.h"
#include "sipalg/call/transfer.h"
#include "sipalg/dialog/dialog.h"
#include "sipalg/engine/rulebook.h"
#include "sipalg/hiding/leg_message.h"
#include "sipalg/media/media_session.h"
#include "sipalg/transaction/client_transactions.h"
#include "sipalg/transaction/server_transactions.h"

namespace sallyport::sip {

enum class Side : std::uint8_t { Caller, Callee };
[[nodiscard]] constexpr Side other(Side side) noexcept {
  return side == Side::Caller ? Side::Callee : Side::Caller;
}
[[nodiscard]] constexpr std::size_t index_of(Side side) noexcept { return static_cast<std::size_t>(side); }

enum class CallState : std::uint8_t {
  Trying,    // the caller has had no final answer
  Answered,  // the first 2xx came
  Ended,     // over for both; what remains is waiting for answers to BYE and CANCEL
};

// Bounds of one call; beyond them a message is answered or dropped as if the other side were not there.
inline constexpr std::size_t kForksMax = 8;
inline constexpr std::size_t kExchangesMax = 8;

// RFC 3261 §16.6 step 11: more than three minutes.
inline constexpr Duration kTimerC = std::chrono::seconds(181);

// Parts of tokens: forks toward the caller count from 1; toward callees the attempt's number with this bit.
inline constexpr std::uint16_t kCalleePart = 0x8000;

// A 2xx that we sent and whose ACK has not come: we send it again. RFC 3261 §13.3.1.4
struct AwaitedAck {
  std::uint32_t cseq = 0;      // of the INVITE on the side that owes the ACK
  std::uint32_t far_cseq = 0;  // of our INVITE on the other side, which waits for our ACK
  std::string response;
  Path path;
  bool owes_answer = false;  // the 2xx held an offer
  Duration interval{};
  Timestamp resend_at{}, give_up_at{};
  template <class Archive>
  void archive(Archive& a) {
    a(cseq, far_cseq, response, path, owes_answer, interval, resend_at, give_up_at);
  }
};

// The ACK that answers each repetition of a 2xx, for as long as one can come. RFC 3261 §13.2.2.4, §13.3.1.4
struct SentAck {
  std::uint32_t cseq = 0;
  std::string bytes;
  Path path;
  Timestamp forget_at{};
  template <class Archive>
  void archive(Archive& a) {
    a(cseq, bytes, path, forget_at);
  }
};

// One dialog with the callee's side and its twin with the caller's.
struct Fork {
  std::uint16_t number = 0;
  std::uint16_t attempt = 0;
  std::array<Dialog, 2> dialogs;              // by Side
  std::array<SdpIdentity, 2> sdp;             // as sent to each Side
  std::array<Boxed<AwaitedAck>, 2> awaited;   // by the Side that owes the ACK
  std::array<Boxed<SentAck>, 2> sent_ack;     // by the Side that it was sent to
  Boxed<ReliableAnswers> reliable;            // while it is early
  std::array<Boxed<SessionTimer>, 2> timers;  // by Side
  std::string preview;  // the SDP of its last 18x: the answer, if the 2xx has none. RFC 3261 §13.2.1
  // What answers this 2xx of that side once more; null: it was not acknowledged, or too long ago.
  [[nodiscard]] const SentAck* ack_of(Side side, std::uint32_t cseq) const noexcept {
    const Boxed<SentAck>& ack = sent_ack[index_of(side)];
    return ack && ack->cseq == cseq ? &*ack : nullptr;
  }
  template <class Archive>
  void archive(Archive& a) {
    a(number, attempt, dialogs, sdp, awaited, sent_ack, reliable, timers, preview);
  }
};

// One target that was, is or will be sent the INVITE.
struct Attempt {
  std::uint16_t number = 0;
  PeerIndex peer = PeerIndex::kNone;
  std::string host;                  // in Request-URI and To
  std::string contact;               // of an endpoint: the Request-URI; empty: by the number and `host`
  bool is_emergency_target = false;  // of emergency.to: the route's rules are not for it
  Dialog prototype;                  // what every dialog that it makes begins with
  std::uint64_t transaction = 0;     // number of the INVITE's client transaction
  SdpIdentity sdp;                   // of what was sent to it
  MediaSession media;                // empty once it is closed; of the one that answered, the call's
  std::array<std::string, 2>
      heard_sdp;  // by Side: its last description as it came, where a transfer may need it
  std::array<std::string, 2>
      sent_sdp;                    // by Side: what it was sent last and is in force, to refresh it by INVITE
  std::string offered_sdp;         // what was sent to either and waits for its answer
  bool has_offer = false;          // what was sent to it held SDP
  std::uint16_t fork_in_turn = 0;  // the early dialog whose the streams are; 0: none has agreed
  std::uint32_t session_seconds = 0, min_session_seconds = 0;  // Session-Expires and Min-SE of the INVITE
  std::uint8_t small_intervals = 0;                            // 422s to it
  bool has_provisional = false, is_cancelled = false, is_done = false;
  std::optional<Timestamp> setup_until;  // no 1xx by then: next target
  std::optional<Timestamp> timer_c;      // RFC 3261 §16.7, §16.8
  template <class Archive>
  void archive(Archive& a) {
    a(number, peer, host, contact, is_emergency_target, prototype, transaction, sdp, media, heard_sdp,
      sent_sdp, offered_sdp, has_offer, fork_in_turn, session_seconds, min_session_seconds, small_intervals,
      has_provisional, is_cancelled, is_done, setup_until, timer_c);
  }
};

// What a request of our own within a dialog is for: nobody on the other leg waits for its answer.
enum class Errand : std::uint8_t {
  None,      // the other leg's request
  Prack,     // RFC 3262: a reliable provisional response that the caller need not know of
  Refresh,   // RFC 4028
  Dtmf,      // INFO for a digit that came as telephone-event
  Notify,    // RFC 3515: how a transfer goes
  Transfer,  // re-INVITE that joins whoever remains with the new side
  Probe,     // OPTIONS to the known address of a side in whose name somebody speaks from elsewhere
  kCount
};

// A request within a dialog whose answer is awaited: passed on from the other leg, or our own.
struct Exchange {
  std::uint32_t id = 0;
  std::uint16_t fork = 0;
  Side from = Side::Caller;  // of an errand: the side that it does not go to
  Errand errand = Errand::None;
  std::uint32_t about = 0;  // what the errand is about, in its own words
  Method method = Method::Other;
  ServerTransactionId server = ServerTransactionId::kNone;
  std::uint64_t client = 0;
  std::uint32_t cseq = 0, far_cseq = 0;
  bool has_offer = false;
  std::optional<Timestamp> until;    // of an INVITE of ours: it is cancelled then. RFC 3261 §16.8
  bool is_update_by_invite = false;  // ours is an INVITE for the other side's UPDATE, which it does not take
  bool takes_final_only = false;     // of a re-INVITE that requires 100rel: its 1xx stay here
  SessionWish session;               // of the request
  Path path;                         // of the answers
  ResponseHead head;
  template <class Archive>
  void archive(Archive& a) {
    a(id, fork, from, errand, about, method, server, client, cseq, far_cseq, has_offer, until,
      is_update_by_invite, takes_final_only, session, path, head);
  }
};

// A final answer that waits until the record it depends on is on disk.
struct HeldAnswer {
  std::uint64_t sequence = 0;
  Timestamp until{};
  ServerTransactionId server = ServerTransactionId::kNone;
  std::uint16_t code = 200;
  std::string bytes;
  Path path;
  std::optional<AwaitedAck> awaited;  // of a 2xx to INVITE: begins when it leaves
  std::uint16_t fork = 0;
  template <class Archive>
  void archive(Archive& a) {
    a(sequence, until, server, code, bytes, path, awaited, fork);
  }
};

// The INVITE as it came, as far as later targets need it.
struct StoredInvite {
  std::string bytes;  // empty once no target can be tried any more
  ServerTransactionId server = ServerTransactionId::kNone;
  Path path;  // of the answers
  ResponseHead head;
  std::uint32_t cseq = 0;
  SessionWish session{};
  template <class Archive>
  void archive(Archive& a) {
    a(bytes, server, path, head, cseq, session);
  }
};

// A target as the route and the board named it, before it is tried.
struct NextTarget {
  PeerIndex peer = PeerIndex::kNone;
  std::uint16_t configured = 0;  // position in PeerConfig::targets
  Endpoint address;
  Transport transport = Transport::Udp;
  std::string host;  // for Request-URI and To
  bool is_emergency_target = false;
  // One binding of an endpoint, which says all but the peer; 0 where that stands for a registrar: every
  // binding of whoever is called.
  std::uint64_t binding = 0;
  template <class Archive>
  void archive(Archive& a) {
    a(peer, configured, address, transport, host, is_emergency_target, binding);
  }
};

// One more call that a target of the board has, for as long as it lives: `balance: least_calls`.
class CallAtTarget {
 public:
  CallAtTarget() noexcept = default;
  explicit CallAtTarget(SharedValue<policy::BoardTarget> target) noexcept : target_(std::move(target)) {
    if (target_) target_->calls.fetch_add(1, std::memory_order_relaxed);
  }
  CallAtTarget(CallAtTarget&& other) noexcept : target_(std::exchange(other.target_, nullptr)) {}
  CallAtTarget& operator=(CallAtTarget&& other) noexcept {
    target_.swap(other.target_);
    return *this;
  }
  ~CallAtTarget() {
    if (target_) target_->calls.fetch_sub(1, std::memory_order_relaxed);
  }

 private:
  SharedValue<policy::BoardTarget> target_;
};

// What the relay last told of one stream; it tells again after a restart.
struct StreamFigures {
  struct Side {
    std::uint64_t packets = 0, bytes = 0, rtcp_packets = 0, lost = 0, after_close_packets = 0;
    std::uint32_t jitter_us = 0, round_trip_us = 0;
    std::uint16_t mos_times_100 = 0;
    bool is_silent = false;
  };
  std::uint16_t stream = 0;
  bool is_final = false;      // it was closed before the call ended
  std::array<Side, 2> sides;  // by Side: what it sent
};

struct Call {
  SharedValue<Rulebook> book;  // that it began with, never null; after a restart that of the day
  std::uint64_t number = 0;
  std::uint8_t shard = 0;
  CallState state = CallState::Trying;
  bool is_emergency = false;
  bool is_sips = false;       // asked for by a SIPS URI: every leg is TLS. RFC 3261 §26.2.2, RFC 5630
  bool was_recorded = false;  // its end record has left
  std::uint8_t redirects = 0;
  std::uint16_t route = 0xffff;
  std::uint16_t reject_code = 0;  // when all targets failed
  PeerIndex caller_peer = PeerIndex::kNone;
  Dialog caller;  // what every dialog with the caller begins with
  StoredInvite invite;
  std::string redirected_to;        // user of a 3xx that is followed, as it came; empty: none
  std::vector<NextTarget> targets;  // not yet tried, in order
  std::uint16_t attempts_made = 0, forks_made = 0;
  std::uint32_t exchanges_made = 0;
  std::vector<Attempt> attempts;  // the last one is the present one
  std::vector<Fork> forks;
  std::vector<Exchange> exchanges;
  std::vector<HeldAnswer> held;
  std::uint16_t streams_made = 0;
  std::uint16_t finals_due = 0;  // streams that were closed and whose last figures are still to come
  bool is_silent_emergency = false;
  std::vector<StreamFigures> figures;
  std::uint16_t open_byes = 0;
  std::uint16_t answered_fork = 0;
  std::uint16_t best_code = 0;  // of the failures so far
  std::optional<Timestamp> ring_until, early_media_until, call_until;
  SessionIds session_ids;
  // Of calls that a dialog here came from: its tokens go on naming them. RFC 3891
  std::vector<std::uint64_t> former_numbers;
  Boxed<Transfer> transfer;
  Boxed<DigitQueue> digits;
  std::array<Boxed<Suspicion>, 2> suspicions;  // by Side; not in a snapshot
  std::uint32_t dialogs_counted = 0;           // in the engine's total
  policy::AdmissionTicket ticket_in, ticket_out;
  CallAtTarget at_target;
  std::uint64_t account = 0;         // of the caller, as detectors name it
  std::string dialled;               // as they were asked about it; until it is answered
  std::array<CostlyCall, 2> costly;  // by Side: the leg to it
  CallRecord record;
  std::vector<CallNote> notes;

  template <class Archive>
  void archive(Archive& a) {
    auto route_named = static_cast<RouteIndex>(route);
    a(route_named);
    route = static_cast<std::uint16_t>(route_named);
    a(number, shard, state, is_emergency, is_sips, was_recorded, redirects, reject_code, caller_peer, caller,
      invite, redirected_to, targets, attempts_made, forks_made, exchanges_made, attempts, forks, exchanges,
      held, streams_made, open_byes, answered_fork, best_code, ring_until, early_media_until, call_until,
      session_ids, former_numbers, transfer, digits, account, dialled, costly);
    archive_ticket(a, ticket_in);
    archive_ticket(a, ticket_out);
    archive_record(a);
    a(notes);
  }

 private:
  template <class Archive>
  static void archive_ticket(Archive& a, policy::AdmissionTicket& ticket) {
    a(ticket.peer, ticket.realm, ticket.direction, ticket.is_held);
  }
  template <class Archive>
  void archive_record(Archive& a) {
    CallRecord& r = record;
    a(r.call, r.peer_in, r.peer_out, r.from, r.to, r.called_in, r.called_out, r.route, r.start, r.ring,
      r.answer, r.end, r.media_end, r.result, r.sip_code, r.q850, r.ended_by, r.end_reason, r.detections,
      r.emergency, r.tried, r.legs, r.transfers);
  }
};

}  // namespace sallyport::sip
