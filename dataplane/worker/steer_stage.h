// steer_stage.h — with several lcores: hands each packet to the lcore that owns its source, so that a
// source's buckets and fragments have one owner (worker/source_owner.h); but what comes to a media port to
// the lcore that owns the port, and with it the stream. Not used when there is one lcore.
//
// Nothing but headers has been read by then. So that a flood leaves room on the way, each goes by the lane of
// its source's class (worker/lcore_inbox.h), as the guard of the other lcore will find it: a configured peer
// by that of known ones within its budget (policy/decide/peer_budget.h), a flow that has earned trust by that
// of the trusted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "dataplane/packet/media_ranges.h"
#include "dataplane/pipeline/burst.h"
#include "dataplane/stages/guard_boards.h"
#include "dataplane/stages/guard_stage.h"
#include "dataplane/worker/lcore_inbox.h"
#include "dataplane/worker/source_owner.h"
#include "policy/base/time.h"

namespace sallyport::dataplane {

struct SteerSetup {
  std::size_t own = 0;                 // this lcore
  std::vector<LcoreInbox*> to_lcores;  // by lcore; null at `own`
  SourceOwner owner;
  MediaRanges media;
  const GuardStage& guard;  // of this lcore; outlives the stage
  GuardBoards boards;
};

class SteerStage {
 public:
  static constexpr std::string_view kName = "steer";

  explicit SteerStage(const SteerSetup& setup);
  SteerStage(const SteerStage&) = delete;
  SteerStage& operator=(const SteerStage&) = delete;
  // After parse, before fragments. Packets of other lcores become Consumed, or are dropped when their lane is
  // full.
  void process(Timestamp now, Burst& burst) noexcept;
  // Between two bursts. They outlive the stage or the next call.
  void use(const MediaRanges& ranges) noexcept { ranges_ = &ranges; }

 private:
  [[nodiscard]] Passage passage_of(GuardView& view, const PacketMeta& meta, Timestamp now) const noexcept;
  [[nodiscard]] bool is_blocked(const PacketMeta& meta, TrustClass trust, Timestamp now) const noexcept;
  [[nodiscard]] bool has_earned_trust(const GuardView& view, const PacketMeta& meta,
                                      Timestamp now) const noexcept;

  SteerSetup setup_;
  const MediaRanges* ranges_ = &setup_.media;
};

}  // namespace sallyport::dataplane
