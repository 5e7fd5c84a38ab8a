// response_builder.h — a response out of a request: RFC 3261 §8.2.6, §18.2; RFC 3581 §4.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "policy/base/ip_address.h"
#include "policy/base/keyed_hash.h"
#include "policy/model/transport.h"
#include "sipalg/engine/neighbour.h"
#include "sipalg/message/sip_message.h"

namespace sallyport::sip {

// A head at its limit comes back with our own additions.
inline constexpr std::size_t kResponseBytesMax = kHeadBytesMax + 4096;

// What a response is made from, beside the request.
struct ResponseTerms {
  std::uint16_t code;
  const Neighbour& neighbour;
  const Endpoint& source;         // where the request came from
  const HashKey& token_key;       // of the To tag
  std::uint32_t retry_after = 0;  // seconds; 0: no Retry-After
  std::string_view phrase{};      // ours; empty: that of the code
};

// A From or To that could not be read comes back as it was when it is no longer than this.
inline constexpr std::size_t kEchoBytesMax = 512;

// Builds into `buffer`. The To tag is a keyed PRF over what identifies the request, so that the same request
// gets the same bytes with and without state (RFC 3261 §8.2.7, §19.3). Works for a malformed request too:
// Vias from those that can be read, Call-ID and CSeq if they were read whole. A From or To that was not is
// repeated as it came, unfolded, when it is short and holds no control octet: a strict client wants them back
// (RFC 3261 §8.2.6.2); else it is left out. Nothing when it does not fit.
[[nodiscard]] std::optional<std::string_view> build_response(std::span<char> buffer,
                                                             const SipMessage& request,
                                                             const ResponseTerms& terms) noexcept;

// Where a response goes. Always to the address that the request came from: neither maddr nor a name in Via is
// obeyed (threats P6). The port is that of the source when rport asks for it (RFC 3581 §4), when the profile
// says so, or when `nat_auto` and the sent-by is not that very address; else the one in sent-by, or 5060
// (RFC 3261 §18.2.2). Nothing when that must never be sent to.
[[nodiscard]] std::optional<Endpoint> response_destination(const ViaHeader& via, const Endpoint& source,
                                                           ResponsesTo responses_to, bool nat_auto) noexcept;
// Where a connection is opened for a response when that of its request is gone: the source's address with the
// port in sent-by, or the transport's own. RFC 3261 §18.2.2
[[nodiscard]] std::optional<Endpoint> stream_response_destination(const ViaHeader& via,
                                                                  const Endpoint& source,
                                                                  Transport transport) noexcept;

}  // namespace sallyport::sip
