// host.h — host and port as they stand in URIs and Via: RFC 3261 §25.1, RFC 5118 §4.1 to §4.5 and §4.10.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "policy/base/ip_address.h"
#include "sipalg/message/lexer.h"

namespace sallyport::sip {

// Views point into the parsed text.
struct HostPort {
  std::string_view host;   // an IPv6 reference without its brackets
  std::uint16_t port = 0;  // 0: none was written
  bool is_ipv6 = false;
};

// hostname / IPv4address / IPv6reference; does not look behind it.
[[nodiscard]] bool parse_host(Lexer& lexer, const StrictnessPolicy& strictness, HostPort& out) noexcept;
// 1*DIGIT from 1 to 65535; the lexer stands behind the ':'.
[[nodiscard]] inline bool parse_port(Lexer& lexer, HostPort& out) noexcept {
  const char* start = lexer.position();
  const auto number = parse_decimal(lexer.take_while<kDigit>(), 65535);
  if (!number || *number == 0) return lexer.fail_at(GrammarRule::Port, start);
  out.port = static_cast<std::uint16_t>(*number);
  return true;
}

// The address that a host names without DNS; "a:::b" is read as "a::b" (RFC 5118 §4.10). Brackets allowed.
[[nodiscard]] std::optional<IpAddress> literal_address(std::string_view host) noexcept;

}  // namespace sallyport::sip
