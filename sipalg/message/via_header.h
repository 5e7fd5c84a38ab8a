// via_header.h — Via header field: RFC 3261 §20.42, grammar §25.1; rport: RFC 3581 §3; RFC 5118 §4.5.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sipalg/message/host.h"
#include "sipalg/message/lexer.h"

namespace sallyport::sip {

// One via-parm. Every view points into the message buffer that was parsed.
struct ViaHeader {
  std::string_view protocol_name;     // "SIP"
  std::string_view protocol_version;  // "2.0"
  std::string_view transport;         // any token is accepted
  HostPort sent_by;
  std::string_view branch;       // empty: none, match as RFC 2543 did (RFC 3261 §17.2.3)
  std::string_view received;     // with or without brackets, as it came
  std::string_view maddr;        // read, never obeyed
  std::string_view params;       // all of them, from the first ';' on
  bool rport_requested = false;  // ";rport" without a value
  // Protocol, transport and sent-by were read: enough to send an answer, whatever came behind them.
  bool answerable = false;
};

// RFC 3261 §8.1.1.7; a branch that is only the cookie counts as none (RFC 4475 §3.2.1).
inline constexpr std::string_view kBranchCookie = "z9hG4bK";
inline constexpr std::size_t kBranchBytesMax = 512;  // longer is TooLong, never truncation

// Parses one via-parm and the comma behind it, if any. A failure is left in the lexer; what was read before
// it stays in `out`.
[[nodiscard]] bool parse_via_parm(Lexer& lexer, const StrictnessPolicy& strictness, ViaHeader& out) noexcept;

}  // namespace sallyport::sip
