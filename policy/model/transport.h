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

}  // namespace sallyport
