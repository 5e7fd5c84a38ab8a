// finding_maker.h — what a count that has passed its limit leads to: the action, whom it meets, whether it is
// told, and the words for it.
//
// Who is met. A configured peer is only logged, or has its excess refused where calls to a callee or costly
// ones are counted; it is never blocked. What a group of sources did together blocks nobody. What can be
// forged (unproved) blocks nobody who has earned trust, or is trusted as configured: its excess is refused.
// An address behind which somebody has earned trust is not blocked: the flow is punished for what it did
// itself; for what its address did, only the excess is refused.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "policy/decide/earned_trust.h"
#include "policy/decide/threshold_table.h"
#include "policy/detect/actor_keys.h"
#include "policy/detect/detector_settings.h"
#include "policy/detect/punished_flows.h"

namespace sallyport::policy {

// A count that has passed its limit.
struct Suspicion {
  enum class Doer : std::uint8_t { Flow, Address, Group };
  Detector detector = Detector::Scanner;
  Doer doer = Doer::Flow;
  DetectorAction most = DetectorAction::Block;  // as configured, but no more than this
  std::uint8_t confidence = 50;                 // at the limit; more the further beyond it
  std::uint64_t subject = 0;                    // keyed; of whom it is told once in a while
  // "31 broken messages within 60 s, 30 allowed"
  std::uint64_t count = 0, allowed = 0;
  std::string_view what;  // of static storage
  Duration within{};      // 0: what says it
  unsigned run = 0;       // of numbers (number_run.h)
};

class FindingMaker {
 public:
  // All outlive it.
  FindingMaker(const DetectorSettings& settings, const EarnedTrust& earned, PunishedFlows& punished);

  [[nodiscard]] Finding make(Timestamp now, const Actor& actor, const ActorKeys& keys,
                             const Suspicion& suspicion);

  // Of one source, callee, ... the same is told again after so long.
  static constexpr Duration kToldEvery = std::chrono::seconds(10);
  // All together; blocks have a budget of their own, since who is not told of one can't make it.
  static constexpr Rate kToldAtMost{20, std::chrono::seconds(1)}, kBlocksAtMost{200, std::chrono::seconds(1)};

  [[nodiscard]] static std::size_t memory_bytes() noexcept { return ThresholdTable::memory_for(kToldPlaces); }

 private:
  static constexpr std::size_t kToldPlaces = 16'384;
  [[nodiscard]] DetectorAction judge(Timestamp now, const Actor& actor, const Suspicion& suspicion,
                                     bool& is_flow_only) const noexcept;
  [[nodiscard]] bool is_told(Timestamp now, const Suspicion& suspicion, DetectorAction action) noexcept;

  const DetectorSettings& settings_;
  const EarnedTrust& earned_;
  PunishedFlows& punished_;
  ThresholdTable told_;
  std::atomic<std::int64_t> told_until_{INT64_MIN / 2}, blocks_until_{INT64_MIN / 2};  // token buckets
};

}  // namespace sallyport::policy
