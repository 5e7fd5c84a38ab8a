// engine_input.h — what goes into a SipEngine: messages and the facts that the rim found about them.
#pragma once

#include <string_view>

#include "policy/base/ip_address.h"
#include "policy/decide/trust_class.h"
#include "policy/model/index.h"
#include "policy/model/transport.h"

namespace sallyport::sip {

// A UDP datagram, or one message that the stream framer cut out of a connection.
struct MessageInput {
  ListenerIndex listener = ListenerIndex::kNone;
  RealmIndex realm = RealmIndex::kNone;
  PeerIndex peer = PeerIndex::kNone;  // kNone unless trust is Known
  TrustClass trust = TrustClass::Untrusted;
  Endpoint
      local;  // the listener where it arrived; of a connection that we opened, the one whose names we showed
  Endpoint remote;         // where it came from
  std::string_view bytes;  // the UDP payload, or the message; good for the call only
  Transport transport = Transport::Udp;
  std::uint64_t connection = 0;  // number of the connection, never 0 unless transport is Udp
  // The framer can't say where this message ends: it is answered if it can be, and the connection is closed.
  bool is_framing_lost = false;
  // There is no time for another call, by `security.overload`: it has waited too long, and so has all that
  // came before; or its thread is too busy, and its sender not a known peer.
  bool is_overdue = false;
};

}  // namespace sallyport::sip
