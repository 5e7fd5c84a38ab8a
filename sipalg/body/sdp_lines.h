// sdp_lines.h — SDP under our own name, line by line: RFC 8866 §5, §9.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "sipalg/body/session_body.h"

namespace sallyport::sip {

// Writes `sdp` into `out` with o= and s= of ours, i=, u=, e=, p= of the session left out and every line ended
// by CRLF; the size of what was written. Nothing, and `identity` as it was, when a line is no line of SDP
// (RFC 8866 §9: a small letter, "=", no control octet), v= and o= do not come first, one of v=, o=, s= comes
// twice, or it does not fit.
[[nodiscard]] std::optional<std::size_t> write_sdp(std::span<char> out, std::string_view sdp,
                                                   const IpAddress& address, SdpIdentity& identity) noexcept;

}  // namespace sallyport::sip
