// netlink_message.h — builds and reads rtnetlink messages (RFC 3549; linux/rtnetlink.h, linux/neighbour.h).
//
// Reading trusts nothing: every length is checked against the octets that are there, so a truncated or false
// message reads as absent, never beyond its end. Pure.
#pragma once

#include <linux/neighbour.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dataplane/packet/packet_meta.h"
#include "policy/base/ip_address.h"

namespace sallyport::dataplane {

// One request. Attributes are appended; finish() sets the length.
class NetlinkRequest {
 public:
  // `family_header` is the fixed part behind nlmsghdr: rtmsg, ndmsg, ifinfomsg, ifaddrmsg.
  template <class FamilyHeader>
  NetlinkRequest(std::uint16_t type, std::uint16_t flags, const FamilyHeader& family_header) {
    nlmsghdr header{};
    header.nlmsg_type = type;
    header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    append(&header, sizeof header);
    append(&family_header, sizeof family_header);
  }

  void add(std::uint16_t attribute, const void* value, std::size_t size);
  void add_u32(std::uint16_t attribute, std::uint32_t value) { add(attribute, &value, sizeof value); }
  void add_text(std::uint16_t attribute, const std::string& text) {
    add(attribute, text.c_str(), text.size() + 1);
  }
  // 4 octets for IPv4, 16 for IPv6.
  void add_address(std::uint16_t attribute, const IpAddress& address);
  // What is added until end_nested() lies inside.
  [[nodiscard]] std::size_t begin_nested(std::uint16_t attribute);
  void end_nested(std::size_t begun);

  [[nodiscard]] std::span<const std::byte> finish(std::uint32_t sequence);
  [[nodiscard]] bool wants_dump() const noexcept { return wants_flags(NLM_F_DUMP); }

 private:
  void append(const void* value, std::size_t size);
  [[nodiscard]] bool wants_flags(std::uint16_t flags) const noexcept;
  std::vector<std::byte> bytes_;
};

// One message inside a received datagram; views into it.
struct NetlinkMessage {
  nlmsghdr header{};
  std::span<const std::byte> payload;
};

// Takes the first message off `rest`; nothing at the end or when what is left is no whole message.
[[nodiscard]] std::optional<NetlinkMessage> next_message(std::span<const std::byte>& rest) noexcept;

// Of NLMSG_ERROR: 0 (an acknowledgement) or a positive errno; EBADMSG when too short to say.
[[nodiscard]] int error_of(const NetlinkMessage& message) noexcept;

struct RouteMessage {
  std::uint8_t type = RTN_UNSPEC;  // RTN_UNICAST is the one that leads to somebody
  int oif = 0;
  std::optional<IpAddress> gateway;
  std::uint32_t mtu = 0;  // 0: none given
};
[[nodiscard]] std::optional<RouteMessage> parse_route(const NetlinkMessage& message) noexcept;

struct NeighbourMessage {
  IpAddress address;
  int ifindex = 0;
  std::uint16_t state = NUD_NONE;
  std::optional<MacAddress> mac;
  bool is_deletion = false;
};
// RTM_NEWNEIGH and RTM_DELNEIGH of IPv4 and IPv6.
[[nodiscard]] std::optional<NeighbourMessage> parse_neighbour(const NetlinkMessage& message) noexcept;

struct LinkMessage {
  int ifindex = 0;
  unsigned flags = 0;
  std::string name;
  std::uint32_t mtu = 0;
  std::optional<MacAddress> mac;
  std::uint8_t xdp_attached = 0;  // XDP_ATTACHED_NONE, _DRV, _SKB, _HW, _MULTI
};
[[nodiscard]] std::optional<LinkMessage> parse_link(const NetlinkMessage& message);

struct AddressMessage {
  int ifindex = 0;
  Prefix address;
};
[[nodiscard]] std::optional<AddressMessage> parse_address(const NetlinkMessage& message) noexcept;

}  // namespace sallyport::dataplane
