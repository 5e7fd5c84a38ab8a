// ethernet.h — Ethernet II frames with at most one 802.1Q tag: IEEE 802.3, 802.1Q; groups: RFC 2464 §7.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "dataplane/packet/packet_meta.h"
#include "dataplane/pipeline/drop_reason.h"
#include "policy/base/result.h"

namespace sallyport::dataplane {

inline constexpr std::size_t kEthernetBytes = 14;
inline constexpr std::size_t kVlanTagBytes = 4;
inline constexpr std::uint16_t kEthertypeIpv4 = 0x0800;
inline constexpr std::uint16_t kEthertypeArp = 0x0806;
inline constexpr std::uint16_t kEthertypeVlan = 0x8100;
inline constexpr std::uint16_t kEthertypeIpv6 = 0x86dd;
inline constexpr MacAddress kBroadcastMac{0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

struct EthernetHeader {
  MacAddress destination{}, source{};
  std::uint16_t ethertype = 0;
  std::uint16_t vlan = 0;  // 0: untagged, or tagged only with a priority
  std::uint16_t length = 0;
};

// `stripped_tag`: the tag control field that the device took off the frame.
[[nodiscard]] Result<EthernetHeader, DropReason> parse_ethernet(
    std::span<const std::uint8_t> frame, std::optional<std::uint16_t> stripped_tag) noexcept;

// Group bit; broadcast is a group too.
[[nodiscard]] constexpr bool is_group(const MacAddress& mac) noexcept { return (mac[0] & 1) != 0; }

}  // namespace sallyport::dataplane
