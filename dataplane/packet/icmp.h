// icmp.h — which ICMP is Linux's to answer: echo (RFC 792, RFC 4443 §4.1), neighbour discovery (RFC 4861
// §7.1) and the queries of multicast listener discovery (RFC 3810 §5.1, §6.2), without which a snooping
// switch would stop delivering solicitations.
#pragma once

#include <cstdint>
#include <span>

#include "dataplane/packet/ip_header.h"
#include "policy/decide/exception_kind.h"

namespace sallyport::dataplane {

inline constexpr std::size_t kIcmpBytes = 8;
inline constexpr std::uint8_t kIcmpEchoRequest = 8;
inline constexpr std::uint8_t kIcmpv6EchoRequest = 128;
inline constexpr std::uint8_t kMulticastListenerQuery = 130;
inline constexpr std::uint8_t kNeighbourSolicitation = 135;
inline constexpr std::uint8_t kNeighbourAdvertisement = 136;

// `bytes` begins with the ICMP header and holds what there is of it; None: nobody here answers it.
[[nodiscard]] policy::ExceptionKind icmp_kind(const IpHeader& ip,
                                              std::span<const std::uint8_t> bytes) noexcept;
[[nodiscard]] policy::ExceptionKind icmpv6_kind(const IpHeader& ip,
                                                std::span<const std::uint8_t> bytes) noexcept;

}  // namespace sallyport::dataplane
