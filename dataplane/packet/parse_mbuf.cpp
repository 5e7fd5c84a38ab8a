// parse_mbuf.cpp — reads frames out of mbufs.
#include "dataplane/packet/parse_mbuf.h"

#include <algorithm>
#include <array>

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
  std::array<std::uint8_t, kHeadBytes> scratch;
  PacketMeta& meta = *meta_of(packet);
  Frame frame{{rte_pktmbuf_mtod(packet, const std::uint8_t*), packet->data_len},
              packet->pkt_len,
              std::nullopt,
              is_reassembled};
  if (packet->nb_segs > 1) {
    const auto wanted = static_cast<std::uint32_t>(std::min<std::size_t>(packet->pkt_len, kHeadBytes));
    const void* head = rte_pktmbuf_read(packet, 0, wanted, scratch.data());
    if (head == nullptr) {
      meta = PacketMeta{};
      meta.port = device.first_port();
      return fail(DropReason::RuntFrame);
    }
    frame.head = {static_cast<const std::uint8_t*>(head), wanted};
  }
  if ((packet->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0) frame.stripped_tag = packet->vlan_tci;
  const auto parsed = parse_packet(frame, device, meta);
  if (!parsed) return parsed;
  if (!is_reassembled && is_verified_by_device(*packet, meta)) return {};
  return check_transport_sum(meta, frame.head, device.completes_checksums(meta.port), [&](InternetSum& sum) {
    add_octets(sum, packet, meta.l4_offset, checksum_length(meta));
  });
}

}  // namespace sallyport::dataplane
