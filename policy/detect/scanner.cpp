// scanner.cpp — see scanner.h.
#include "policy/detect/scanner.h"

namespace sallyport::policy {
namespace {

using Doer = Suspicion::Doer;

// One target in 2^sampled is looked at.
struct Span {
  Duration length;
  Purpose purpose;
  Doer doer;
  unsigned sampled;
  std::uint8_t confidence;
};
constexpr std::array<Span, 4> kSpans{{
    {std::chrono::minutes(1), Purpose::TargetsOfMinute, Doer::Flow, 0, 85},     // about 133 targets
    {std::chrono::hours(1), Purpose::TargetsOfHour, Doer::Flow, 1, 75},         // 266
    {std::chrono::minutes(1), Purpose::TargetsOfMinute, Doer::Address, 3, 75},  // 1,064
    {std::chrono::hours(1), Purpose::TargetsOfHour, Doer::Address, 4, 65},      // 2,128
}};
constexpr unsigned kSampleShift = 40;  // bits of the hash that name neither a bit nor a line

}  // namespace

std::optional<Suspicion> ScannerDetector::on_target(Timestamp now, const Actor& actor, const ActorKeys& keys,
                                                    std::string_view target) noexcept {
  const std::uint64_t thing = text_key(key_, target);
  Suspicion found{.detector = Detector::Scanner, .what = ""};
  // Who is known here may dial wrong numbers all day, as diallers with old lists do.
  if (actor.trust > TrustClass::Untrusted) found.most = DetectorAction::Log;
  for (const Span& span : kSpans) {
    if ((thing >> kSampleShift & ((1u << span.sampled) - 1)) != 0) continue;
    const std::uint64_t key = span.doer == Doer::Flow ? keys.flow(span.purpose) : keys.address(span.purpose);
    const auto stretch = static_cast<std::uint64_t>(now.time_since_epoch() / span.length);
    const unsigned bits = targets_.add(key, stretch, thing);
    if (bits < kBits || !found.what.empty()) continue;
    found.doer = span.doer;
    found.confidence = span.confidence;
    found.subject = key;
    found.what = span.doer == Doer::Flow ? "different targets that are not here (estimated)"
                                         : "different targets that are not here, of many ports (estimated)";
    found.count = std::uint64_t{DistinctTable::things_of(bits)} << span.sampled;
    found.allowed = std::uint64_t{DistinctTable::things_of(kBits - 1)} << span.sampled;
    found.within = span.length;
  }
  const std::uint64_t flow = keys.flow(Purpose::Unheard);
  const std::uint32_t requests = counts_.count(flow, now, std::chrono::minutes(1));
  if (!found.what.empty()) return found;
  if (requests <= kRequestsOfMinute) return std::nullopt;
  constexpr std::uint8_t kRateConfidence = 50;
  found.confidence = kRateConfidence;
  found.subject = flow;
  found.what = "requests for what is not here";
  found.count = requests;
  found.allowed = kRequestsOfMinute;
  found.within = std::chrono::minutes(1);
  return found;
}

}  // namespace sallyport::policy
