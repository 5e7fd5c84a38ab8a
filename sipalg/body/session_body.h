// session_body.h — bodies at the border: which may pass, and SDP under our own name: RFC 2046 §5.1, RFC 3261
// §7.4, §20.11, §20.15, RFC 8866 §5.2, §5.3, RFC 4475 §3.1.1.11; threats P10, P11.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "policy/base/ip_address.h"
#include "sipalg/message/sip_message.h"

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

// How a leg names its sessions: one id for a leg's life, a version that grows by one with each change.
struct SdpIdentity {
  std::uint64_t session_id = 0;
  std::uint64_t version = 0;
  std::uint64_t last_hash = 0;  // of what was sent last, o= apart: the same SDP keeps its version
  template <class Archive>
  void archive(Archive& a) {
    a(session_id, version, last_hash);
  }
};

// The body for the other leg: o= and s= rebuilt (user "-", our `address`), in SDP or in the SDP part of a
// multipart; all else untouched until voice comes. i=, u=, e=, p= of the session are left out (they name
// people and hosts). Nothing when SDP can't be read line by line or does not fit: answer 488 / treat as a
// failure.
[[nodiscard]] std::optional<std::string_view> write_session_body(std::span<char> buffer,
                                                                 const SipMessage& message,
                                                                 const IpAddress& address,
                                                                 SdpIdentity& identity) noexcept;

}  // namespace sallyport::sip
