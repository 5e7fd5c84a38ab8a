// One call as one agent sees it: its dialog, what is under way in it, reliable provisional responses and the
// session's time. RFC 3261 §12; RFC 3262; RFC 4028
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/sim/call_plan.h"
#include "tests/sim/sip_text.h"

namespace sallyport::sim {

// A dialog that a provisional response made, at the caller. RFC 3261 §12.1.2, RFC 3262 §4
struct EarlyDialog {
  std::string target;
  std::vector<std::string> routes;
  std::uint32_t rseq = 0;  // of the last reliable response in order
  std::uint32_t local_cseq = 0, remote_cseq = 0;
  bool agreed = false;  // the first offer has its answer
  bool busy = false;    // an offer of ours has none yet
  std::string answer;   // the description that came with it
};

// What a callee says reliably, one behind the other. RFC 3262 §3
struct ReliableSent {
  std::uint32_t rseq = 0;
  std::string pending;  // that has no PRACK yet
  bool holds_sdp = false, owes_answer = false, agreed = false;
  Duration interval{};
  Timestamp since{};
  std::deque<int> waiting;
  int final_waiting = 0;  // a 2xx that waits for a PRACK
};

// Of a REFER that we sent in this dialog.
struct TransferView {
  bool asked = false, refused = false;
  bool is_partner = false;  // its other end is given to another call of ours
  std::uint32_t cseq = 0;
  int result = 0;  // that the last NOTIFY told
};

// RFC 4028
struct SessionClock {
  std::uint32_t seconds = 0;  // 0: none was agreed
  bool is_ours = false;       // we refresh it
  unsigned turn = 0;          // of its timers
};

enum class LegState : std::uint8_t {
  Calling,   // caller, nothing came yet
  Ringing,   // caller with a provisional response; callee without a final one
  Answered,  // callee: 2xx sent, no ACK yet
  Up,
  Closing,  // BYE sent
  Over
};

// How the media of a leg is secured. RFC 4568
struct LegKeys {
  bool knows = false;     // SDES
  bool is_savp = false;   // as was heard last, or as it begins
  bool is_plain = false;  // heard last
  bool has_offered = false, has_heard = false, is_agreed = false;
  unsigned tag = 1;
  std::string own;                            // base64
  std::map<std::string, std::string> theirs;  // by the port of their m-line

  // What was heard last was an offer, and binds nobody. RFC 3261 §14.1
  void refuse_offer() noexcept {
    has_heard = false;
    has_offered = is_agreed;
  }
};

// One call as one agent sees it.
struct AgentLeg {
  const CallPlan* plan = nullptr;
  bool is_caller = false;
  LegState state = LegState::Calling;
  int final_code = 0;      // of the INVITE
  bool has_moved = false;  // its router forgot it meanwhile
  bool was_up = false, gone = false, sent_bye = false, got_bye = false, got_cancel = false;
  std::optional<Timestamp> ringing_from, ringing_until;  // callee: 18x sent, nothing final yet
  // Dialog. RFC 3261 §12
  std::string call_id, local_tag, remote_tag, local, remote, target;
  std::vector<std::string> routes;
  std::uint32_t local_cseq = 0, remote_cseq = 0;
  std::uint32_t taken_cseq = 0;         // the highest of ours that was carried out
  SipText taken;                        // what came last of that but INVITEs
  std::set<std::string> seen_requests;  // "CSeq method" of all that came
  // Offers and INVITEs under way.
  std::string own_invite;  // branch
  bool own_update = false, wants_cancel = false, wants_bye = false;
  std::optional<SipText> remote_invite;  // not answered finally
  Endpoint remote_source;
  std::string unacked;  // 2xx that we resend
  std::uint32_t unacked_cseq = 0;
  Duration resend_interval{};
  Timestamp unacked_since{};
  bool offered_in_2xx = false;
  std::set<std::uint32_t> accepted_cseqs;     // INVITEs that we answered with 2xx
  std::map<std::uint32_t, std::string> acks;  // what we acknowledged, by CSeq
  Endpoint ack_to;
  unsigned sdp_version = 1;
  unsigned retries = 0;
  std::map<std::string, EarlyDialog> early;  // of a caller, by the callee's tag
  ReliableSent reliable;                     // of a callee
  SessionClock session;
  TransferView transfer;
  std::string replaces;                                       // of the INVITE: whose place it takes
  std::optional<std::pair<std::string, std::uint32_t>> told;  // Call-ID and id of the REFER that asked for it
  LegKeys keys;
  // Of a caller who leaves the offer to the callees: those of its other early dialogs, and whose `keys` are.
  std::map<std::string, LegKeys> early_keys;
  std::string keys_of;
  unsigned least_session = 0;      // that we told in a 422
  unsigned session_floor = 0;      // Min-SE that was heard
  bool peer_lacks_update = false;  // its Allow says so
  std::optional<Timestamp> gone_at, over_at;
};

}  // namespace sallyport::sim
