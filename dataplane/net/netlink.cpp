// netlink.cpp — rtnetlink requests (RFC 3549) of Netlink.
#include "dataplane/net/netlink.h"

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sys/socket.h>

#include <cerrno>
#include <optional>

namespace sallyport::dataplane {
namespace {

std::uint8_t family_of(const IpAddress& address) { return address.is_v4() ? AF_INET : AF_INET6; }
std::uint8_t bits_of(const IpAddress& address) { return address.is_v4() ? 32 : 128; }

NetlinkRequest change_link(int ifindex, unsigned flags, unsigned change) {
  ifinfomsg header{};
  header.ifi_family = AF_UNSPEC;
  header.ifi_index = ifindex;
  header.ifi_flags = flags;
  header.ifi_change = change;
  return NetlinkRequest(RTM_SETLINK, NLM_F_ACK, header);
}

}  // namespace

Result<Netlink, NetError> Netlink::open() {
  auto socket = NetlinkSocket::open();
  if (!socket) return fail(std::move(socket.error()));
  Netlink result;
  result.socket_ = std::move(*socket);
  return result;
}

Result<LinkMessage, int> Netlink::link(const std::string& name) {
  NetlinkRequest request(RTM_GETLINK, NLM_F_ACK, ifinfomsg{});
  request.add_text(IFLA_IFNAME, name);
  std::optional<LinkMessage> found;
  const int error =
      socket_.request(request, [&](const NetlinkMessage& message) { found = parse_link(message); });
  if (error != 0) return fail(error);
  if (!found) return fail(ENODEV);
  return std::move(*found);
}

int Netlink::set_up(int ifindex, bool up) {
  NetlinkRequest request = change_link(ifindex, up ? static_cast<unsigned>(IFF_UP) : 0u, IFF_UP);
  return socket_.request(request);
}

int Netlink::set_link(int ifindex, const LinkSettings& settings) {
  NetlinkRequest request = change_link(ifindex, 0, 0);
  request.add(IFLA_ADDRESS, settings.mac.data(), settings.mac.size());
  request.add_u32(IFLA_MTU, settings.mtu);
  return socket_.request(request);
}

int Netlink::remove_xdp(int ifindex, std::uint32_t flags) {
  NetlinkRequest request = change_link(ifindex, 0, 0);
  const std::size_t nested = request.begin_nested(IFLA_XDP);
  request.add_u32(IFLA_XDP_FD, 0xffffffff);  // -1: none
  request.add_u32(IFLA_XDP_FLAGS, flags);
  request.end_nested(nested);
  return socket_.request(request);
}

int Netlink::add_address(int ifindex, const Prefix& address) {
  ifaddrmsg header{};
  header.ifa_family = family_of(address.address);
  header.ifa_prefixlen = address.length;
  header.ifa_flags = IFA_F_NODAD;
  header.ifa_index = static_cast<unsigned>(ifindex);
  NetlinkRequest request(RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, header);
  request.add_address(IFA_LOCAL, address.address);
  request.add_address(IFA_ADDRESS, address.address);
  return socket_.request(request);
}

Result<std::vector<Prefix>, int> Netlink::addresses(int ifindex) {
  NetlinkRequest request(RTM_GETADDR, NLM_F_DUMP, ifaddrmsg{});
  std::vector<Prefix> found;
  const int error = socket_.request(request, [&](const NetlinkMessage& message) {
    const auto address = parse_address(message);
    if (address && address->ifindex == ifindex) found.push_back(address->address);
  });
  if (error != 0) return fail(error);
  return found;
}

int Netlink::add_default_route(int ifindex, const IpAddress& gateway) {
  rtmsg header{};
  header.rtm_family = family_of(gateway);
  header.rtm_table = RT_TABLE_MAIN;
  header.rtm_protocol = RTPROT_STATIC;
  header.rtm_scope = RT_SCOPE_UNIVERSE;
  header.rtm_type = RTN_UNICAST;
  header.rtm_flags = RTNH_F_ONLINK;  // a gateway outside the port's own networks is common in data centres
  NetlinkRequest request(RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, header);
  request.add_address(RTA_GATEWAY, gateway);
  request.add_u32(RTA_OIF, static_cast<std::uint32_t>(ifindex));
  return socket_.request(request);
}

Result<RouteMessage, int> Netlink::route_to(const IpAddress& destination, int ifindex_of_link_local) {
  rtmsg header{};
  header.rtm_family = family_of(destination);
  header.rtm_dst_len = bits_of(destination);
  NetlinkRequest request(RTM_GETROUTE, NLM_F_ACK, header);
  request.add_address(RTA_DST, destination);
  // Only where it is needed: asked with an interface, IPv4 believes any destination to be on-link.
  if (!destination.is_v4() && destination.is_link_local())
    request.add_u32(RTA_OIF, static_cast<std::uint32_t>(ifindex_of_link_local));
  std::optional<RouteMessage> found;
  const int error =
      socket_.request(request, [&](const NetlinkMessage& message) { found = parse_route(message); });
  if (error != 0) return fail(error);
  if (!found) return fail(ENETUNREACH);
  return *found;
}

Result<NeighbourMessage, int> Netlink::neighbour(int ifindex, const IpAddress& address) {
  ndmsg header{};
  header.ndm_family = family_of(address);
  header.ndm_ifindex = ifindex;
  NetlinkRequest request(RTM_GETNEIGH, NLM_F_ACK, header);
  request.add_address(NDA_DST, address);
  std::optional<NeighbourMessage> found;
  const int error =
      socket_.request(request, [&](const NetlinkMessage& message) { found = parse_neighbour(message); });
  if (error != 0) return fail(error);
  if (!found) return fail(ENOENT);
  return *found;
}

int Netlink::use_neighbour(int ifindex, const IpAddress& address, bool keep) {
  ndmsg header{};
  header.ndm_family = family_of(address);
  header.ndm_ifindex = ifindex;
  header.ndm_state = NUD_NONE;
  header.ndm_flags = keep ? 0 : NTF_USE;
  NetlinkRequest request(RTM_NEWNEIGH, NLM_F_ACK | NLM_F_CREATE, header);
  request.add_address(NDA_DST, address);
  if (keep) request.add_u32(NDA_FLAGS_EXT, NTF_EXT_MANAGED);
  return socket_.request(request);
}

}  // namespace sallyport::dataplane
