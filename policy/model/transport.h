// transport.h — how SIP messages travel: RFC 3261 §18, RFC 5922.
#pragma once

#include <cstdint>
#include <string_view>

namespace sallyport {

enum class Transport : std::uint8_t { Udp, Tcp, Tls };

// As the configuration, CDRs and people write it.
[[nodiscard]] constexpr std::string_view to_string(Transport transport) noexcept {
  switch (transport) {
    case Transport::Tcp:
      return "tcp";
    case Transport::Tls:
      return "tls";
    default:
      return "udp";
  }
}
// One connection carries many messages, in order, and tells when it breaks. RFC 3261 §18
[[nodiscard]] constexpr bool is_stream(Transport transport) noexcept { return transport != Transport::Udp; }
// Where no port is written. RFC 3261 §19.1.2
[[nodiscard]] constexpr std::uint16_t default_port(Transport transport) noexcept {
  return transport == Transport::Tls ? 5061 : 5060;
}

}  // namespace sallyport
