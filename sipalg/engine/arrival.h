// arrival.h — a request under examination, with all that is known of it.
#pragma once

#include "policy/base/time.h"
#include "sipalg/engine/engine_input.h"
#include "sipalg/engine/engine_output.h"
#include "sipalg/engine/neighbour.h"
#include "sipalg/message/sip_message.h"
#include "sipalg/transaction/transaction_key.h"

namespace sallyport::sip {

// The way that a message came.
[[nodiscard]] inline Path path_of(const MessageInput& input) noexcept {
  return {input.realm, input.local, input.remote, input.transport, input.peer, input.connection};
}

// Lives for one call of the engine.
struct Arrival {
  Timestamp now;
  const MessageInput& input;
  const SipMessage& request;
  const Neighbour& neighbour;
  TransactionKey key;
  Path answer_path;  // from where it arrived to where its answers go, RFC 3261 §18.2.2
};

}  // namespace sallyport::sip
