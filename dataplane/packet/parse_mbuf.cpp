// parse_mbuf.cpp — reads frames out of mbufs.
#include "dataplane/packet/parse_mbuf.h"

#include <algorithm>
#include <array>
#include <span>

#include "dataplane/packet/ordinary_packet.h"
#include "dataplane/packet/parse_packet.h"

namespace sallyport::dataplane {
namespace {

// What a device has already found out about the transport checksum.
bool is_verified_by_device(const rte_mbuf& packet, PacketMeta& meta) noexcept {
  const std::uint64_t found = packet.ol_flags & RTE_MBUF_F_RX_L4_CKSUM_MASK;
  if (found == RTE_MBUF_F_RX_L4_CKSUM_GOOD) return true;
  if (found != RTE_MBUF_F_RX_L4_CKSUM_NONE) return false;
  // The data is known to be right, the checksum in the packet is not there yet (a virtual machine next door).
  meta.checksum_half_done = true;
  return true;
}

using Scratch = std::array<std::uint8_t, kHeadBytes>;

std::span<const std::uint8_t> first_segment(const rte_mbuf& packet) noexcept {
  return {rte_pktmbuf_mtod(&packet, const std::uint8_t*), packet.data_len};
}

// The first octets in one piece; those of a chain are copied.
std::span<const std::uint8_t> head_of(const rte_mbuf* packet, Scratch& scratch) noexcept {
  if (packet->nb_segs == 1) return first_segment(*packet);
  const auto wanted = static_cast<std::uint32_t>(std::min<std::size_t>(packet->pkt_len, kHeadBytes));
  const void* head = rte_pktmbuf_read(packet, 0, wanted, scratch.data());
  if (head == nullptr) return {};  // less is there than the chain says: a runt
  return {static_cast<const std::uint8_t*>(head), wanted};
}

[[gnu::always_inline]] inline Result<void, DropReason> parse(rte_mbuf* packet, const DevicePorts& device,
                                                             bool is_reassembled,
                                                             LastAddresses& last) noexcept {
  PacketMeta& meta = *meta_of(packet);
  const bool is_stripped = (packet->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0;
  const bool may_be_ordinary = packet->nb_segs == 1 && !is_stripped && !is_reassembled;
  if (!may_be_ordinary || !take_ordinary_packet(first_segment(*packet), device, meta, last)) {
    Scratch scratch;
    Frame frame{head_of(packet, scratch), packet->pkt_len, std::nullopt, is_reassembled};
    if (is_stripped) frame.stripped_tag = packet->vlan_tci;
    const auto parsed = parse_packet(frame, device, meta);
    if (!parsed) return parsed;
  }
  if (!is_reassembled && is_verified_by_device(*packet, meta)) return {};
  if (meta.is_arp || meta.is_fragment) return {};
  meta.checksum_pending = true;
  meta.may_be_half_done = device.completes_checksums(meta.port);
  if (meta.ip_protocol == kProtocolUdp && !is_reassembled) return {};
  return verify_pending_checksum(packet, meta);
}

}  // namespace

void add_octets(InternetSum& sum, const rte_mbuf* packet, std::size_t offset, std::size_t length) noexcept {
  for (; packet != nullptr && length > 0; packet = packet->next) {
    const std::size_t held = packet->data_len;
    if (offset >= held) {
      offset -= held;
      continue;
    }
    const std::size_t taken = std::min(held - offset, length);
    sum.add({rte_pktmbuf_mtod_offset(packet, const std::uint8_t*, offset), taken});
    length -= taken;
    offset = 0;
  }
}

Result<void, DropReason> parse_mbuf(rte_mbuf* packet, const DevicePorts& device,
                                    bool is_reassembled) noexcept {
  LastAddresses none;
  return parse(packet, device, is_reassembled, none);
}

Result<void, DropReason> parse_mbuf(rte_mbuf* packet, const DevicePorts& device,
                                    LastAddresses& last) noexcept {
  return parse(packet, device, false, last);
}

Result<void, DropReason> verify_pending_checksum(const rte_mbuf* packet, PacketMeta& meta) noexcept {
  if (!meta.checksum_pending) return {};
  const bool completes = meta.may_be_half_done;
  meta.checksum_pending = meta.may_be_half_done = false;
  Scratch scratch;
  return check_transport_sum(meta, head_of(packet, scratch), completes, [&](InternetSum& sum) {
    add_octets(sum, packet, meta.l4_offset, checksum_length(meta));
  });
}

}  // namespace sallyport::dataplane
