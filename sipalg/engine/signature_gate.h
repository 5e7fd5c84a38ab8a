// signature_gate.h — where messages meet the signatures, before anything is made of them: no transaction, no
// dialog, no answer.
#pragma once

#include <cstdint>

#include "policy/base/keyed_hash.h"
#include "policy/base/shared_value.h"
#include "policy/base/time.h"
#include "policy/signatures/signature_scanner.h"
#include "sipalg/engine/engine_counters.h"
#include "sipalg/engine/engine_input.h"
#include "sipalg/engine/engine_output.h"
#include "sipalg/engine/signature_view.h"
#include "sipalg/message/sip_message.h"

namespace sallyport::sip {

// Of one engine.
class SignatureGate {
 public:
  // `key`: the same for all engines of a node, so that they count together.
  SignatureGate(const HashKey& key, EngineCounters& totals) noexcept : scanner_(key), totals_(totals) {}
  // Null: nothing is looked at, at no cost.
  void adopt(const SharedValue<policy::SignatureSet>& set);

  [[nodiscard]] bool looks_at(const MessageInput& input) const noexcept {
    return scanner_.looks_at(input.trust < TrustClass::Trusted);
  }
  enum class Fate : std::uint8_t { Pass, Drop, Reject };
  // Of a whole message. What a rule says is counted, and told unless it happens too often.
  [[nodiscard]] Fate judge(Timestamp now, const MessageInput& input, const SipMessage& message,
                           EngineOutput& out);

 private:
  [[nodiscard]] bool may_tell(Timestamp now) noexcept;

  policy::SignatureScanner scanner_;
  SignatureView view_;
  EngineCounters& totals_;
  Timestamp second_{};  // in which `told_` events were told
  unsigned told_ = 0;
};

}  // namespace sallyport::sip
