// unreachable_stage.cpp — reads the flow out of the quote, once more: PacketMeta has no room for its address.
#include "dataplane/stages/unreachable_stage.h"

#include <rte_mbuf.h>

#include <algorithm>
#include <array>

#include "dataplane/packet/icmp_error.h"
#include "dataplane/pipeline/stage.h"

namespace sallyport::dataplane {
namespace {

std::optional<QuotedFlow> flow_of(const rte_mbuf& packet, const PacketMeta& meta) noexcept {
  std::array<std::uint8_t, kQuoteBytes> scratch;
  const std::size_t size = std::min<std::size_t>(meta.l4_length, scratch.size());
  const void* bytes =
      rte_pktmbuf_read(&packet, meta.l4_offset, static_cast<std::uint32_t>(size), scratch.data());
  if (bytes == nullptr) return std::nullopt;
  return quoted_flow(meta.destination, {static_cast<const std::uint8_t*>(bytes), size});
}

}  // namespace

static_assert(Stage<UnreachableStage>);

void UnreachableStage::process(Timestamp, Burst& burst) noexcept {
  for (std::size_t i = 0; i < burst.count; ++i) {
    const PacketMeta& meta = *burst.meta[i];
    if (burst.verdicts[i] != Verdict::Continue || meta.exception != policy::ExceptionKind::Unreachable)
      continue;
    const auto flow = flow_of(*burst.packets[i], meta);
    if (!flow) {
      burst.drop(i, DropReason::ErrorQuotesNoFlow);
    } else if (!posts_.tell_all({meta.realm, flow->local, flow->remote})) {
      burst.drop(i, DropReason::ShardRingFull);
    } else {
      rte_pktmbuf_free(burst.packets[i]);
      burst.verdicts[i] = Verdict::Consumed;
    }
  }
}

}  // namespace sallyport::dataplane
