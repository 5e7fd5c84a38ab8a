// arp.cpp — reads an ARP packet.
#include "dataplane/packet/arp.h"

#include <algorithm>

#include "dataplane/packet/ethernet.h"
#include "dataplane/packet/wire.h"

namespace sallyport::dataplane {

Result<ArpPacket, DropReason> parse_arp(std::span<const std::uint8_t> packet) noexcept {
  if (packet.size() < kArpBytes) return fail(DropReason::RuntFrame);
  const std::uint8_t* at = packet.data();
  const bool is_ethernet_ipv4 =
      load16(at) == 1 && load16(at + 2) == kEthertypeIpv4 && at[4] == 6 && at[5] == 4;
  const std::uint16_t operation = load16(at + 6);
  if (!is_ethernet_ipv4 || (operation != 1 && operation != 2)) return fail(DropReason::UnusedProtocol);
  ArpPacket arp;
  arp.is_request = operation == 1;
  std::copy_n(at + 8, 6, arp.sender_mac.begin());
  arp.sender = IpAddress::v4_from_wire(at + 14);
  arp.target = IpAddress::v4_from_wire(at + 24);
  return arp;
}

}  // namespace sallyport::dataplane
