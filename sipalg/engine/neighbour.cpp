// neighbour.cpp — a Profile prepared for the engine (Allow: RFC 3261 §20.5; Supported: §20.37).
#include "sipalg/engine/neighbour.h"

#include <algorithm>
#include <chrono>

#include "sipalg/call/session_timer.h"

namespace sallyport::sip {

ProfileConfig default_profile(const SbcConfig& config) {
  for (const ProfileConfig& profile : config.profiles)
    if (profile.name == "default") return profile;
  return {};
}

Neighbour::Neighbour(const ProfileConfig& profile)
    : strictness(StrictnessPolicy::of(profile.strictness)),
      responses_to(profile.responses_to),
      methods(profile.methods) {
  timers.t1 = profile.timers.t1;
  if (profile.update == FeatureMode::Refuse) std::erase(methods, "UPDATE");
  if (profile.prack == FeatureMode::Refuse) std::erase(methods, "PRACK");
  if (allows("PRACK")) options.add(OptionTag::Rel100);                                             // RFC 3262
  if (profile.refer != ReferMode::Refuse) options.add(OptionTag::Replaces);                        // RFC 3891
  if (profile.refer == ReferMode::Resolve && allows("REFER")) options.add(OptionTag::NoReferSub);  // RFC 4488
  for (const std::string& method : methods) {
    if (!allow.empty()) allow += ", ";
    allow += method;
  }
  session_seconds = static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::seconds>(profile.timers.session).count());
  if (profile.timers.session > Duration::zero()) {  // RFC 4028 §4
    session_seconds = std::max(session_seconds, kMinSessionSeconds);
    options.add(OptionTag::Timer);
  }
  supported = list_of(options);
}

bool Neighbour::allows(std::string_view method) const noexcept {
  for (const std::string& allowed : methods)
    if (allowed == method) return true;
  return false;
}

}  // namespace sallyport::sip
