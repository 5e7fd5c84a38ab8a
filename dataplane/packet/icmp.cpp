// icmp.cpp — tells echo requests and fit neighbour discovery from all other ICMP.
#include "dataplane/packet/icmp.h"

namespace sallyport::dataplane {
namespace {

using policy::ExceptionKind;

constexpr std::size_t kNeighbourBytes = 24;  // with the target address

// Each option has a length, and none is 0. RFC 4861 §7.1.1, §7.1.2
bool are_options_fit(std::span<const std::uint8_t> options) noexcept {
  while (!options.empty()) {
    if (options.size() < 2 || options[1] == 0 || std::size_t{options[1]} * 8 > options.size()) return false;
    options = options.subspan(std::size_t{options[1]} * 8);
  }
  return true;
}

bool is_neighbour_discovery_fit(const IpHeader& ip, std::span<const std::uint8_t> bytes) noexcept {
  constexpr std::uint8_t kSolicitedFlag = 0x40;
  if (ip.hop_limit != 255) return false;     // RFC 4861 §7.1.1
  if (ip.has_fragment_header) return false;  // RFC 6980 §5
  if (bytes.size() < kNeighbourBytes || bytes[1] != 0 || bytes[8] == 0xff) return false;
  if (!are_options_fit(bytes.subspan(kNeighbourBytes))) return false;
  if (bytes[0] == kNeighbourSolicitation) return !ip.source.is_unspecified() || ip.destination.is_multicast();
  return !ip.source.is_unspecified() && !(ip.destination.is_multicast() && (bytes[4] & kSolicitedFlag) != 0);
}

}  // namespace

ExceptionKind icmp_kind(const IpHeader&, std::span<const std::uint8_t> bytes) noexcept {
  const bool is_echo = bytes.size() >= kIcmpBytes && bytes[0] == kIcmpEchoRequest && bytes[1] == 0;
  return is_echo ? ExceptionKind::Echo : ExceptionKind::None;
}

ExceptionKind icmpv6_kind(const IpHeader& ip, std::span<const std::uint8_t> bytes) noexcept {
  if (bytes.size() < kIcmpBytes) return ExceptionKind::None;
  switch (bytes[0]) {
    case kIcmpv6EchoRequest:
      // To a group it would be an amplifier. RFC 4443 §4.2 lets us be silent.
      return bytes[1] == 0 && !ip.destination.is_multicast() && !ip.source.is_unspecified()
                 ? ExceptionKind::Echo
                 : ExceptionKind::None;
    case kMulticastListenerQuery:
      return ip.hop_limit == 1 && ip.source.is_link_local() && !ip.has_fragment_header
                 ? ExceptionKind::NeighbourDiscovery
                 : ExceptionKind::None;  // RFC 3810 §6.2
    case kNeighbourSolicitation:
    case kNeighbourAdvertisement:
      return is_neighbour_discovery_fit(ip, bytes) ? ExceptionKind::NeighbourDiscovery : ExceptionKind::None;
    default:
      return ExceptionKind::None;
  }
}

}  // namespace sallyport::dataplane
