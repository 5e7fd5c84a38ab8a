// icmp_error.h — ICMP errors that end a flow of ours: RFC 792 (type 3), RFC 1812 §5.2.7.1, RFC 4443 §3.1; and
// those about a TCP flow of Linux's: the same, and packet too big (RFC 1191 §4, RFC 4443 §3.2).
//
// For a datagram packet too big is none: it ends nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "policy/base/ip_address.h"

namespace sallyport::dataplane {

// So many octets from the ICMP header on hold all that quoted_flow() may need.
inline constexpr std::size_t kQuoteBytes = 8 + 60 + 8;

// The two ends of a UDP datagram that an error quotes, as its sender saw them.
struct QuotedFlow {
  Endpoint local, remote;
  friend bool operator==(const QuotedFlow&, const QuotedFlow&) = default;
};

// A TCP segment that an error quotes.
struct QuotedSegment {
  QuotedFlow flow;
  bool is_too_big = false;  // else it could not be delivered at all
};

// `bytes` begins with the ICMP header; `own` is where the error was sent to, which must be what sent the
// datagram (RFC 1122 §3.2.2, RFC 4443 §2.2). Nothing: another ICMP message, or the beginning of the
// datagram's UDP header is not in it.
[[nodiscard]] std::optional<QuotedFlow> quoted_flow(const IpAddress& own,
                                                    std::span<const std::uint8_t> bytes) noexcept;
// The same for TCP.
[[nodiscard]] std::optional<QuotedSegment> quoted_segment(const IpAddress& own,
                                                          std::span<const std::uint8_t> bytes) noexcept;

}  // namespace sallyport::dataplane
