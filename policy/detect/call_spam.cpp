// call_spam.cpp — see call_spam.h.
#include "policy/detect/call_spam.h"

#include "policy/detect/actor_keys.h"

namespace sallyport::policy {

CallSpamDetector::Listed CallSpamDetector::look_up(std::string_view caller) const noexcept {
  const SharedValue<DetectorTerms> terms = settings_.terms();
  if (terms->allowed != nullptr && terms->allowed->has(caller)) return Listed::Allowed;
  return terms->denied != nullptr && terms->denied->has(caller) ? Listed::Denied : Listed::No;
}

// One call is enough. Whoever brings it is not whom the list names, so nobody is blocked for it.
Suspicion CallSpamDetector::denied(std::string_view caller) const noexcept {
  constexpr std::uint8_t kConfidence = 85;
  return {.detector = Detector::CallSpam,
          .doer = Suspicion::Doer::Group,
          .most = DetectorAction::Reject,
          .confidence = kConfidence,
          .subject = text_key(key_, caller),
          .count = 1,
          .allowed = 0,
          .what = "call of a number that is on the list of callers"};
}

}  // namespace sallyport::policy
