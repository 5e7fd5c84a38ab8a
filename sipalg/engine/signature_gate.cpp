// signature_gate.cpp — see signature_gate.h.
#include "sipalg/engine/signature_gate.h"

#include <array>
#include <string>

namespace sallyport::sip {
namespace {

using policy::SignatureAction;

// A flood that matches must not become a flood of events: counters have them all.
constexpr unsigned kToldPerSecond = 20;

constexpr std::array kLabels{DetectionLabel::SignatureAlert, DetectionLabel::SignatureReject,
                             DetectionLabel::SignatureDrop};  // by SignatureAction

}  // namespace

void SignatureGate::adopt(const SharedValue<policy::SignatureSet>& set) {
  if (set != scanner_.set()) scanner_.adopt(set);
}

bool SignatureGate::may_tell(Timestamp now) noexcept {
  if (now - second_ >= 1s) {
    second_ = now;
    told_ = 0;
  }
  return ++told_ <= kToldPerSecond;
}

SignatureGate::Fate SignatureGate::judge(Timestamp now, const MessageInput& input, const SipMessage& message,
                                         EngineOutput& out) {
  if (!looks_at(input)) return Fate::Pass;
  const policy::SignatureVerdict verdict = scanner_.scan(now, view_.look_at(input, message));
  if (verdict.rule == nullptr) return Fate::Pass;
  const auto action = static_cast<std::size_t>(verdict.action);
  totals_.detections.add(kLabels[action]);
  if (verdict.is_told && may_tell(now)) {
    const policy::Signature& rule = verdict.rule->signature;
    out.add(now, DetectionEvent{"signature", policy::kSignatureActionNames[action], input.remote, 0,
                                "sid " + std::to_string(rule.sid) + ": " + rule.msg});
  }
  switch (verdict.action) {
    case SignatureAction::Drop:
      return Fate::Drop;
    case SignatureAction::Reject:
      return Fate::Reject;
    default:
      return Fate::Pass;
  }
}

}  // namespace sallyport::sip
