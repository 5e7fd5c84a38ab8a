// parse_stage.cpp — parses a burst, with the next packets' first octets on their way into the cache.
#include "dataplane/stages/parse_stage.h"

#include <rte_mbuf.h>
#include <rte_prefetch.h>

#include <algorithm>

#include "dataplane/packet/ordinary_packet.h"
#include "dataplane/packet/parse_mbuf.h"

namespace sallyport::dataplane {
namespace {

constexpr std::size_t kAhead = 4;

void prefetch(rte_mbuf* packet) noexcept {
  rte_prefetch0(rte_pktmbuf_mtod(packet, const void*));
  rte_prefetch0(meta_of(packet));
}

}  // namespace

void ParseStage::process(Timestamp, Burst& burst) noexcept {
  const DevicePorts& device = ports_.load(std::memory_order_acquire)->device(burst.device);
  for (std::size_t i = 0; i < std::min(kAhead, burst.count); ++i) prefetch(burst.packets[i]);
  LastAddresses last;
  for (std::size_t i = 0; i < burst.count; ++i) {
    if (i + kAhead < burst.count) prefetch(burst.packets[i + kAhead]);
    burst.meta[i] = meta_of(burst.packets[i]);
    burst.verdicts[i] = Verdict::Continue;
    const auto parsed = parse_mbuf(burst.packets[i], device, last);
    if (!parsed) burst.drop(i, parsed.error());
  }
}

}  // namespace sallyport::dataplane
