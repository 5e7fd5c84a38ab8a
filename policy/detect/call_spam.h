// call_spam.h — callers whom the operator names: those that are refused, and those whom neither this nor tdos
// refuses (threats I8). As shipped nobody is named.
//
// The caller is the number that the call shows inside: as the peer asserts it where that is believed, else
// that of From. Whoever may write what it likes there can pass for another; so a list refuses the known and
// stops nobody who is set on it, and an allowed number is not let pass by toll_fraud or invite_flood.
#pragma once

#include <optional>
#include <string_view>

#include "policy/detect/detector_settings.h"
#include "policy/detect/finding_maker.h"

namespace sallyport::policy {

class CallSpamDetector {
 public:
  CallSpamDetector(const DetectorSettings& settings, const HashKey& key) : settings_(settings), key_(key) {}

  enum class Listed : std::uint8_t { No, Allowed, Denied };
  // Who is on both lists is allowed.
  [[nodiscard]] Listed look_up(std::string_view caller) const noexcept;
  [[nodiscard]] Suspicion denied(std::string_view caller) const noexcept;

 private:
  const DetectorSettings& settings_;  // outlives it
  HashKey key_;
};

}  // namespace sallyport::policy
