// request_policy.h — which answer a well-formed request gets: RFC 3261 §8.2, §11.2, §16.3, §18.3.
//
//   order  question                                                       answer
//   1      is it an ACK?                                                  silence (§17: never answered)
//   2      did the body come whole?                                       400 (§18.3)
//   3      From tag; Contact in an INVITE?                                400, lenient: goes on (RFC 4475
//   §3.4.1) 4      is the method one of the profile's?                            405 with Allow (§8.2.1) 5
//   do we know the scheme of the Request-URI?                      416 (§8.2.2.1) 6      Max-Forwards 0, and
//   not an OPTIONS for ourselves?              483 (§16.3, §11.2) 7      CANCEL, BYE, PRACK, UPDATE, or any
//   request with a To tag?      481 (§9.2, §12.2.2, §15.1.2) 8      extensions required that are not built?
//   420 with Unsupported (§8.2.2.3) 9      an INVITE with a body that is not SDP?                         415
//   with Accept (§8.2.3) 10     OPTIONS                                                        200 (§11.2) 11
//   all else                                                       501: of the profile, but not built yet
#pragma once

#include <cstdint>

#include "sipalg/engine/neighbour.h"
#include "sipalg/message/sip_message.h"

namespace sallyport::sip {

inline constexpr std::uint16_t kNoAnswer = 0;

// `is_for_us`: the Request-URI names this very node.
[[nodiscard]] std::uint16_t answer_to_request(const SipMessage& request, const Neighbour& neighbour,
                                              bool is_for_us) noexcept;

}  // namespace sallyport::sip
