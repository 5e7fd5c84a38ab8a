// header_writer.h — writes Ethernet, 802.1Q, IPv4 or IPv6, and UDP headers in front of a datagram's data:
// RFC 894, RFC 791, RFC 8200, RFC 768.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "dataplane/packet/packet_meta.h"

namespace sallyport::dataplane {

// What PacketMeta (source = our side) does not say about a datagram to send.
struct HeaderFields {
  MacAddress destination{}, source{};
  std::optional<std::uint16_t> vlan{};
  std::uint8_t dscp = 0;  // 0..63
  std::uint8_t hop_limit = 64;
  std::uint16_t identification = 0;  // IPv4
  bool dont_fragment = false;        // IPv4
};

using Octets = std::span<const std::uint8_t>;

// Octets of all headers in front of the data: at most 66.
[[nodiscard]] std::size_t headers_size(const PacketMeta& meta, bool is_tagged) noexcept;
[[nodiscard]] std::size_t ethernet_size(bool is_tagged) noexcept;

// Fills `head_room`, which has headers_size() octets and ends where the data begins. `payload`: the data, in
// the pieces of a chain; together at most 65,507 octets (IPv4) or 65,527 (IPv6). The UDP checksum is whole.
// Takes addresses and ports from `meta`, and sets its offsets, lengths and protocol to what was written.
void write_headers(std::span<std::uint8_t> head_room, PacketMeta& meta, const HeaderFields& fields,
                   std::span<const Octets> payload) noexcept;

// Only the Ethernet header, in front of an IP packet that is there already (a fragment).
void write_ethernet(std::span<std::uint8_t> head_room, const HeaderFields& fields,
                    std::uint16_t ethertype) noexcept;

}  // namespace sallyport::dataplane
