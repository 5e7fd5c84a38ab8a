// arp.h — ARP for IPv4 over Ethernet: RFC 826; probes and announcements: RFC 5227.
#pragma once

#include <cstdint>
#include <span>

#include "dataplane/packet/packet_meta.h"
#include "dataplane/pipeline/drop_reason.h"
#include "policy/base/result.h"

namespace sallyport::dataplane {

inline constexpr std::size_t kArpBytes = 28;

struct ArpPacket {
  bool is_request = false;
  MacAddress sender_mac{};
  IpAddress sender, target;
  // Tells all neighbours where `sender` is now: RFC 5227 §1.1.
  [[nodiscard]] bool is_announcement() const noexcept { return sender == target; }
};

[[nodiscard]] Result<ArpPacket, DropReason> parse_arp(std::span<const std::uint8_t> packet) noexcept;

}  // namespace sallyport::dataplane
