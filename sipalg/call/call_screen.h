// call_screen.h — facts about a call that detectors ask for: who makes it, which number is dialled in the
// end, whether it is a costly one. Threats D5, I7, I8.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "policy/detect/detector.h"
#include "policy/route/router.h"
#include "policy/route/rule_set.h"
#include "sipalg/auth/digest_server.h"
#include "sipalg/call/call_engine.h"
#include "sipalg/call/costly_call.h"

namespace sallyport::sip {

// Of an INVITE or a REFER. `sender`: the binding by which an endpoint speaks; null: it is none.
[[nodiscard]] policy::Actor caller_of(const CallEngineParts& parts, const Arrival& arrival,
                                      const Binding* sender);
// The same where nobody has looked for the binding yet.
[[nodiscard]] policy::Actor caller_of(const CallEngineParts& parts, const Arrival& arrival);

// `subject` has been through the rules of its source: that is the number, in the form that all routes know,
// unless the rules of the route or of a target make a costly one of it.
[[nodiscard]] std::string dialled_number(const CallEngineParts& parts, const Rulebook& book,
                                         const policy::RouteDecision& decision,
                                         const policy::RuleSubject& subject);

// Whoever calls for help may be called back: the number that it gave, what rules made of it, and what those
// of the route and its targets will. Threats I8
void note_emergency(const CallEngineParts& parts, const Rulebook& book, const policy::RouteDecision& decision,
                    const policy::RuleSubject& subject, const Arrival& arrival);

// Not counted where the number is not costly.
[[nodiscard]] CostlyCall costly_call(const CallEngineParts& parts, std::string_view number,
                                     std::uint64_t account);

// The INVITE that comes again with credentials is the same call, if it calls the same number. RFC 3261 §22.2
[[nodiscard]] std::uint64_t mark_of_call(const CallEngineParts& parts, std::string_view call_id,
                                         std::string_view tag, std::string_view number);

// `action: challenge`: an endpoint of a local registrar is asked for its password, and a call that proves it
// goes on. Needs no memory: the nonce is good for the next request of that Call-ID, tag and source alone. RFC
// 3261 §22.3, RFC 7616 §3.3
class CallerChallenge {
 public:
  // `sender`: null: nobody who could be asked.
  CallerChallenge(const CallEngineParts& parts, const SbcConfig& config, const Arrival& arrival,
                  const Binding* sender);
  [[nodiscard]] bool is_possible() const noexcept { return registrar_ != nullptr; }
  // What is wrong counts as a wrong password.
  [[nodiscard]] bool is_met(EngineOutput& out) const;
  // Header lines of a 407.
  [[nodiscard]] std::string lines() const;

 private:
  [[nodiscard]] DigestServer digest(std::uint32_t cseq) const;
  [[nodiscard]] std::string_view realm() const noexcept;

  const CallEngineParts& parts_;
  const Arrival& arrival_;
  const Binding* sender_;
  const RegistrarConfig* registrar_ = nullptr;
};

}  // namespace sallyport::sip
