// steer_stage.cpp — one owner for each source prefix.
#include "dataplane/worker/steer_stage.h"

#include <span>

#include "dataplane/pipeline/stage.h"

namespace sallyport::dataplane {

static_assert(Stage<SteerStage>);

SteerStage::SteerStage(const SteerSetup& setup) : setup_(setup) {}

std::size_t SteerStage::owner_of(const IpAddress& source) const noexcept {
  const unsigned length = source.is_v4() ? setup_.prefix.ipv4_length + 96u : setup_.prefix.ipv6_length;
  const IpAddress prefix = masked(source, length);
  return keyed_hash(setup_.key, std::as_bytes(std::span(prefix.bytes()))) % setup_.to_lcores.size();
}

void SteerStage::process(Timestamp, Burst& burst) noexcept {
  for (std::size_t i = 0; i < burst.count; ++i) {
    if (burst.verdicts[i] != Verdict::Continue || burst.meta[i]->is_arp) continue;
    const std::size_t owner = owner_of(burst.meta[i]->source);
    if (owner == setup_.own) continue;
    if (setup_.to_lcores[owner]->send({burst.packets[i]}))
      burst.verdicts[i] = Verdict::Consumed;
    else
      burst.drop(i, DropReason::LcoreRingFull);
  }
}

}  // namespace sallyport::dataplane
