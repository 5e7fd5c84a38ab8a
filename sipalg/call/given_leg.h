// given_leg.h — a dialog on its way from one call to another, and the letters by which one engine asks
// another for it: RFC 3891, RFC 5589 §7; design: a call lives in one engine.
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "policy/decide/call_admission.h"
#include "sipalg/call/call.h"
#include "sipalg/call/refer_target.h"
#include "sipalg/engine/engine_letter.h"

namespace sallyport::sip {

// One end of a call without the call.
struct GivenLeg {
  Dialog dialog;
  SdpIdentity sdp;
  Boxed<SentAck> sent_ack;
  Boxed<SessionTimer> timer;
  policy::AdmissionTicket ticket;
  CostlyCall costly;
  std::vector<std::uint64_t> former_numbers;  // of the calls whose tokens name it
};

// Who wants it: the call that a REFER with Replaces belongs to, and the side that sent it.
struct LegAsker {
  std::uint64_t call = 0;
  std::uint8_t shard = 0;
  std::uint32_t refer_cseq = 0;
  PeerIndex peer = PeerIndex::kNone;
  RealmIndex realm = RealmIndex::kNone;
  IpAddress address;  // where it was seen last
  bool is_sips = false;
  std::size_t former_numbers = 0;
};

class LegLetter final : public EngineLetter {
 public:
  struct Ask {
    LegAsker asker;
    Replaces name;
  };
  struct Answer {
    std::uint64_t call = 0;  // of whoever asked
    std::uint32_t refer_cseq = 0;
    std::uint16_t code = 0;  // not 0: it stays where it is
    std::optional<GivenLeg> leg;
  };
  using What = std::variant<Ask, Answer>;
  LegLetter(std::uint8_t to, What&& said) : EngineLetter(to), what(std::move(said)) {}
  What what;
};

}  // namespace sallyport::sip
