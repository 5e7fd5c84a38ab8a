// packet_builder.h — frames for tests, layer in layer, right unless a field says otherwise; and the small
// configuration that they are meant for.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "dataplane/packet/packet_meta.h"
#include "dataplane/packet/port_table.h"
#include "policy/base/ip_address.h"
#include "policy/model/sbc_config.h"

namespace sallyport::test {

using Bytes = std::vector<std::uint8_t>;

inline constexpr dataplane::MacAddress kOurMac{0x02, 0, 0, 0, 0, 0x01};
inline constexpr dataplane::MacAddress kTheirMac{0x02, 0, 0, 0, 0, 0x99};

[[nodiscard]] IpAddress ip(std::string_view text);  // aborts when it is none
[[nodiscard]] Bytes bytes_of(std::string_view text);
[[nodiscard]] Bytes joined(const Bytes& first, const Bytes& second);

struct EthernetFields {
  dataplane::MacAddress destination = kOurMac, source = kTheirMac;
  std::optional<std::uint16_t> vlan{};
  std::optional<std::uint16_t> ethertype{};  // default: as the payload's first half octet says
};
[[nodiscard]] Bytes ethernet(const Bytes& payload, const EthernetFields& fields = {});

struct Ipv4Fields {
  std::string_view source = "198.18.1.2", destination = "198.18.1.1";
  std::uint8_t protocol = 17, hop_limit = 64;
  std::uint16_t identification = 1;
  std::uint16_t fragment_offset = 0;  // octets
  bool more_fragments = false;
  Bytes options{};  // a multiple of 4 octets
};
[[nodiscard]] Bytes ipv4(const Bytes& payload, const Ipv4Fields& fields = {});

struct Ipv6Fields {
  std::string_view source = "fd18:1::2", destination = "fd18:1::1";
  std::uint8_t next_header = 17, hop_limit = 64;
};
// Extension headers are part of the payload.
[[nodiscard]] Bytes ipv6(const Bytes& payload, const Ipv6Fields& fields = {});
// An extension header of a multiple of 8 octets: type of the next one, then `options` padded with PadN.
[[nodiscard]] Bytes extension(std::uint8_t next_header, Bytes options = {});
struct FragmentFields {
  std::uint8_t next_header = 17;
  std::uint16_t offset = 0;  // octets
  bool more = false;
  std::uint32_t identification = 1;
};
[[nodiscard]] Bytes fragment_header(const FragmentFields& fields);

enum class Sum { Whole, HalfDone, None, Wrong };
struct UdpFields {
  std::string_view source = "198.18.1.2", destination = "198.18.1.1";
  std::uint16_t source_port = 5060, destination_port = 5060;
  Sum sum = Sum::Whole;
  std::optional<std::uint16_t> length{};
};
[[nodiscard]] Bytes udp(const Bytes& payload, const UdpFields& fields = {});
[[nodiscard]] Bytes tcp_syn(std::string_view source, std::string_view destination,
                            std::uint16_t destination_port);
// ICMP for IPv4 addresses, ICMPv6 for IPv6 ones. `rest`: what follows type, code and checksum.
[[nodiscard]] Bytes icmp(std::string_view source, std::string_view destination, std::uint8_t type,
                         const Bytes& rest, std::uint8_t code = 0);
[[nodiscard]] Bytes neighbour_rest(std::string_view target, std::uint8_t flags = 0);

struct ArpFields {
  std::string_view sender = "198.18.1.2", target = "198.18.1.1";
  dataplane::MacAddress sender_mac = kTheirMac;
  std::uint16_t operation = 1;
};
[[nodiscard]] Bytes arp(const ArpFields& fields = {});

// Whole frames from the carrier (198.18.1.2, fd18:1::2) to the listener of the port `outside`.
[[nodiscard]] Bytes sip_frame_v4(std::string_view text = "OPTIONS");
[[nodiscard]] Bytes sip_frame_v6(std::string_view text = "OPTIONS");

// Port 0 `outside`: 198.18.1.1/24, fd18:1::1/64, gateway 198.18.1.254, untrusted realm with UDP 5060 and
// 5070; peer `carrier` 198.18.1.2 and fd18:1::2; 192.0.2.0/24 denied. Port 1 `tagged`: VLAN 7 of the same
// device, 198.18.7.1/24, trusted realm `lan` with UDP 5060, checksums verified.
[[nodiscard]] SbcConfig small_config();
[[nodiscard]] dataplane::PortTable ports_of(const SbcConfig& config);

}  // namespace sallyport::test
