// netlink.h — what Sallyport asks and orders of Linux networking in one namespace, one method each.
//
// Failures are positive errno values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dataplane/net/netlink_socket.h"
#include "policy/base/ip_address.h"

namespace sallyport::dataplane {

struct LinkSettings {
  MacAddress mac{};
  std::uint16_t mtu = 1500;
};

class Netlink {
 public:
  // In the network namespace of the calling thread; stays there whichever thread uses it.
  [[nodiscard]] static Result<Netlink, NetError> open();

  [[nodiscard]] Result<LinkMessage, int> link(const std::string& name);
  [[nodiscard]] int set_up(int ifindex, bool up);
  [[nodiscard]] int set_link(int ifindex, const LinkSettings& settings);
  // `flags` XDP_FLAGS_*_MODE says which of the attached programs goes.
  [[nodiscard]] int remove_xdp(int ifindex, std::uint32_t flags);

  [[nodiscard]] int add_address(int ifindex, const Prefix& address);  // usable at once (nodad)
  [[nodiscard]] Result<std::vector<Prefix>, int> addresses(int ifindex);
  [[nodiscard]] int add_default_route(int ifindex, const IpAddress& gateway);  // believed on-link

  // The route that a packet of ours to `destination` takes. ENETUNREACH and the like when there is none.
  [[nodiscard]] Result<RouteMessage, int> route_to(const IpAddress& destination, int ifindex_of_link_local);
  // ENOENT when Linux knows nothing of it.
  [[nodiscard]] Result<NeighbourMessage, int> neighbour(int ifindex, const IpAddress& address);
  // As if a packet were sent to it: resolved or verified. `keep`: and kept so from now on.
  [[nodiscard]] int use_neighbour(int ifindex, const IpAddress& address, bool keep);

 private:
  NetlinkSocket socket_;
};

}  // namespace sallyport::dataplane
