// earn_trust.h — what a flow earns by proving itself, and loses: `security.promotion`. Its datagrams pay no
// more from what all strangers have together, and what blocks strangers alone does not touch it; it may do
// nothing that it could not do before. Over TCP and TLS the handshake has proved as much.
#pragma once

#include "policy/base/time.h"
#include "policy/model/sbc_config.h"
#include "sipalg/engine/engine_output.h"
#include "sipalg/engine/sip_engine.h"

namespace sallyport::sip {

inline void earn_trust(SharedPolicy& shared, const Path& flow, Timestamp now, Timestamp until) noexcept {
  if (!is_stream(flow.transport)) shared.earned.promote(flow.realm, flow.remote, now, until);
}
inline void lose_trust(SharedPolicy& shared, const Path& flow) noexcept {
  if (!is_stream(flow.transport)) shared.earned.demote(flow.realm, flow.remote);
}

// A call of that endpoint was answered: the ACK of our 2xx came from there, or a 2xx to our INVITE. Of peers
// nobody asks.
inline void earn_trust_by_call(SharedPolicy& shared, const SbcConfig& config, PeerIndex endpoint,
                               const Path& flow, Timestamp now) noexcept {
  const SecurityConfig& security = config.security;
  if (security.promote_by_call && registrar_of(config, endpoint) != nullptr)
    earn_trust(shared, flow, now, now + security.promotion_lasts);
}

}  // namespace sallyport::sip
