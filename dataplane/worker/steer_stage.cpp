// steer_stage.cpp — one owner for each source prefix, and one for each media port.
#include "dataplane/worker/steer_stage.h"

#include "dataplane/pipeline/stage.h"
#include "media-relay/control/port_pool.h"

namespace sallyport::dataplane {

static_assert(Stage<SteerStage>);

SteerStage::SteerStage(const SteerSetup& setup) : setup_(setup) {}

void SteerStage::process(Timestamp, Burst& burst) noexcept {
  for (std::size_t i = 0; i < burst.count; ++i) {
    if (burst.verdicts[i] != Verdict::Continue || burst.meta[i]->is_arp) continue;
    const PacketMeta& meta = *burst.meta[i];
    const std::size_t owner = ranges_->is_media(meta)
                                  ? media::lcore_of(meta.destination_port, setup_.to_lcores.size())
                                  : setup_.owner.of(meta.source);
    if (owner == setup_.own) continue;
    if (setup_.to_lcores[owner]->send({burst.packets[i]}))
      burst.verdicts[i] = Verdict::Consumed;
    else
      burst.drop(i, DropReason::LcoreRingFull);
  }
}

}  // namespace sallyport::dataplane
