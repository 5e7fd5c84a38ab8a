// udp_header.cpp — reads UDP headers and TCP's ports.
#include "dataplane/packet/udp_header.h"

#include "dataplane/packet/wire.h"

namespace sallyport::dataplane {

Result<UdpHeader, DropReason> parse_udp(std::span<const std::uint8_t> bytes, std::size_t length) noexcept {
  if (bytes.size() < kUdpBytes || length < kUdpBytes) return fail(DropReason::BadUdpHeader);
  const UdpHeader header{load16(bytes.data()), load16(bytes.data() + 2), load16(bytes.data() + 4)};
  if (header.length < kUdpBytes || header.length > length) return fail(DropReason::BadUdpHeader);
  // Port 0 means that no answer is wanted (RFC 768); all that Sallyport carries wants one.
  if (header.source_port == 0 || header.destination_port == 0) return fail(DropReason::BadUdpHeader);
  return header;
}

Result<TcpPorts, DropReason> parse_tcp_ports(std::span<const std::uint8_t> bytes,
                                             std::size_t length) noexcept {
  if (bytes.size() < kTcpBytes || length < kTcpBytes) return fail(DropReason::RuntFrame);
  const std::size_t data_offset = std::size_t{bytes[12]} / 16 * 4;
  if (data_offset < kTcpBytes || data_offset > length) return fail(DropReason::RuntFrame);
  // Nobody can be reached at port 0, and no socket has it.
  const TcpPorts tcp{load16(bytes.data()), load16(bytes.data() + 2), bytes[13]};
  if (tcp.source_port == 0 || tcp.destination_port == 0) return fail(DropReason::TcpNotAdmitted);
  return tcp;
}

}  // namespace sallyport::dataplane
