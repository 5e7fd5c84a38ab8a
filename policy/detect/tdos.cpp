// tdos.cpp — see tdos.h.
#include "policy/detect/tdos.h"

#include <algorithm>

namespace sallyport::policy {
namespace {

[[nodiscard]] LeakShape shape_of(Rate rate, bool is_peer) noexcept {
  if (is_peer) rate.events *= TdosDetector::kPeersTimes;
  const auto events = std::min<std::uint64_t>(rate.events, 1'000'000);
  const double at_once = rate.per_second() * TdosDetector::kSecondsAtOnce;
  const auto room = std::max(static_cast<std::uint32_t>(events),
                             static_cast<std::uint32_t>(std::min(at_once, 5'000'000.0)));
  return LeakShape::of(rate, room);
}
[[nodiscard]] Purpose calls_of(bool is_peer) noexcept {
  return is_peer ? Purpose::CalleeOfPeer : Purpose::Callee;
}
[[nodiscard]] Purpose answers_to(bool is_peer) noexcept {
  return is_peer ? Purpose::CalleeOfPeerAnswers : Purpose::CalleeAnswers;
}
// Answers are forgotten ten times as slowly as calls.
[[nodiscard]] LeakShape answers_of(const LeakShape& calls) noexcept {
  return {calls.drop * 10, calls.room * TdosDetector::kTimesAtMost};
}

}  // namespace

std::optional<Suspicion> TdosDetector::before_call(Timestamp now, std::uint64_t callee,
                                                   bool is_peer) noexcept {
  constexpr std::uint8_t kConfidence = 55;
  LeakShape shape = shape_of(settings_.calls_per_callee(), is_peer);
  const std::uint64_t key = with_purpose(callee, calls_of(is_peer));
  shape.room += callees_.level(with_purpose(callee, answers_to(is_peer)), now, answers_of(shape));
  if (callees_.take(key, now, shape)) return std::nullopt;
  return Suspicion{.detector = Detector::Tdos,
                   .doer = Suspicion::Doer::Group,
                   .most = DetectorAction::Reject,
                   .confidence = kConfidence,
                   .subject = key,
                   .count = std::uint64_t{shape.room} + 1,
                   .allowed = shape.room,
                   .what = "calls to one callee beyond its rate, answers taken off"};
}

void TdosDetector::on_answered(Timestamp now, std::uint64_t callee, bool is_peer) noexcept {
  const LeakShape shape = shape_of(settings_.calls_per_callee(), is_peer), answers = answers_of(shape);
  callees_.take_back(with_purpose(callee, calls_of(is_peer)), now, shape, kAnswerIsWorth);
  (void)callees_.add(with_purpose(callee, answers_to(is_peer)), now, answers, answers.room);
}

}  // namespace sallyport::policy
