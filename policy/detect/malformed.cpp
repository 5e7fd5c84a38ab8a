// malformed.cpp — see malformed.h.
#include "policy/detect/malformed.h"

namespace sallyport::policy {

std::optional<Suspicion> MalformedDetector::on_malformed(Timestamp now, const ActorKeys& keys) noexcept {
  constexpr std::uint8_t kFlowConfidence = 60, kAddressConfidence = 70;
  const Rate rate = settings_.malformed();
  const std::uint64_t flow = keys.flow(Purpose::Malformed), address = keys.address(Purpose::Malformed);
  const std::uint32_t of_flow = counts_.count(flow, now, rate.per);
  const std::uint32_t of_address = counts_.count(address, now, rate.per);
  Suspicion suspicion{.detector = Detector::Malformed, .what = "broken messages", .within = rate.per};
  if (of_flow > rate.events) {
    suspicion.confidence = kFlowConfidence;
    suspicion.subject = flow;
    suspicion.count = of_flow;
    suspicion.allowed = rate.events;
    return suspicion;
  }
  if (of_address <= rate.events * kTimesOfAddress) return std::nullopt;
  suspicion.doer = Suspicion::Doer::Address;
  suspicion.what = "broken messages of many ports";
  suspicion.confidence = kAddressConfidence;
  suspicion.subject = address;
  suspicion.count = of_address;
  suspicion.allowed = rate.events * kTimesOfAddress;
  return suspicion;
}

}  // namespace sallyport::policy
