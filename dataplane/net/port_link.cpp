// port_link.cpp — netlink requests and events of one port.
#include "dataplane/net/port_link.h"

#include <algorithm>
#include <limits>

namespace sallyport::dataplane {

Result<PortLink, NetError> PortLink::open(const NetworkNamespace& network_namespace, int ifindex) {
  PortLink result;
  result.ifindex_ = ifindex;
  std::optional<NetError> error;
  const auto entered = network_namespace.run([&] {
    auto netlink = Netlink::open();
    auto events = NetlinkSocket::open({RTNLGRP_NEIGH, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE, RTNLGRP_LINK,
                                       RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR});
    if (!netlink || !events) {
      error = std::move(!netlink ? netlink.error() : events.error());
      return;
    }
    result.netlink_ = std::move(*netlink);
    result.events_ = std::move(*events);
  });
  if (!entered) return fail(NetError(entered.error()));
  if (error) return fail(std::move(*error));
  return result;
}

std::optional<RouteAnswer> PortLink::route_to(const IpAddress& destination) {
  const auto route = netlink_.route_to(destination, ifindex_);
  // Local, broadcast, blackhole and their like lead to nobody.
  if (!route || route->type != RTN_UNICAST || route->oif != ifindex_) return std::nullopt;
  const std::uint32_t mtu = std::min<std::uint32_t>(route->mtu, std::numeric_limits<std::uint16_t>::max());
  return RouteAnswer{route->gateway.value_or(destination), static_cast<std::uint16_t>(mtu)};
}

std::optional<NeighbourMessage> PortLink::neighbour(const IpAddress& address) {
  auto known = netlink_.neighbour(ifindex_, address);
  if (!known) return std::nullopt;
  return *known;
}

void PortLink::use_neighbour(const IpAddress& address, bool keep) {
  // A failure shows as a neighbour that does not come.
  static_cast<void>(netlink_.use_neighbour(ifindex_, address, keep));
}

void PortLink::dispatch_events(Timestamp now, AdjacencyResolver& resolver) {
  bool routes_changed = false;
  for (int i = 0; i < kDatagramsMax; ++i) {
    std::span<const std::byte> rest;
    const auto received = events_.receive(rest);
    if (received == NetlinkSocket::Received::Nothing) break;
    if (received == NetlinkSocket::Received::Overflow) {
      resolver.on_overflow(now);
      continue;
    }
    while (const auto message = next_message(rest)) {
      const std::uint16_t type = message->header.nlmsg_type;
      if (type != RTM_NEWNEIGH && type != RTM_DELNEIGH) {
        routes_changed = true;  // of a route, an address or the link
      } else if (const auto event = parse_neighbour(*message); event && event->ifindex == ifindex_) {
        resolver.on_neighbour(now, *event);
      }
    }
  }
  if (routes_changed) resolver.on_routes_changed(now);
}

}  // namespace sallyport::dataplane
