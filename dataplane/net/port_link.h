// port_link.h — Linux's routes and neighbours in one port's namespace: asked for, and heard of when they
// change.
#pragma once

#include "dataplane/net/adjacency_resolver.h"
#include "dataplane/net/net_error.h"
#include "dataplane/net/netlink.h"
#include "dataplane/net/netlink_socket.h"
#include "dataplane/net/network_namespace.h"

namespace sallyport::dataplane {

class PortLink final : public LinuxNeighbours {
 public:
  // `ifindex`: of the port's tap in that namespace.
  [[nodiscard]] static Result<PortLink, NetError> open(const NetworkNamespace& network_namespace,
                                                       int ifindex);

  [[nodiscard]] std::optional<RouteAnswer> route_to(const IpAddress& destination) override;
  [[nodiscard]] std::optional<NeighbourMessage> neighbour(const IpAddress& address) override;
  void use_neighbour(const IpAddress& address, bool keep) override;

  // Readable when there are events.
  [[nodiscard]] int event_fd() const noexcept { return events_.fd(); }
  // Hands the events that are there to the resolver; one call handles a bounded number of them.
  void dispatch_events(Timestamp now, AdjacencyResolver& resolver);
  [[nodiscard]] NetlinkSocket& events() noexcept { return events_; }

 private:
  static constexpr int kDatagramsMax = 64;
  PortLink() = default;

  Netlink netlink_;
  NetlinkSocket events_;
  int ifindex_ = 0;
};

}  // namespace sallyport::dataplane
