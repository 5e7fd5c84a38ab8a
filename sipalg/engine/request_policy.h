// request_policy.h — may a well-formed request be looked at any further? RFC 3261 §8.2, §16.3, §18.3.
//
// The questions in their order, each with its answer when it is not met:
//   did the body come whole?                                            400 (§18.3)
//   From tag; Contact in an INVITE?                                     400, lenient: goes on (RFC 4475
//   §3.4.1) is the method one of the profile's?                                 405 with Allow (§8.2.1) do we
//   know the scheme of the Request-URI, or is it a service's?     416 (§8.2.2.1) Max-Forwards above 0, or an
//   OPTIONS for ourselves?                  483 (§16.3, §11.2) (a CANCEL, or a request with a To tag: their
//   transaction or dialog decides) BYE, PRACK, UPDATE, INFO within a dialog?                           481
//   (§12.2.2, §15.1.2) only extensions that are built?                                     420 with
//   Unsupported (§8.2.2.3) an INVITE whose body is SDP or holds it?                            415 with
//   Accept (§8.2.3), 400 INVITE or OPTIONS?                                                  501: of the
//   profile, but not built yet
#pragma once

#include <cstdint>

#include "sipalg/engine/neighbour.h"
#include "sipalg/message/sip_message.h"

namespace sallyport::sip {

// 0: nothing speaks against it. `is_for_us`: the Request-URI names this very node. Not for ACK.
[[nodiscard]] std::uint16_t refusal_of(const SipMessage& request, const Neighbour& neighbour,
                                       bool is_for_us) noexcept;

// Does the Request-URI name this node, as the realm that it came from sees it? `local`: where it arrived.
[[nodiscard]] bool names_us(const HostPort& host, const RealmConfig& realm, const IpAddress& local) noexcept;
// A Route past us would make us carry a request to a host of the sender's choice (threats I5). A name that
// the configuration does not know may still be ours, as the first one: whoever sent this has resolved it to
// us. RFC 3261 §16.4
[[nodiscard]] bool is_routed_past_us(const SipMessage& request, const RealmConfig& realm,
                                     const IpAddress& local, const StrictnessPolicy& strictness) noexcept;

}  // namespace sallyport::sip
