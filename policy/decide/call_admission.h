// call_admission.h — how many calls may be up, and how many may begin, for each peer and each realm, in each
// direction.
//
// All shards share one: a count and a token bucket are one atomic word each, so nothing waits for a lock. A
// limit is never passed, not even for an instant, but by emergency calls, which always pass and are counted.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "policy/base/result.h"
#include "policy/base/time.h"
#include "policy/decide/rate_limiter.h"
#include "policy/model/index.h"
#include "policy/model/sbc_config.h"

namespace sallyport::policy {

// Seen from Sallyport: In is a call that the neighbour makes.
enum class CallDirection : std::uint8_t { In, Out };

enum class AdmissionRefusal : std::uint8_t { PeerCalls, PeerRate, RealmCalls, RealmRate, kCount };
[[nodiscard]] std::string_view to_string(AdmissionRefusal refusal) noexcept;

// What a call holds; a plain value that a snapshot may keep. Give it back once.
struct AdmissionTicket {
  PeerIndex peer = PeerIndex::kNone;
  RealmIndex realm = RealmIndex::kNone;
  CallDirection direction = CallDirection::In;
  bool is_held = false;
};

class CallAdmission {
 public:
  // A peer without limits of its own has its realm's; the realm's limits hold for each direction.
  explicit CallAdmission(const SbcConfig& config);
  ~CallAdmission();
  CallAdmission(const CallAdmission&) = delete;
  CallAdmission& operator=(const CallAdmission&) = delete;

  // The limits of another configuration of the same realms, peers in the same places (at most as many as
  // there were places for at first). Calls that are up stay counted; a limit below them lets no new one in.
  // One thread at a time; others may go on admitting.
  void adopt(const SbcConfig& next) noexcept;

  // peer kNone: only the realm counts. A refusal leaves nothing behind.
  [[nodiscard]] Result<AdmissionTicket, AdmissionRefusal> admit_in(PeerIndex peer, RealmIndex realm,
                                                                   bool is_emergency, Timestamp now) noexcept;
  [[nodiscard]] Result<AdmissionTicket, AdmissionRefusal> admit_out(PeerIndex peer, RealmIndex realm,
                                                                    bool is_emergency,
                                                                    Timestamp now) noexcept;
  // Gives back what the ticket holds, and empties it: a second release does nothing.
  void release(AdmissionTicket& ticket) noexcept;
  // Counts a call that came back from a snapshot, past any limit, if its ticket was held. Peers and realms
  // that this configuration does not have are taken out of the ticket.
  void restore(AdmissionTicket& ticket) noexcept;

  [[nodiscard]] std::uint32_t active(PeerIndex peer, CallDirection direction) const noexcept;
  [[nodiscard]] std::uint32_t limit(PeerIndex peer, CallDirection direction) const noexcept;
  [[nodiscard]] std::uint32_t active(RealmIndex realm, CallDirection direction) const noexcept;
  [[nodiscard]] std::uint32_t limit(RealmIndex realm, CallDirection direction) const noexcept;

 private:
  class Gate;
  [[nodiscard]] Result<AdmissionTicket, AdmissionRefusal> admit(AdmissionTicket wanted, bool is_emergency,
                                                                Timestamp now) noexcept;
  [[nodiscard]] Gate* gate_of(PeerIndex peer, CallDirection direction) const noexcept;
  [[nodiscard]] Gate* gate_of(RealmIndex realm, CallDirection direction) const noexcept;

  std::size_t places_, realms_;
  std::unique_ptr<Gate[]> gates_;      // of places of peers, then of realms; In, then Out of each
  std::vector<std::string> names_;     // of the peer in each place
  std::atomic<std::size_t> peers_{0};  // places that have, or had, a peer
};

}  // namespace sallyport::policy
