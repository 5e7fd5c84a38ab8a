// call_doubt.h — the judge of requests that have all the names of a dialog and come from elsewhere than it:
// threats D1, D3 and section 6. What is kept of a doubt, and the rules, as pure functions; call_judge.cpp
// carries them out.
//
// Who may act within a dialog (Standing; the first row that fits):
//   the request comes                                        methods  what becomes of it
//   from another realm                                       all      refused
//   by TLS that proves the dialog's configured peer          all      takes effect at once
//   by TLS that proves nobody or another one, where the      all      refused
//   dialog's peer was proved
//   by a way less secure than the dialog's (TLS, TCP, UDP),  all      refused
//   but UDP for TCP from the same address
//   from the dialog's address, whatever port (NAT)           all      takes effect at once
//   from any source of the dialog's configured peer          all      takes effect at once (sibling host)
//   from another peer, or an endpoint of another registrar   all      refused
//   without the token of our Contact                         all      refused
//   with a CSeq that is not above the last                   all      refused
//   of a callee that has not accepted the call               all      refused: it ends or changes nothing
//   for a call that is over, or too large to be kept         all      refused
//   from elsewhere                                           others   refused (ACK, CANCEL, PRACK: strict)
//   over the flow where the dialog's endpoint is registered  judged   takes effect at once
//   now, and not at the dialog's address any more (or there
//   as the same +sip.instance: two phones may share a user)
//   with credentials of that endpoint's own user, asked for  asked    takes effect at once
//   by 401, four times at most (local registrar)
//   from elsewhere                                           judged   doubt, see judge()
// What takes effect moves the dialog: what we have to say goes there from then on.
// "judged": BYE, INVITE, UPDATE, REFER, INFO, NOTIFY, MESSAGE; "asked": the first four of them. Refused here
// is always without a word: a forger learns nothing, not even that the names are right. Only a local
// registrar's endpoint is asked for credentials; its BYE is judged all the same, as many phones do not answer
// that. Dialogs of subscriptions (exchange_dialog.cpp) know no doubt: an address that changed is a new
// SUBSCRIBE there.
//
// A doubt (judge()) lasts 800 ms. The request is held, an OPTIONS goes to the known address every 210 ms, and
// the relay tells what that side sends meanwhile:
//   OPTIONS at the known address             media of that side         early, emergency   else
//   any final answer but those below         whatever                   forged             forged
//   481                                      whatever                   takes effect       takes effect
//   none, or 404, 408, 410, 480 of a proxy   two packets or more        forged             forged
//   none, or ...                             none                       kept               takes effect
//   none, or ...                             not expected (on hold)     kept               takes effect
//   none, or ...                             the relay did not tell     kept               kept
//   a request of the known address came meanwhile                       forged             forged
// Kept: nothing happens and nobody is blamed; the request comes again (RFC 3261 §17.1.2.2) and is another
// doubt. On hold silence of signalling is all there is, so it counts: a call on hold of a phone that is gone
// would stay for hours. Early and emergency calls are not ended by silence: other timers end the former, and
// the latter must not end by mistake. A side has one doubt at a time, and none for 4 s after a forgery.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/base/boxed.h"
#include "policy/base/time.h"
#include "policy/model/transport.h"
#include "sipalg/engine/engine_input.h"
#include "sipalg/engine/engine_output.h"
#include "sipalg/message/start_line.h"
#include "sipalg/transaction/timer_settings.h"
#include "sipalg/transaction/transaction_key.h"

