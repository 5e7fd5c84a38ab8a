// netlink_message.cpp — rtnetlink messages to and from octets.
#include "dataplane/net/netlink_message.h"

#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <sys/socket.h>

#include <cerrno>

namespace sallyport::dataplane {
namespace {

constexpr std::size_t align4(std::size_t n) noexcept { return (n + 3) & ~std::size_t{3}; }

template <class T>
std::optional<T> read_as(std::span<const std::byte> bytes) noexcept {
  if (bytes.size() < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

struct Attribute {
  std::uint16_t type = 0;
  std::span<const std::byte> value;
};

std::optional<Attribute> next_attribute(std::span<const std::byte>& rest) noexcept {
  const auto header = read_as<rtattr>(rest);
  if (!header || header->rta_len < sizeof(rtattr) || header->rta_len > rest.size()) return std::nullopt;
  const Attribute attribute{static_cast<std::uint16_t>(header->rta_type & NLA_TYPE_MASK),
                            rest.subspan(sizeof(rtattr), header->rta_len - sizeof(rtattr))};
  rest = rest.subspan(std::min(align4(header->rta_len), rest.size()));
  return attribute;
}

std::optional<IpAddress> address_from(unsigned family, std::span<const std::byte> value) noexcept {
  if (family == AF_INET && value.size() == 4) return IpAddress::v4_from_wire(value.data());
  if (family == AF_INET6 && value.size() == 16) return IpAddress::v6_from_wire(value.data());
  return std::nullopt;
}

std::optional<MacAddress> mac_from(std::span<const std::byte> value) noexcept {
  MacAddress mac{};
  if (value.size() != mac.size()) return std::nullopt;
  std::memcpy(mac.data(), value.data(), mac.size());
  return mac;
}

// The family header, and the attributes behind it.
template <class FamilyHeader>
std::optional<FamilyHeader> open_payload(const NetlinkMessage& message,
                                         std::span<const std::byte>& attributes) noexcept {
  const auto header = read_as<FamilyHeader>(message.payload);
  if (header)
    attributes = message.payload.subspan(std::min(align4(sizeof(FamilyHeader)), message.payload.size()));
  return header;
}

}  // namespace

void NetlinkRequest::append(const void* value, std::size_t size) {
  const std::size_t at = bytes_.size();
  bytes_.resize(align4(at + size));
  if (size != 0) std::memcpy(bytes_.data() + at, value, size);
}

bool NetlinkRequest::wants_flags(std::uint16_t flags) const noexcept {
  return (read_as<nlmsghdr>(bytes_)->nlmsg_flags & flags) == flags;
}

void NetlinkRequest::add(std::uint16_t attribute, const void* value, std::size_t size) {
  rtattr header{};
  header.rta_len = static_cast<std::uint16_t>(sizeof header + size);
  header.rta_type = attribute;
  append(&header, sizeof header);
  append(value, size);
}

void NetlinkRequest::add_address(std::uint16_t attribute, const IpAddress& address) {
  const auto& bytes = address.bytes();
  if (address.is_v4())
    add(attribute, bytes.data() + 12, 4);
  else
    add(attribute, bytes.data(), 16);
}

std::size_t NetlinkRequest::begin_nested(std::uint16_t attribute) {
  const std::size_t begun = bytes_.size();
  add(static_cast<std::uint16_t>(attribute | NLA_F_NESTED), nullptr, 0);
  return begun;
}

void NetlinkRequest::end_nested(std::size_t begun) {
  const auto length = static_cast<std::uint16_t>(bytes_.size() - begun);
  std::memcpy(bytes_.data() + begun, &length, sizeof length);
}

std::span<const std::byte> NetlinkRequest::finish(std::uint32_t sequence) {
  nlmsghdr header{};
  std::memcpy(&header, bytes_.data(), sizeof header);
  header.nlmsg_len = static_cast<std::uint32_t>(bytes_.size());
  header.nlmsg_seq = sequence;
  std::memcpy(bytes_.data(), &header, sizeof header);
  return bytes_;
}

std::optional<NetlinkMessage> next_message(std::span<const std::byte>& rest) noexcept {
  const auto header = read_as<nlmsghdr>(rest);
  if (!header || header->nlmsg_len < sizeof(nlmsghdr) || header->nlmsg_len > rest.size()) return std::nullopt;
  const NetlinkMessage message{*header, rest.subspan(sizeof(nlmsghdr), header->nlmsg_len - sizeof(nlmsghdr))};
  rest = rest.subspan(std::min(align4(header->nlmsg_len), rest.size()));
  return message;
}

int error_of(const NetlinkMessage& message) noexcept {
  const auto error = read_as<std::int32_t>(message.payload);
  return error ? -*error : EBADMSG;
}

std::optional<RouteMessage> parse_route(const NetlinkMessage& message) noexcept {
  std::span<const std::byte> rest;
  const auto header = open_payload<rtmsg>(message, rest);
  if (message.header.nlmsg_type != RTM_NEWROUTE || !header) return std::nullopt;
  RouteMessage route;
  route.type = header->rtm_type;
  while (const auto attribute = next_attribute(rest)) {
    if (attribute->type == RTA_OIF) route.oif = read_as<std::int32_t>(attribute->value).value_or(0);
    if (attribute->type == RTA_GATEWAY) route.gateway = address_from(header->rtm_family, attribute->value);
    if (attribute->type == RTA_VIA) {  // an IPv4 route through an IPv6 neighbour (RFC 8950)
      const auto family = read_as<std::uint16_t>(attribute->value);
      if (family) route.gateway = address_from(*family, attribute->value.subspan(sizeof *family));
    }
    if (attribute->type != RTA_METRICS) continue;
    std::span<const std::byte> metrics = attribute->value;
    while (const auto metric = next_attribute(metrics))
      if (metric->type == RTAX_MTU) route.mtu = read_as<std::uint32_t>(metric->value).value_or(0);
  }
  return route;
}

std::optional<NeighbourMessage> parse_neighbour(const NetlinkMessage& message) noexcept {
  std::span<const std::byte> rest;
  const auto header = open_payload<ndmsg>(message, rest);
  const bool is_deletion = message.header.nlmsg_type == RTM_DELNEIGH;
  if ((!is_deletion && message.header.nlmsg_type != RTM_NEWNEIGH) || !header) return std::nullopt;
  NeighbourMessage neighbour;
  neighbour.ifindex = header->ndm_ifindex;
  neighbour.state = header->ndm_state;
  neighbour.is_deletion = is_deletion;
  bool has_address = false;
  while (const auto attribute = next_attribute(rest)) {
    if (attribute->type == NDA_LLADDR) neighbour.mac = mac_from(attribute->value);
    if (attribute->type != NDA_DST) continue;
    const auto address = address_from(header->ndm_family, attribute->value);
    if (!address) continue;
    neighbour.address = *address;
    has_address = true;
  }
  if (!has_address) return std::nullopt;
  return neighbour;
}

std::optional<LinkMessage> parse_link(const NetlinkMessage& message) {
  std::span<const std::byte> rest;
  const auto header = open_payload<ifinfomsg>(message, rest);
  if (message.header.nlmsg_type != RTM_NEWLINK || !header) return std::nullopt;
  LinkMessage link;
  link.ifindex = header->ifi_index;
  link.flags = header->ifi_flags;
  while (const auto attribute = next_attribute(rest)) {
    const auto value = attribute->value;
    if (attribute->type == IFLA_IFNAME)
      link.name.assign(reinterpret_cast<const char*>(value.data()),
                       strnlen(reinterpret_cast<const char*>(value.data()), value.size()));
    if (attribute->type == IFLA_MTU) link.mtu = read_as<std::uint32_t>(value).value_or(0);
    if (attribute->type == IFLA_ADDRESS) link.mac = mac_from(value);
    if (attribute->type != IFLA_XDP) continue;
    std::span<const std::byte> xdp = value;
    while (const auto part = next_attribute(xdp))
      if (part->type == IFLA_XDP_ATTACHED) link.xdp_attached = read_as<std::uint8_t>(part->value).value_or(0);
  }
  return link;
}

std::optional<AddressMessage> parse_address(const NetlinkMessage& message) noexcept {
  std::span<const std::byte> rest;
  const auto header = open_payload<ifaddrmsg>(message, rest);
  if (message.header.nlmsg_type != RTM_NEWADDR || !header) return std::nullopt;
  std::optional<IpAddress> address, local;
  while (const auto attribute = next_attribute(rest)) {
    if (attribute->type == IFA_ADDRESS) address = address_from(header->ifa_family, attribute->value);
    if (attribute->type == IFA_LOCAL) local = address_from(header->ifa_family, attribute->value);
  }
  // On a point-to-point link IFA_ADDRESS is the far end and IFA_LOCAL ours.
  if (local) address = local;
  if (!address) return std::nullopt;
  return AddressMessage{static_cast<int>(header->ifa_index), Prefix{*address, header->ifa_prefixlen}};
}

}  // namespace sallyport::dataplane
