// steer_stage.cpp — one owner for each source prefix, and one for each media port.
#include "dataplane/worker/steer_stage.h"

#include <algorithm>

#include "dataplane/pipeline/stage.h"
#include "media-relay/control/port_pool.h"

namespace sallyport::dataplane {

static_assert(Stage<SteerStage>);

SteerStage::SteerStage(const SteerSetup& setup) : setup_(setup) {}

void SteerStage::process(Timestamp now, Burst& burst) noexcept {
  GuardView& view = setup_.guard.view_of_the_day();
  for (std::size_t i = 0; i < burst.count; ++i) {
    if (burst.verdicts[i] != Verdict::Continue || burst.meta[i]->is_arp) continue;
    const PacketMeta& meta = *burst.meta[i];
    const bool is_media = ranges_->is_media(meta);
    const std::size_t owner = is_media ? media::lcore_of(meta.destination_port, setup_.to_lcores.size())
                                       : setup_.owner.of(meta.source);
    if (owner == setup_.own) continue;
    const Passage passage = is_media ? Passage::Media : passage_of(view, meta, now);
    if (setup_.to_lcores[owner]->send({burst.packets[i]}, passage))
      burst.verdicts[i] = Verdict::Consumed;
    else
      burst.drop(i, no_room_in(passage));
  }
}

// Without neighbour discovery nothing of ours finds its way, and its sources are on the link.
Passage SteerStage::passage_of(GuardView& view, const PacketMeta& meta, Timestamp now) const noexcept {
  if (meta.exception == policy::ExceptionKind::NeighbourDiscovery) return Passage::Trusted;
  const policy::SourceClass source = view.sources.classify_on_port(meta.port, meta.source);
  switch (source.trust) {
    case TrustClass::Known:
      if (is_blocked(meta, source.trust, now)) return Passage::Strangers;
      return view.handed_over.take_share(source.peer, now) ? Passage::Known : Passage::Strangers;
    case TrustClass::Trusted:
      return is_blocked(meta, source.trust, now) ? Passage::Strangers : Passage::Trusted;
    case TrustClass::Untrusted:
      return has_earned_trust(view, meta, now) ? Passage::Trusted : Passage::Strangers;
    case TrustClass::Denied:
      break;
  }
  return Passage::Strangers;
}

bool SteerStage::is_blocked(const PacketMeta& meta, TrustClass trust, Timestamp now) const noexcept {
  const policy::BlockTable* const blocks = setup_.boards.blocks;
  return blocks != nullptr && blocks->size() != 0 &&
         blocks->find(meta.source, trust, now) != policy::BlockTable::kNone;
}

// A fragment shows no port: there its address is enough.
bool SteerStage::has_earned_trust(const GuardView& view, const PacketMeta& meta,
                                  Timestamp now) const noexcept {
  if (!setup_.boards.has_earned()) return false;
  const policy::EarnedTrust& earned = *setup_.boards.earned;
  return std::ranges::any_of(view.sources.realms_of(meta.port), [&](RealmIndex realm) {
    if (meta.is_fragment) return earned.holds_address(realm, meta.source, now);
    return earned.holds(earned.name_of(realm, {meta.source, meta.source_port}), now);
  });
}

}  // namespace sallyport::dataplane
