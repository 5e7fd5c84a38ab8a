// steer_stage.h — with several lcores: hands each packet to the lcore that owns its source, so that a
// source's buckets and fragments have one owner (worker/source_owner.h); but what comes to a media port to
// the lcore that owns the port, and with it the stream. Not used when there is one lcore.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "dataplane/packet/media_ranges.h"
#include "dataplane/pipeline/burst.h"
#include "dataplane/worker/mailbox.h"
#include "dataplane/worker/messages.h"
#include "dataplane/worker/source_owner.h"
#include "policy/base/time.h"

namespace sallyport::dataplane {

struct SteerSetup {
  std::size_t own = 0;                          // this lcore
  std::vector<Mailbox<HandedOver>*> to_lcores;  // by lcore; null at `own`
  SourceOwner owner;
  MediaRanges media;
};

class SteerStage {
 public:
  static constexpr std::string_view kName = "steer";

  explicit SteerStage(const SteerSetup& setup);
  SteerStage(const SteerStage&) = delete;
  SteerStage& operator=(const SteerStage&) = delete;
  // After parse, before fragments. Packets of other lcores become Consumed, or are dropped with
  // LcoreRingFull.
  void process(Timestamp now, Burst& burst) noexcept;
  // Between two bursts. They outlive the stage or the next call.
  void use(const MediaRanges& ranges) noexcept { ranges_ = &ranges; }

 private:
  SteerSetup setup_;
  const MediaRanges* ranges_ = &setup_.media;
};

}  // namespace sallyport::dataplane
