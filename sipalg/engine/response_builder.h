// response_builder.h — a response out of a request: RFC 3261 §8.2.6, §18.2; RFC 3581 §4.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "policy/base/ip_address.h"
#include "policy/base/keyed_hash.h"
#include "sipalg/engine/neighbour.h"
#include "sipalg/message/sip_message.h"

namespace sallyport::sip {

// A head at its limit comes back with our own additions.
inline constexpr std::size_t kResponseBytesMax = kHeadBytesMax + 4096;

// Builds into `buffer`. The To tag is a keyed PRF over what identifies the request, so that the same request
// gets the same bytes with and without state (RFC 3261 §8.2.7, §19.3). Works for a malformed request too:
// Vias from those that can be read, and of From, To, Call-ID and CSeq what was read whole. Nothing when it
// does not fit.
[[nodiscard]] std::optional<std::string_view> build_response(std::span<char> buffer,
                                                             const SipMessage& request, std::uint16_t code,
                                                             const Neighbour& neighbour,
                                                             const Endpoint& source,
                                                             const HashKey& token_key) noexcept;

// Where a response goes. Always to the address that the request came from: neither maddr nor a name in Via is
// obeyed (threats P6). The port is that of the source when rport asks for it (RFC 3581 §4), when the profile
// says so, or when `nat_auto` and the sent-by is not that very address; else the one in sent-by, or 5060
// (RFC 3261 §18.2.2). Nothing when that must never be sent to.
[[nodiscard]] std::optional<Endpoint> response_destination(const ViaHeader& via, const Endpoint& source,
                                                           ResponsesTo responses_to, bool nat_auto) noexcept;

}  // namespace sallyport::sip
