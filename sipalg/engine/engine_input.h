// engine_input.h — what goes into a SipEngine: datagrams and the facts that the guard found about them.
#pragma once

#include <string_view>

#include "policy/base/ip_address.h"
#include "policy/decide/trust_class.h"
#include "policy/model/index.h"

namespace sallyport::sip {

struct DatagramInput {
  ListenerIndex listener = ListenerIndex::kNone;
  RealmIndex realm = RealmIndex::kNone;
  PeerIndex peer = PeerIndex::kNone;  // kNone unless trust is Known
  TrustClass trust = TrustClass::Untrusted;
  Endpoint local;          // where it arrived
  Endpoint remote;         // where it came from
  std::string_view bytes;  // the UDP payload; good for the call only
};

}  // namespace sallyport::sip
