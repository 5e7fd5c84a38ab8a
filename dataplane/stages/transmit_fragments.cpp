// transmit_fragments.cpp — copies a packet piece by piece, a header of its own before each piece.
#include "dataplane/stages/transmit_fragments.h"

#include <algorithm>
#include <cstring>

#include "dataplane/packet/checksum.h"
#include "dataplane/packet/ip_header.h"
#include "dataplane/packet/packet_meta.h"
#include "dataplane/packet/wire.h"

namespace sallyport::dataplane {
namespace {

constexpr std::uint8_t kProtocolFragment = 44;
constexpr std::uint16_t kMoreFragments = 0x2000;

struct Piece {
  std::size_t offset = 0, size = 0;  // of the transport header and data
  bool is_last = false;
};

void finish_ipv4(std::uint8_t* header, const Piece& piece, std::uint32_t identification) noexcept {
  store16(header + 2, kIpv4Bytes + piece.size);
  store16(header + 4, identification & 0xffff);
  store16(header + 6, (piece.offset / 8) | (piece.is_last ? 0U : kMoreFragments));  // RFC 791 §3.1
  store16(header + 10, 0);
  InternetSum sum;
  sum.add({header, kIpv4Bytes});
  store16(header + 10, sum.checksum());
}

void finish_ipv6(std::uint8_t* header, const Piece& piece, std::uint32_t identification) noexcept {
  std::uint8_t* fragment = header + kIpv6Bytes;  // RFC 8200 §4.5
  fragment[0] = header[6];
  fragment[1] = 0;
  store16(fragment + 2, piece.offset | (piece.is_last ? 0U : 1U));
  store32(fragment + 4, identification);
  header[6] = kProtocolFragment;
  store16(header + 4, kFragmentHeaderBytes + piece.size);
}

rte_mbuf* copy_piece(const rte_mbuf& packet, const FragmentCut& cut, const Piece& piece,
                     rte_mempool& pool) noexcept {
  const bool is_v4 = *rte_pktmbuf_mtod_offset(&packet, const std::uint8_t*, cut.l3_offset) >> 4 == 4;
  const std::size_t old_header = cut.l3_offset + (is_v4 ? kIpv4Bytes : kIpv6Bytes);
  const std::size_t new_header = old_header + (is_v4 ? 0 : kFragmentHeaderBytes);
  rte_mbuf* made = rte_pktmbuf_alloc(&pool);
  if (made == nullptr) return nullptr;
  auto* to = reinterpret_cast<std::uint8_t*>(
      rte_pktmbuf_append(made, static_cast<std::uint16_t>(new_header + piece.size)));
  if (to == nullptr) {
    rte_pktmbuf_free(made);
    return nullptr;
  }
  const auto copy = [&](std::size_t offset, std::size_t size, std::uint8_t* place) {
    const void* from = rte_pktmbuf_read(&packet, static_cast<std::uint32_t>(offset),
                                        static_cast<std::uint32_t>(size), place);
    if (from != nullptr && from != place) std::memcpy(place, from, size);
  };
  copy(0, old_header, to);
  copy(old_header + piece.offset, piece.size, to + new_header);
  if (is_v4)
    finish_ipv4(to + cut.l3_offset, piece, cut.identification);
  else
    finish_ipv6(to + cut.l3_offset, piece, cut.identification);
  std::memcpy(rte_mbuf_to_priv(made), rte_mbuf_to_priv(const_cast<rte_mbuf*>(&packet)), sizeof(PacketMeta));
  return made;
}

}  // namespace

Result<std::size_t, DropReason> cut_into_fragments(const rte_mbuf& packet, const FragmentCut& cut,
                                                   rte_mempool& pool, std::span<rte_mbuf*> out) noexcept {
  const bool is_v4 = *rte_pktmbuf_mtod_offset(&packet, const std::uint8_t*, cut.l3_offset) >> 4 == 4;
  const std::size_t header = is_v4 ? kIpv4Bytes : kIpv6Bytes;
  const std::size_t extra = is_v4 ? 0 : kFragmentHeaderBytes;
  if (cut.mtu < header + extra + 8) return fail(DropReason::TooBig);
  const std::size_t data = packet.pkt_len - cut.l3_offset - header;
  // Every piece but the last is a multiple of 8 octets. RFC 791 §3.2
  const std::size_t step = (cut.mtu - header - extra) / 8 * 8;
  std::size_t count = 0;
  for (std::size_t offset = 0; offset < data; offset += step, ++count) {
    const Piece piece{offset, std::min(step, data - offset), offset + step >= data};
    rte_mbuf* made = count < out.size() ? copy_piece(packet, cut, piece, pool) : nullptr;
    if (made == nullptr) {
      rte_pktmbuf_free_bulk(out.data(), static_cast<unsigned>(count));
      return fail(count < out.size() ? DropReason::NoBuffer : DropReason::TooBig);
    }
    out[count] = made;
  }
  return count;
}

}  // namespace sallyport::dataplane
