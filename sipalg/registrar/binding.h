// binding.h — one contact that an endpoint registered, and the flow over which it is reached: RFC 3261 §10.3,
// RFC 5626 §3, RFC 3327, RFC 5627. Plain values; nobody alters one that is on the board.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "policy/base/time.h"
#include "policy/model/index.h"
#include "sipalg/engine/engine_output.h"

namespace sallyport::sip {

// Part of a Contact token that names a binding in place of a call's leg; the token's number is the binding's,
// its shard that of the AOR.
inline constexpr std::uint16_t kBindingPart = 0x7ffe;

struct Binding {
  std::uint64_t number = 0;            // of our Contact for it; never used twice in the life of a node
  PeerIndex place = PeerIndex::kNone;  // of its registrar among the peers
  std::string aor;                     // aor.h
  std::string contact;                 // the URI as the endpoint wrote it: Request-URI of what is sent to it
  std::string contact_params;          // of its Contact, for answers: ";+sip.instance=...;reg-id=1;q=0.5"
  std::string gruus;                   // that the upstream gave it: ";pub-gruu=...". RFC 5627 §5.3
  std::string instance;                // value of +sip.instance without quotes; empty: none
  std::uint32_t reg_id = 0;            // RFC 5626 §4.2; 0: none
  std::vector<std::string> route_set;  // Path values of its REGISTER, topmost first. RFC 3327 §5.3
  Path path;                           // the flow: our listener, the source, the connection
  std::string call_id;                 // of the last REGISTER that was taken
  std::uint32_t cseq = 0;
  std::uint16_t q = 1000;  // thousandths. RFC 3261 §20.10
  Timestamp expires{};     // towards the endpoint
  // pass_through: at the upstream; local: how long after its last writing to disk it may come back from
  // there. Each is a stretch of `inside_lasts`, and is made longer when half of it is over.
  Timestamp inside_expires{};
  Duration inside_lasts{};
  Timestamp since{};
  std::string user_agent;  // clean text; empty: it did not say
  template <class Archive>
  void archive(Archive& a) {
    a(number, place, aor, contact, contact_params, instance, reg_id, route_set, path, call_id, cseq, q,
      expires, inside_expires, inside_lasts, since, user_agent, gruus);
  }
};

}  // namespace sallyport::sip
