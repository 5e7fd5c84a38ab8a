// exception_kind.h — what of the traffic for a port's own addresses is neither signalling nor media, but
// still taken, within a budget: Linux's to answer, or an error that quotes what we sent.
#pragma once

#include <cstdint>

namespace sallyport::policy {

enum class ExceptionKind : std::uint8_t {
  Arp,
  NeighbourDiscovery,  // and the queries by which a switch learns where groups have listeners
  Echo,
  Unreachable,  // ICMP error about a datagram of ours: consumed here, never Linux's
  PathError,    // ICMP error about a TCP flow of Linux's
  Handshake,    // TCP SYN to a listener or to a service of the port
  Flow,         // belongs to a flow that Linux has
  Service,      // a datagram for a service of the port
  None,
  kCount = None
};

}  // namespace sallyport::policy
