// ethernet.cpp — reads the Ethernet header.
#include "dataplane/packet/ethernet.h"

#include <algorithm>

#include "dataplane/packet/wire.h"

namespace sallyport::dataplane {
namespace {

constexpr std::uint16_t vlan_of(std::uint16_t tag_control) noexcept { return tag_control & 0x0fff; }

}  // namespace

Result<EthernetHeader, DropReason> parse_ethernet(std::span<const std::uint8_t> frame,
                                                  std::optional<std::uint16_t> stripped_tag) noexcept {
  if (frame.size() < kEthernetBytes) return fail(DropReason::RuntFrame);
  EthernetHeader header;
  std::copy_n(frame.begin(), 6, header.destination.begin());
  std::copy_n(frame.begin() + 6, 6, header.source.begin());
  header.ethertype = load16(frame.data() + 12);
  header.length = kEthernetBytes;
  if (stripped_tag) header.vlan = vlan_of(*stripped_tag);
  if (header.ethertype != kEthertypeVlan) return header;
  if (frame.size() < kEthernetBytes + kVlanTagBytes) return fail(DropReason::RuntFrame);
  const std::uint16_t vlan = vlan_of(load16(frame.data() + kEthernetBytes));
  // Two tags: no port of ours can be meant.
  if (header.vlan != 0 || vlan == 0x0fff) return fail(DropReason::UnknownVlan);
  header.vlan = vlan;
  header.ethertype = load16(frame.data() + kEthernetBytes + 2);
  header.length = kEthernetBytes + kVlanTagBytes;
  if (header.ethertype == kEthertypeVlan) return fail(DropReason::UnknownVlan);
  return header;
}

}  // namespace sallyport::dataplane
