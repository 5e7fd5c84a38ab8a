// malformed.h — broken messages of a flow (address and port), and of an address that uses many ports.
#pragma once

#include <optional>

#include "policy/decide/threshold_table.h"
#include "policy/detect/finding_maker.h"

namespace sallyport::policy {

class MalformedDetector {
 public:
  // Both outlive it; `counts` is shared with other detectors.
  MalformedDetector(const DetectorSettings& settings, ThresholdTable& counts)
      : settings_(settings), counts_(counts) {}

  [[nodiscard]] std::optional<Suspicion> on_malformed(Timestamp now, const ActorKeys& keys) noexcept;

  // An address may have so many times what a flow may: 200 phones of a kind that sends something broken every
  // 20 s stand behind one. What is broken has no effect anyway.
  static constexpr std::uint32_t kTimesOfAddress = 20;

 private:
  const DetectorSettings& settings_;
  ThresholdTable& counts_;
};

}  // namespace sallyport::policy
