// packet_meta.h — what the stages have found out about one packet; travels with it (in the mbuf's private
// area) from the lcore that received it to the shard or the stream thread. No DPDK here.
#pragma once

#include <array>
#include <cstdint>

#include "policy/base/ip_address.h"
#include "policy/decide/exception_kind.h"
#include "policy/decide/trust_class.h"
#include "policy/model/index.h"

namespace sallyport::dataplane {

using MacAddress = std::array<std::uint8_t, 6>;

inline constexpr std::uint16_t kNoLocalAddress = 0xffff;

enum class PacketClass : std::uint8_t { Unknown, Media, Signalling, Exception };

// Offsets count octets from the first octet of the Ethernet frame. Ports and lengths in host byte order.
struct PacketMeta {
  IpAddress source;
  IpAddress destination;
  std::uint16_t source_port = 0;  // UDP, TCP, and an ICMP error: of the flow it quotes, remote then local
  std::uint16_t destination_port = 0;
  std::uint16_t l3_offset = 0;       // IP or ARP header
  std::uint16_t l4_offset = 0;       // after IP header and extension headers
  std::uint16_t payload_offset = 0;  // UDP: first octet of data
  std::uint16_t payload_length = 0;  // UDP: octets of data, as the UDP header says
  std::uint16_t l4_length = 0;  // transport header and data, or a fragment's data; no padding of the frame
  std::uint16_t local_address = kNoLocalAddress;  // destination among the own addresses: PortTable's number
  PortIndex port = PortIndex::kNone;
  RealmIndex realm = RealmIndex::kNone;
  ListenerIndex listener = ListenerIndex::kNone;
  PeerIndex peer = PeerIndex::kNone;
  TrustClass trust = TrustClass::Untrusted;
  PacketClass packet_class = PacketClass::Unknown;
  std::uint8_t ip_protocol = 0;  // of the transport header: 17 UDP, 6 TCP, 1 ICMP, 58 ICMPv6
  std::uint8_t shard = 0;
  policy::ExceptionKind exception = policy::ExceptionKind::None;
  bool is_arp : 1 = false;
  bool is_fragment : 1 = false;         // not yet reassembled
  bool was_fragmented : 1 = false;      // reassembled, or an IPv6 packet with a fragment header of no effect
  bool checksum_half_done : 1 = false;  // the L4 checksum holds only the pseudo header's sum
  bool checksum_pending : 1 = false;    // nobody has looked at the L4 checksum; the guard will
  bool may_be_half_done : 1 = false;    // only while pending: the port completes checksums
  bool is_tcp_syn : 1 = false;          // and nothing else: neither ACK, RST nor FIN
  bool is_proved : 1 = false;           // untrusted, but its flow has earned trust (decide/earned_trust.h)
  friend bool operator==(const PacketMeta&, const PacketMeta&) = default;
};
// One cache line: the buffers' private area begins with one.
static_assert(sizeof(PacketMeta) <= 64);

}  // namespace sallyport::dataplane
