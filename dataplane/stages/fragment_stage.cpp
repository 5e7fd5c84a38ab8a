// fragment_stage.cpp — fragments into the table, whole packets back into the burst.
#include "dataplane/stages/fragment_stage.h"

#include <rte_mbuf.h>

#include <algorithm>
#include <array>

#include "dataplane/packet/parse_mbuf.h"
#include "dataplane/packet/parse_packet.h"

namespace sallyport::dataplane {

void FragmentStage::process(Timestamp now, Burst& burst) noexcept {
  table_.expire(now);
  const policy::SourceClassifier& sources = *sources_.load(std::memory_order_acquire);
  for (std::size_t i = 0; i < burst.count; ++i)
    if (burst.verdicts[i] == Verdict::Continue && burst.meta[i]->is_fragment) take(sources, now, burst, i);
}

bool FragmentStage::may_be_proved(const policy::SourceClassifier& sources, const PacketMeta& meta,
                                  Timestamp now) const noexcept {
  if (!boards_.has_earned()) return false;
  return std::ranges::any_of(sources.realms_of(meta.port), [&](RealmIndex realm) {
    return boards_.earned->holds_address(realm, meta.source, now);
  });
}

void FragmentStage::take(const policy::SourceClassifier& sources, Timestamp now, Burst& burst,
                         std::size_t i) noexcept {
  rte_mbuf* packet = burst.packets[i];
  const PacketMeta& meta = *burst.meta[i];
  if (meta.ip_protocol == kProtocolTcp) return burst.drop(i, DropReason::TcpFragment);
  const TrustClass trust = sources.classify_on_port(meta.port, meta.source).trust;
  if (trust == TrustClass::Denied) return burst.drop(i, DropReason::Denied);
  if (boards_.blocks != nullptr && boards_.blocks->size() != 0) {
    auto block = boards_.blocks->find(meta.source, trust, now);
    if (block != policy::BlockTable::kNone && trust == TrustClass::Untrusted &&
        may_be_proved(sources, meta, now))
      block = boards_.blocks->find(meta.source, TrustClass::Trusted, now);
    if (block != policy::BlockTable::kNone) {
      boards_.blocks->count(block, 1, now);
      return burst.drop(i, DropReason::Blocked);
    }
  }

  std::array<std::uint8_t, kHeadBytes> scratch;
  const std::uint32_t length = packet->pkt_len - meta.l3_offset;
  const auto wanted = static_cast<std::uint32_t>(std::min<std::size_t>(length, kHeadBytes - meta.l3_offset));
  const auto* head =
      static_cast<const std::uint8_t*>(rte_pktmbuf_read(packet, meta.l3_offset, wanted, scratch.data()));
  if (head == nullptr) return burst.drop(i, DropReason::FragmentInvalid);
  const auto ip =
      meta.source.is_v4() ? parse_ipv4({head, wanted}, length) : parse_ipv6({head, wanted}, length);
  if (!ip) return burst.drop(i, ip.error());

  const auto whole = table_.add({packet, *ip, meta.l3_offset, meta.port, trust}, now);
  if (!whole) return burst.drop(i, whole.error());
  if (*whole == nullptr) {
    burst.verdicts[i] = Verdict::Consumed;
    burst.packets[i] = nullptr;
    return;
  }
  const DevicePorts& device = ports_.device(ports_.device_of(meta.port));
  burst.packets[i] = *whole;
  burst.meta[i] = meta_of(*whole);
  const auto parsed = parse_mbuf(*whole, device, true);
  if (!parsed) burst.drop(i, parsed.error());
}

}  // namespace sallyport::dataplane
