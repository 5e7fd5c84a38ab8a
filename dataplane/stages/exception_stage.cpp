// exception_stage.cpp — strips tags and hands frames to the stream thread. IEEE 802.1Q; RFC 1071.
#include "dataplane/stages/exception_stage.h"

#include <rte_mbuf.h>

#include <algorithm>
#include <cstring>

#include "dataplane/packet/checksum.h"
#include "dataplane/packet/ethernet.h"
#include "dataplane/packet/ip_header.h"
#include "dataplane/packet/wire.h"
#include "dataplane/pipeline/stage.h"

namespace sallyport::dataplane {
namespace {

constexpr std::size_t kMacsBytes = 12;

// Moves the two MACs up to the inner ethertype.
void strip_tags(rte_mbuf& packet, PacketMeta& meta) noexcept {
  if (meta.l3_offset <= kEthernetBytes) return;
  const auto extra = static_cast<std::uint16_t>(meta.l3_offset - kEthernetBytes);
  auto* frame = rte_pktmbuf_mtod(&packet, std::uint8_t*);
  std::memmove(frame + extra, frame, kMacsBytes);
  rte_pktmbuf_adj(&packet, extra);
  meta.l3_offset = static_cast<std::uint16_t>(meta.l3_offset - extra);
  meta.l4_offset = static_cast<std::uint16_t>(meta.l4_offset - extra);
  meta.payload_offset = static_cast<std::uint16_t>(meta.payload_offset - extra);
}

std::size_t checksum_place(std::uint8_t protocol) noexcept { return protocol == kProtocolTcp ? 16 : 6; }

// The field holds the pseudo header's sum: adding all octets, the field among them, makes it whole.
void finish_checksum(rte_mbuf& packet, const PacketMeta& meta) noexcept {
  InternetSum sum;
  std::size_t skip = meta.l4_offset, left = meta.l4_length;
  for (rte_mbuf* segment = &packet; segment != nullptr && left > 0; segment = segment->next) {
    const std::size_t skipped = std::min<std::size_t>(skip, segment->data_len);
    const std::size_t size = std::min(segment->data_len - skipped, left);
    sum.add({rte_pktmbuf_mtod_offset(segment, const std::uint8_t*, skipped), size});
    skip -= skipped;
    left -= size;
  }
  const std::size_t place = meta.l4_offset + checksum_place(meta.ip_protocol);
  if (place + 2 <= packet.data_len)
    store16(rte_pktmbuf_mtod_offset(&packet, std::uint8_t*, place), sum.checksum());
}

}  // namespace

static_assert(Stage<ExceptionStage>);

void ExceptionStage::process(Timestamp, Burst& burst) noexcept {
  bool any = false;
  for (std::size_t i = 0; i < burst.count; ++i) {
    if (burst.verdicts[i] != Verdict::Continue || burst.meta[i]->packet_class != PacketClass::Exception)
      continue;
    PacketMeta& meta = *burst.meta[i];
    const bool is_l4 = meta.ip_protocol == kProtocolTcp || meta.ip_protocol == kProtocolUdp;
    if (meta.checksum_half_done && is_l4) finish_checksum(*burst.packets[i], meta);
    strip_tags(*burst.packets[i], meta);
    ToStream message;
    message.port = meta.port;
    message.packet = burst.packets[i];
    if (stream_.send(message))
      burst.verdicts[i] = Verdict::Consumed;
    else
      burst.drop(i, DropReason::StreamRingFull);
    any = true;
  }
  if (any) bell_.ring();
}

}  // namespace sallyport::dataplane
