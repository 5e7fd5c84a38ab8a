// arrival.h — a request under examination, with all that is known of it.
#pragma once

#include <cstddef>

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
  Path answer_path;        // from where it arrived to where its answers go, RFC 3261 §18.2.2
  bool is_proved = false;  // it belongs to what began from that very address
};

// So large may an answer to it be. Whoever writes another one's address into a datagram must gain nothing by
// it (threats R4). Over TCP and TLS the handshake has proved the source; a phone that is registered where it
// speaks from, and who is trusted as configured, may have what they like.
inline constexpr std::size_t kAnyAnswerBytes = ~std::size_t{0};
[[nodiscard]] inline std::size_t answer_bytes_max(const Arrival& arrival) noexcept {
  const MessageInput& input = arrival.input;
  const bool may_have_more =
      arrival.is_proved || is_stream(input.transport) || input.trust > TrustClass::Untrusted;
  return may_have_more ? kAnyAnswerBytes : input.bytes.size();
}

}  // namespace sallyport::sip
