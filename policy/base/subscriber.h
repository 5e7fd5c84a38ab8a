// subscriber.h — what one subscriber has of the addresses: one of IPv4, a /64 of IPv6, of which a host takes
// as many as it likes (RFC 6177, RFC 8981). Who is counted or blocked by address is counted and blocked by
// this.
#pragma once

#include "policy/base/ip_address.h"

namespace sallyport {

inline constexpr std::uint8_t kIpv6SubscriberBits = 64;

[[nodiscard]] inline Prefix subscriber_of(const IpAddress& address) noexcept {
  if (address.is_v4()) return {address, 32};
  return {masked(address, kIpv6SubscriberBits), kIpv6SubscriberBits};
}

}  // namespace sallyport
