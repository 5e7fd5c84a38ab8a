// icmp_error.cpp — reads what an error quotes. Routers cut it short and rewrite lengths, so only what must be
// there is looked at.
#include "dataplane/packet/icmp_error.h"

#include "dataplane/packet/icmp.h"
#include "dataplane/packet/ip_header.h"
#include "dataplane/packet/wire.h"

namespace sallyport::dataplane {
namespace {

using Octets = std::span<const std::uint8_t>;

constexpr std::uint8_t kIcmpUnreachable = 3;
constexpr std::uint8_t kFragmentationNeeded = 4;
constexpr std::uint8_t kIcmpv6Unreachable = 1, kIcmpv6TooBig = 2;
constexpr std::uint8_t kFragmentHeader = 44;
constexpr std::size_t kPortsBytes = 4;

// Net, host, protocol or port unreachable; the three that a router says for a filter. RFC 1812 §5.2.7.1
bool ends_flow_v4(std::uint8_t code) noexcept { return code <= 3 || code == 9 || code == 10 || code == 13; }

// UDP and TCP begin alike.
std::optional<QuotedFlow> with_ports(QuotedFlow flow, Octets transport) noexcept {
  if (transport.size() < kPortsBytes) return std::nullopt;
  flow.local.port = load16(transport.data());
  flow.remote.port = load16(transport.data() + 2);
  return flow;
}

// Behind the first fragment there are no ports. RFC 792: header and 64 bits of data are always there.
std::optional<QuotedFlow> quoted_v4(Octets ip, std::uint8_t protocol) noexcept {
  if (ip.size() < kIpv4Bytes || ip[0] >> 4 != 4 || ip[9] != protocol) return std::nullopt;
  const std::size_t header = std::size_t{ip[0] & 0x0fu} * 4;
  if (header < kIpv4Bytes || header > ip.size() || (load16(ip.data() + 6) & 0x1fff) != 0) return std::nullopt;
  const QuotedFlow flow{{IpAddress::v4_from_wire(ip.data() + 12), 0},
                        {IpAddress::v4_from_wire(ip.data() + 16), 0}};
  return with_ports(flow, ip.subspan(header));
}

// We send no extension header but that of a fragment.
std::optional<QuotedFlow> quoted_v6(Octets ip, std::uint8_t protocol) noexcept {
  if (ip.size() < kIpv6Bytes || ip[0] >> 4 != 6) return std::nullopt;
  const QuotedFlow flow{{IpAddress::v6_from_wire(ip.data() + 8), 0},
                        {IpAddress::v6_from_wire(ip.data() + 24), 0}};
  if (flow.local.address.is_v4() || flow.remote.address.is_v4()) return std::nullopt;  // RFC 4942 §2.2
  const Octets next = ip.subspan(kIpv6Bytes);
  if (ip[6] == protocol) return with_ports(flow, next);
  if (ip[6] != kFragmentHeader || next.size() < kFragmentHeaderBytes || next[0] != protocol ||
      (load16(next.data() + 2) & 0xfff8) != 0)
    return std::nullopt;
  return with_ports(flow, next.subspan(kFragmentHeaderBytes));
}

bool ends_flow(const IpAddress& own, Octets bytes) noexcept {
  return own.is_v4() ? bytes[0] == kIcmpUnreachable && ends_flow_v4(bytes[1])
                     : bytes[0] == kIcmpv6Unreachable;
}

std::optional<QuotedFlow> quoted(const IpAddress& own, Octets bytes, std::uint8_t protocol) noexcept {
  const Octets quote = bytes.subspan(kIcmpBytes);
  auto flow = own.is_v4() ? quoted_v4(quote, protocol) : quoted_v6(quote, protocol);
  if (flow && flow->local.address != own) flow.reset();
  return flow;
}

}  // namespace

std::optional<QuotedFlow> quoted_flow(const IpAddress& own, Octets bytes) noexcept {
  if (bytes.size() < kIcmpBytes || !ends_flow(own, bytes)) return std::nullopt;
  return quoted(own, bytes, kProtocolUdp);
}

std::optional<QuotedSegment> quoted_segment(const IpAddress& own, Octets bytes) noexcept {
  if (bytes.size() < kIcmpBytes) return std::nullopt;
  const bool is_too_big = own.is_v4() ? bytes[0] == kIcmpUnreachable && bytes[1] == kFragmentationNeeded
                                      : bytes[0] == kIcmpv6TooBig;
  if (!is_too_big && !ends_flow(own, bytes)) return std::nullopt;
  const auto flow = quoted(own, bytes, kProtocolTcp);
  if (!flow) return std::nullopt;
  return QuotedSegment{*flow, is_too_big};
}

}  // namespace sallyport::dataplane
