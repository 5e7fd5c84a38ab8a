// udp_header.h — UDP: RFC 768; TCP's ports and data offset, as far as a packet filter needs them: RFC 9293
// §3.1.
#pragma once

#include <cstdint>
#include <span>

#include "dataplane/pipeline/drop_reason.h"
#include "policy/base/result.h"

namespace sallyport::dataplane {

inline constexpr std::size_t kUdpBytes = 8;
inline constexpr std::size_t kTcpBytes = 20;

struct UdpHeader {
  std::uint16_t source_port = 0, destination_port = 0;
  std::uint16_t length = 0;  // header and data
};

// `bytes` begins with the header; `length`: octets that the IP packet has for it.
[[nodiscard]] Result<UdpHeader, DropReason> parse_udp(std::span<const std::uint8_t> bytes,
                                                      std::size_t length) noexcept;

inline constexpr std::uint8_t kTcpFin = 0x01, kTcpSyn = 0x02, kTcpRst = 0x04, kTcpAck = 0x10;

struct TcpPorts {
  std::uint16_t source_port = 0, destination_port = 0;
  std::uint8_t flags = 0;
  // Opens a connection. ECE and CWR may be set: RFC 3168 §6.1.1.
  [[nodiscard]] bool is_syn() const noexcept { return (flags & 0x3f) == kTcpSyn; }
};
[[nodiscard]] Result<TcpPorts, DropReason> parse_tcp_ports(std::span<const std::uint8_t> bytes,
                                                           std::size_t length) noexcept;

}  // namespace sallyport::dataplane
