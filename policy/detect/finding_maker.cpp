// finding_maker.cpp — see finding_maker.h.
#include "policy/detect/finding_maker.h"

#include <algorithm>

#include "policy/decide/rate_limiter.h"

namespace sallyport::policy {
namespace {

// Confidence grows with how far beyond the limit it is, and with numbers dialled in a row.
constexpr unsigned kMoreOfEachTime = 10, kMoreOfRun = 15, kConfidenceMax = 95, kRunThatCounts = 8;

[[nodiscard]] bool is_limited_to_peers(Detector detector) noexcept {
  return detector == Detector::Tdos || detector == Detector::TollFraud || detector == Detector::CallSpam;
}

[[nodiscard]] std::uint8_t confidence_of(const Suspicion& suspicion) noexcept {
  const std::uint64_t times = suspicion.count / std::max<std::uint64_t>(suspicion.allowed, 1);
  std::uint64_t sure = suspicion.confidence;
  if (times > 1) sure += kMoreOfEachTime * std::min<std::uint64_t>(times - 1, 9);
  if (suspicion.run >= kRunThatCounts) sure += kMoreOfRun;
  return static_cast<std::uint8_t>(std::min<std::uint64_t>(sure, kConfidenceMax));
}

[[nodiscard]] std::string time_text(Duration time) {
  if (time % std::chrono::seconds(1) != Duration{})
    return std::to_string(time / std::chrono::milliseconds(1)) + " ms";
  return std::to_string(time / std::chrono::seconds(1)) + " s";
}

[[nodiscard]] std::string evidence_of(const Suspicion& suspicion) {
  std::string text = std::to_string(suspicion.count) + " ";
  text += suspicion.what;
  if (suspicion.within != Duration{}) text += " within " + time_text(suspicion.within);
  text += ", " + std::to_string(suspicion.allowed) + " allowed";
  if (suspicion.run >= kRunThatCounts)
    text += "; " + std::to_string(suspicion.run) + " of the numbers in a row";
  return text;
}

// TokenBucket of rate_limiter.h on an atomic word; two seconds' worth may come at once.
[[nodiscard]] bool take(std::atomic<std::int64_t>& full_at, const Rate& rate, Timestamp now) noexcept {
  const BucketShape shape = BucketShape::of_rate(rate, 2 * rate.per);
  const std::int64_t at = now.time_since_epoch().count();
  std::int64_t seen = full_at.load(std::memory_order_relaxed);
  while (true) {
    // A step back of the clock must not silence it for long.
    const std::int64_t full = seen - at > 2 * shape.depth_ns + shape.interval_ns ? at : std::max(seen, at);
    if (full - at > shape.depth_ns) return false;
    if (full_at.compare_exchange_weak(seen, full + shape.interval_ns, std::memory_order_relaxed)) return true;
  }
}

}  // namespace

FindingMaker::FindingMaker(const DetectorSettings& settings, const EarnedTrust& earned,
                           PunishedFlows& punished)
    : settings_(settings), earned_(earned), punished_(punished), told_(kToldPlaces, kToldEvery) {}

DetectorAction FindingMaker::judge(Timestamp now, const Actor& actor, const Suspicion& suspicion,
                                   bool& is_flow_only) const noexcept {
  const DetectorAction action = std::min(settings_.reaction(suspicion.detector).action, suspicion.most);
  if (actor.is_peer)
    return std::min(action,
                    is_limited_to_peers(suspicion.detector) ? DetectorAction::Reject : DetectorAction::Log);
  if (action != DetectorAction::Block) return action;
  if (suspicion.doer == Suspicion::Doer::Group) return DetectorAction::Reject;
  const bool is_trusted =
      actor.trust > TrustClass::Untrusted || earned_.holds(earned_.name_of(actor.realm, actor.source), now);
  if (is_trusted && !actor.is_proved) return DetectorAction::Reject;
  if (!earned_.holds_address(actor.realm, actor.source.address, now)) return DetectorAction::Block;
  if (suspicion.doer == Suspicion::Doer::Address) return DetectorAction::Reject;
  is_flow_only = true;
  return DetectorAction::Block;
}

bool FindingMaker::is_told(Timestamp now, const Suspicion& suspicion, DetectorAction action) noexcept {
  const auto salt = static_cast<std::uint64_t>(suspicion.detector) * kDetectorActionCount +
                    static_cast<std::uint64_t>(action);
  const std::uint64_t key = with_purpose(suspicion.subject ^ salt << 8, Purpose::Told);
  if (told_.count_of(key, now, kToldEvery) != 0) return false;
  const bool is_block = action == DetectorAction::Block;
  if (!take(is_block ? blocks_until_ : told_until_, is_block ? kBlocksAtMost : kToldAtMost, now))
    return false;
  return told_.count(key, now, kToldEvery) == 1;
}

Finding FindingMaker::make(Timestamp now, const Actor& actor, const ActorKeys& keys,
                           const Suspicion& suspicion) {
  Finding finding;
  finding.detector = suspicion.detector;
  finding.confidence = confidence_of(suspicion);
  finding.action = judge(now, actor, suspicion, finding.is_flow_only);
  if (finding.action == DetectorAction::Block) {
    finding.block_for = settings_.reaction(suspicion.detector).block_for;
    if (finding.is_flow_only)
      punished_.enter(keys.flow(Purpose::Punished), now, now + finding.block_for, actor.is_proved);
  }
  finding.is_told = is_told(now, suspicion, finding.action);
  if (finding.is_told) finding.evidence = evidence_of(suspicion);
  return finding;
}

}  // namespace sallyport::policy
