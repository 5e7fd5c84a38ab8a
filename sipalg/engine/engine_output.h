// engine_output.h — what comes out of a SipEngine, as values that the rim carries out.
#pragma once

#include <string_view>

#include "policy/base/fixed_vector.h"
#include "policy/base/ip_address.h"
#include "policy/model/index.h"

namespace sallyport::sip {

struct SendDatagram {
  RealmIndex realm = RealmIndex::kNone;
  Endpoint local;  // source of the datagram: the listener's address and port
  Endpoint remote;
  std::string_view bytes;  // in the engine's memory; good until the next call of the engine
};

// Emptied by the rim before each call. One input makes at most this many messages.
inline constexpr std::size_t kSendsMax = 16;
using EngineOutput = FixedVector<SendDatagram, kSendsMax>;

}  // namespace sallyport::sip
