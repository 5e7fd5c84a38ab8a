// session_body.h — bodies at the border: which may pass, and where the session description is in them: RFC
// 2046 §5.1, RFC 3261 §7.4, §20.11, §20.15, RFC 4475 §3.1.1.11; threats P10.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "sipalg/message/sip_message.h"
#include "sipalg/sdp/sdp_identity.h"

namespace sallyport::sip {

enum class BodyKind : std::uint8_t {
  None,
  Sdp,
  MultipartWithSdp,  // exactly one part is SDP
  Opaque,            // passes untouched where the method allows any body
  Ambiguous,         // two parts are SDP, nesting too deep, no usable boundary: 400
};
[[nodiscard]] BodyKind body_kind(const SipMessage& message) noexcept;

// May a body of this kind cross in this method? INVITE, UPDATE, PRACK, ACK carry SDP or multipart that holds
// it; all other methods anything. 0, or 415 (with Accept), or 400.
[[nodiscard]] std::uint16_t body_verdict(Method method, BodyKind kind) noexcept;

// Content-Type for the other leg: without parameters for SDP, else the value as it came (write_request cleans
// it). Empty: no body, or the message did not say what it is.
[[nodiscard]] std::string_view far_content_type(const SipMessage& message) noexcept;

// The description that the message holds, alone or as the one SDP part of a multipart. Empty: it holds none.
[[nodiscard]] std::string_view session_sdp(const SipMessage& message) noexcept;
// The body for the other leg: that of `message` with `sdp` in the place of its own description. `sdp` itself
// where nothing is around it; else it is put together in `buffer`, in which `sdp` must not lie. Nothing when
// it does not fit, or `message` holds no description.
[[nodiscard]] std::optional<std::string_view> with_session_sdp(std::span<char> buffer,
                                                               const SipMessage& message,
                                                               std::string_view sdp) noexcept;

}  // namespace sallyport::sip
