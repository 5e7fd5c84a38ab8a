// drop_reason.h — why the data plane did not carry a packet. Each has one counter for each port and a test.
//
// The names are values of the label `reason` of sallyport_dataplane_dropped_total.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sallyport::dataplane {

enum class DropReason : std::uint8_t {
  // parse
  RuntFrame,            // shorter than the headers it announces
  OtherDestinationMac,  // not to our MAC, not broadcast, not a group of ours
  UnknownVlan,          // a tag that no port of this device has
  UnknownEthertype,     // neither IPv4, IPv6 nor ARP
  BadIpHeader,          // version, header length or total length that cannot be
  BadIpChecksum,
  BadExtensionHeader,  // IPv6 chain too long, out of bounds, or a routing header
  BadSourceAddress,    // multicast, broadcast, loopback, unspecified or one of our own
  NotOurAddress,       // destination is no address of this port: Sallyport is no router
  BadUdpHeader,
  BadL4Checksum,
  // fragments
  FragmentInvalid,  // overlap, wrong size, beyond 64 KiB
  FragmentTableFull,
  FragmentSourceLimit,  // this source holds its share of the table
  FragmentTimeout,      // the rest never came
  TcpFragment,          // TCP has path MTU discovery; who sends pieces wants to get past a filter
  // guard
  Denied,
  Blocked,
  SourceRate,
  PrefixRate,
  UnknownRate,  // the budget of all unknown sources together
  TcpSynRate,   // new connections of this source
  PeerRate,     // a configured peer's datagrams, beyond what its limits of calls can need
  // classify
  NoListener,      // UDP to a port where nobody listens
  UnusedProtocol,  // neither UDP, nor anything Linux may have here
  TcpNotAdmitted,  // neither opens a connection to a listener, nor belongs to one that there is
  IcmpNotEcho,
  ArpBudget,
  NeighbourDiscoveryBudget,
  EchoBudget,
  ErrorQuotesNoFlow,  // ICMP error about a datagram that no listener of ours sent
  ErrorBudget,        // ICMP errors about our own flows
  FlowBudget,         // segments of connections, answers to questions: more than Linux should get
  ServiceBudget,      // datagrams for services of the port
  // media
  MediaRefused,  // the relay did not let it through; why is counted by realm (media::MediaDropReason)
  // hand-over
  ShardRingFull,     // known peers' datagrams too
  TrustedShareFull,  // of the way to a signalling thread, taken by what is trusted or proved
  StrangerShareFull,
  TrustedOverload,  // waited there too long: the signalling thread has more to do than time
  StrangerOverload,
  StreamRingFull,
  LcoreRingFull,          // what known peers sent, and what we send, on the way to another lcore
  LcoreTrustedShareFull,  // of that way, taken by what is trusted or proved
  LcoreStrangerShareFull,
  LcoreMediaShareFull,  // taken by packets for media ports
  Stopping,             // the calls are saved: from then on nothing may change them
  BadStun,              // on a SIP listener: neither sound nor a binding request
  // transmit
  NoRoute,
  NoNeighbour,
  HoldQueueFull,
  TooBig,
  EgressNotAllowed,    // Linux in the port's namespace sent what it has no business with
  LinuxFlowTableFull,  // no room to remember a flow of Linux's: its answer would not find back
  NoBuffer,
  DeviceQueueFull,
  kCount
};

inline constexpr std::size_t kDropReasonCount = static_cast<std::size_t>(DropReason::kCount);

inline constexpr std::array<std::string_view, kDropReasonCount> kDropReasonNames{"runt_frame",
                                                                                 "other_destination_mac",
                                                                                 "unknown_vlan",
                                                                                 "unknown_ethertype",
                                                                                 "bad_ip_header",
                                                                                 "bad_ip_checksum",
                                                                                 "bad_extension_header",
                                                                                 "bad_source_address",
                                                                                 "not_our_address",
                                                                                 "bad_udp_header",
                                                                                 "bad_l4_checksum",
                                                                                 "fragment_invalid",
                                                                                 "fragment_table_full",
                                                                                 "fragment_source_limit",
                                                                                 "fragment_timeout",
                                                                                 "tcp_fragment",
                                                                                 "denied",
                                                                                 "blocked",
                                                                                 "source_rate",
                                                                                 "prefix_rate",
                                                                                 "unknown_rate",
                                                                                 "tcp_syn_rate",
                                                                                 "peer_rate",
                                                                                 "no_listener",
                                                                                 "unused_protocol",
                                                                                 "tcp_not_admitted",
                                                                                 "icmp_not_echo",
                                                                                 "arp_budget",
                                                                                 "neighbour_discovery_budget",
                                                                                 "echo_budget",
                                                                                 "error_quotes_no_flow",
                                                                                 "error_budget",
                                                                                 "flow_budget",
                                                                                 "service_budget",
                                                                                 "media_refused",
                                                                                 "shard_ring_full",
                                                                                 "trusted_share_full",
                                                                                 "stranger_share_full",
                                                                                 "trusted_overload",
                                                                                 "stranger_overload",
                                                                                 "stream_ring_full",
                                                                                 "lcore_ring_full",
                                                                                 "lcore_trusted_share_full",
                                                                                 "lcore_stranger_share_full",
                                                                                 "lcore_media_share_full",
                                                                                 "stopping",
                                                                                 "bad_stun",
                                                                                 "no_route",
                                                                                 "no_neighbour",
                                                                                 "hold_queue_full",
                                                                                 "too_big",
                                                                                 "egress_not_allowed",
                                                                                 "linux_flow_table_full",
                                                                                 "no_buffer",
                                                                                 "device_queue_full"};

[[nodiscard]] constexpr std::string_view to_string(DropReason reason) noexcept {
  return kDropReasonNames[static_cast<std::size_t>(reason)];
}

}  // namespace sallyport::dataplane
