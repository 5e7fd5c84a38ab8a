// netlink_message_test.cpp — rtnetlink messages built and read, whole, truncated and false.
#include "dataplane/net/netlink_message.h"

#include <gtest/gtest.h>
#include <linux/if_link.h>
#include <sys/socket.h>

#include <algorithm>

namespace sallyport::dataplane {
namespace {

using Bytes = std::vector<std::byte>;

Bytes bytes_of(NetlinkRequest request) {
  const auto view = request.finish(7);
  return Bytes(view.begin(), view.end());
}

NetlinkMessage message_in(const Bytes& bytes) {
  std::span<const std::byte> rest = bytes;
  return next_message(rest).value_or(NetlinkMessage{});
}

Bytes route_bytes() {
  rtmsg header{};
  header.rtm_family = AF_INET;
  header.rtm_type = RTN_UNICAST;
  NetlinkRequest request(RTM_NEWROUTE, 0, header);
  request.add_u32(RTA_OIF, 5);
  request.add_address(RTA_GATEWAY, IpAddress::v4(0xC61201FE));
  const std::size_t metrics = request.begin_nested(RTA_METRICS);
  request.add_u32(RTAX_MTU, 1400);
  request.end_nested(metrics);
  return bytes_of(std::move(request));
}

Bytes neighbour_bytes(std::uint16_t type = RTM_NEWNEIGH) {
  ndmsg header{};
  header.ndm_family = AF_INET6;
  header.ndm_ifindex = 9;
  header.ndm_state = NUD_REACHABLE;
  NetlinkRequest request(type, 0, header);
  request.add_address(NDA_DST, *IpAddress::parse("fd18:1::2"));
  const MacAddress mac{2, 3, 4, 5, 6, 7};
  request.add(NDA_LLADDR, mac.data(), mac.size());
  return bytes_of(std::move(request));
}

Bytes link_bytes() {
  ifinfomsg header{};
  header.ifi_index = 4;
  header.ifi_flags = 1;
  NetlinkRequest request(RTM_NEWLINK, 0, header);
  request.add_text(IFLA_IFNAME, "s-out");
  request.add_u32(IFLA_MTU, 1500);
  const std::size_t xdp = request.begin_nested(IFLA_XDP);
  const std::uint8_t attached = XDP_ATTACHED_SKB;
  request.add(IFLA_XDP_ATTACHED, &attached, 1);
  request.end_nested(xdp);
  return bytes_of(std::move(request));
}

TEST(NetlinkMessage, ReadsARouteWithGatewayInterfaceAndMtu) {
  const auto route = parse_route(message_in(route_bytes()));
  ASSERT_TRUE(route);
  EXPECT_EQ(route->type, RTN_UNICAST);
  EXPECT_EQ(route->oif, 5);
  EXPECT_EQ(route->gateway, IpAddress::v4(0xC61201FE));
  EXPECT_EQ(route->mtu, 1400u);
}

TEST(NetlinkMessage, ReadsAnIpv4RouteThroughAnIpv6Neighbour) {
  rtmsg header{};
  header.rtm_family = AF_INET;
  NetlinkRequest request(RTM_NEWROUTE, 0, header);
  std::array<std::uint8_t, 18> via{};
  const std::uint16_t family = AF_INET6;
  std::memcpy(via.data(), &family, 2);
  const IpAddress gateway = *IpAddress::parse("fe80::1");
  std::memcpy(via.data() + 2, gateway.bytes().data(), 16);
  request.add(RTA_VIA, via.data(), via.size());
  EXPECT_EQ(parse_route(message_in(bytes_of(std::move(request))))->gateway, gateway);
}

TEST(NetlinkMessage, ReadsANeighbourAndItsDeletion) {
  const auto neighbour = parse_neighbour(message_in(neighbour_bytes()));
  ASSERT_TRUE(neighbour);
  EXPECT_EQ(neighbour->address, *IpAddress::parse("fd18:1::2"));
  EXPECT_EQ(neighbour->ifindex, 9);
  EXPECT_EQ(neighbour->state, NUD_REACHABLE);
  EXPECT_EQ(neighbour->mac, (MacAddress{2, 3, 4, 5, 6, 7}));
  EXPECT_FALSE(neighbour->is_deletion);
  EXPECT_TRUE(parse_neighbour(message_in(neighbour_bytes(RTM_DELNEIGH)))->is_deletion);
}

TEST(NetlinkMessage, ReadsALinkAndItsXdpState) {
  const auto link = parse_link(message_in(link_bytes()));
  ASSERT_TRUE(link);
  EXPECT_EQ(link->name, "s-out");
  EXPECT_EQ(link->ifindex, 4);
  EXPECT_EQ(link->mtu, 1500u);
  EXPECT_EQ(link->xdp_attached, XDP_ATTACHED_SKB);
}

TEST(NetlinkMessage, TellsMessageTypesApart) {
  EXPECT_FALSE(parse_route(message_in(link_bytes())));
  EXPECT_FALSE(parse_neighbour(message_in(route_bytes())));
  EXPECT_FALSE(parse_link(message_in(neighbour_bytes())));
  EXPECT_FALSE(parse_address(message_in(neighbour_bytes())));
}

TEST(NetlinkMessage, ReadsAnErrorAsErrnoAndAShortOneAsBadMessage) {
  std::int32_t error = -ENODEV;
  NetlinkMessage message;
  message.payload = std::as_bytes(std::span(&error, 1));
  EXPECT_EQ(error_of(message), ENODEV);
  message.payload = message.payload.first(3);
  EXPECT_EQ(error_of(message), EBADMSG);
}

TEST(NetlinkMessage, TakesSeveralMessagesOffOneDatagram) {
  Bytes both = route_bytes();
  const Bytes second = link_bytes();
  both.insert(both.end(), second.begin(), second.end());
  std::span<const std::byte> rest = both;
  EXPECT_EQ(next_message(rest)->header.nlmsg_type, RTM_NEWROUTE);
  EXPECT_EQ(next_message(rest)->header.nlmsg_type, RTM_NEWLINK);
  EXPECT_FALSE(next_message(rest));
}

// Every cut of every message, in a buffer of exactly that size so that a sanitizer sees one octet too far.
TEST(NetlinkMessage, ReadsNothingBeyondATruncatedMessage) {
  for (const Bytes& whole : {route_bytes(), neighbour_bytes(), link_bytes()}) {
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
      std::span<const std::byte> rest = cut;
      EXPECT_FALSE(next_message(rest)) << size;  // its length says more than there is
      if (size < sizeof(nlmsghdr)) continue;
      NetlinkMessage message;
      std::memcpy(&message.header, cut.data(), sizeof(nlmsghdr));
      message.payload = std::span(cut).subspan(sizeof(nlmsghdr));
      static_cast<void>(parse_route(message));
      static_cast<void>(parse_neighbour(message));
      static_cast<void>(parse_link(message));
      static_cast<void>(parse_address(message));
    }
  }
}

TEST(NetlinkMessage, SurvivesAnyOctetBeingFalse) {
  for (const Bytes& whole : {route_bytes(), neighbour_bytes(), link_bytes()}) {
    for (std::size_t at = 0; at < whole.size(); ++at) {
      for (const int value : {0, 1, 3, 0x7f, 0xff}) {
        Bytes bent = whole;
        bent[at] = static_cast<std::byte>(value);
        std::span<const std::byte> rest = bent;
        while (const auto message = next_message(rest)) {
          static_cast<void>(parse_route(*message));
          static_cast<void>(parse_neighbour(*message));
          static_cast<void>(parse_link(*message));
          static_cast<void>(parse_address(*message));
        }
      }
    }
  }
}

TEST(NetlinkMessage, RefusesAddressesOfTheWrongSize) {
  ndmsg header{};
  header.ndm_family = AF_INET;
  NetlinkRequest request(RTM_NEWNEIGH, 0, header);
  request.add_address(NDA_DST, *IpAddress::parse("fd18:1::2"));  // 16 octets where 4 belong
  EXPECT_FALSE(parse_neighbour(message_in(bytes_of(std::move(request)))));
}

}  // namespace
}  // namespace sallyport::dataplane
