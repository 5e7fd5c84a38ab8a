// synthetic_packet.h — a message as one IP packet with UDP, whatever it travelled over: RFC 791, 8200, 768.
//
// Messages of TCP and TLS are shown as UDP too: one packet is one message in clear, any program decodes it
// from whichever message on the capture began, and no sequence number has to be made up.
#pragma once

#include <string>
#include <string_view>

#include "policy/base/ip_address.h"

namespace sallyport::mgmt {

// The most that an IP packet can carry; of longer ones the rest is left out.
inline constexpr std::size_t kSyntheticPayloadMax = 65507;

// The beginning of a datagram whose payload had `length` octets. Without a checksum: the rest is not known.
[[nodiscard]] std::string cut_udp_packet(const Endpoint& from, const Endpoint& to, std::string_view head,
                                         std::size_t length);

[[nodiscard]] std::string udp_packet(const Endpoint& from, const Endpoint& to, std::string_view payload);

}  // namespace sallyport::mgmt
