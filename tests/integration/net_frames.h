// net_frames.h — Ethernet frames that the far end of a port sends, and what is in those it gets.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "dataplane/packet/packet_meta.h"
#include "policy/base/ip_address.h"

namespace sallyport::dataplane {

using Frame = std::vector<std::uint8_t>;

struct Host {
  MacAddress mac{};
  IpAddress address;
};

Frame arp_request(const Host& from, const IpAddress& wanted);
Frame arp_reply(const Host& from, const Host& to);
Frame ping(const Host& from, const Host& to, std::size_t payload_bytes = 8);
Frame udp(const Host& from, const Host& to, std::uint16_t port);
Frame neighbour_solicitation(const Host& from, const IpAddress& wanted);

struct ArpSeen {
  int operation = 0;
  MacAddress sender_mac{};
  IpAddress sender, target;
};
std::optional<ArpSeen> arp_in(std::span<const std::uint8_t> frame);
// Type of an ICMP or ICMPv6 message without extension headers; -1 when it is none.
int icmp_type_in(std::span<const std::uint8_t> frame);

}  // namespace sallyport::dataplane