namespace sallyport::sip {

inline constexpr Duration kDoubtLasts = 800ms;
inline constexpr Duration kLastAsked = 650ms;            // into it, the relay is asked for the second time
inline constexpr Duration kNoDoubtFor = 4s;              // after a forgery
inline constexpr std::uint64_t kStillSending = 2;        // packets; one may have been late
inline constexpr std::size_t kDoubtBytesMax = 8192;      // of a held request
inline constexpr std::size_t kDoubtsMax = 256;           // of one engine: 2 MB
inline constexpr std::uint8_t kCredentialsAskedMax = 4;  // of one side of a call
inline constexpr TimerSettings kProbeTimers{210ms, 210ms, 5s};  // one lost datagram decides nothing

// What is known of where a request came from, beside its dialog.
struct SourceFacts {
  bool is_same_realm = false, is_same_address = false;
  bool is_of_peer = false;        // the dialog's other end is a configured peer
  bool is_same_peer = false;      // the request came from that very peer
  bool is_somebody_else = false;  // from another peer, or another registrar's endpoint
  Transport dialog = Transport::Udp, request = Transport::Udp;
};
enum class Standing : std::uint8_t { Neighbour, Refused, Elsewhere };
[[nodiscard]] Standing standing_of(const SourceFacts& facts) noexcept;
[[nodiscard]] bool is_judged(Method method) noexcept;
[[nodiscard]] bool may_be_challenged(Method method) noexcept;

enum class Probe : std::uint8_t { Silent, Alive, Gone };
// `code`: of the final answer, 0 for none.
[[nodiscard]] Probe probe_of(std::uint16_t code) noexcept;
enum class MediaSign : std::uint8_t { NotExpected, Untold, Silent, Flows };

// What settled it: for explain, and the evidence of a detection.
enum class Settled : std::uint8_t {
  AtOnce,   // a place or a name that can't be right
  NoDoubt,  // no doubt was to be had: one is under way, another ended a moment ago, or there is no room
  Alive,    // OPTIONS was answered at the known address
  Spoke,    // a request came from the known address meanwhile
  Flows,    // media goes on from the known address
  Registered,
  Credentials,
  Gone,     // 481 from the known address
  Silence,  // neither OPTIONS nor media
  HoldSilence,
  Unclear,
  AfterBye,  // media of who has said BYE
  kCount
};
[[nodiscard]] std::string_view to_string(Settled settled) noexcept;
[[nodiscard]] std::uint8_t confidence_of(Settled settled) noexcept;  // per cent, that it is forged

struct DoubtFacts {
  Probe probe = Probe::Silent;
  MediaSign media = MediaSign::NotExpected;
  bool is_early = false, is_emergency = false;
  bool is_over = false;  // its time is
};
enum class Fate : std::uint8_t { Wait, TakesEffect, Forged, Kept };
struct Judgement {
  Fate fate = Fate::Wait;
  Settled by = Settled::Unclear;
};
[[nodiscard]] Judgement judge(const DoubtFacts& facts) noexcept;

// Packets that a side has sent in one stream, as the relay told: before, and last.
struct WatchedStream {
  std::uint16_t number = 0;
  std::optional<std::uint64_t> before, after;
};
[[nodiscard]] MediaSign media_sign(const std::vector<WatchedStream>& streams) noexcept;

// One request that is held. Not in a snapshot: after a restart it comes again.
struct Doubt {
  std::uint16_t fork = 0;
  Method method = Method::Other;
  std::string bytes;
  MessageInput input;  // without its bytes
  Path answer_path;
  TransactionKey key;
  std::uint32_t exchange = 0;  // the OPTIONS
  Probe probe = Probe::Silent;
  bool is_asked_again = false;
  Timestamp ask_again_at{}, until{};
  std::vector<WatchedStream> streams;
};

// A request that is taken to be forged.
struct Blame {
  const MessageInput& input;
  std::string_view method;
  Settled by;
};

// Of a local registrar's endpoint: what became of asking for them.
enum class Credentials : std::uint8_t { NotAsked, Asked, Right };

// What one side of a call is suspected of.
struct Suspicion {
  Boxed<Doubt> doubt;
  Timestamp no_doubt_before{};
  std::uint8_t challenges = 0;
  std::uint32_t challenged_invite = 0;  // CSeq: its ACK is nothing to wonder at
};

}  // namespace sallyport::sip
