// neighbour.cpp — a Profile prepared for the engine (Allow: RFC 3261 §20.5).
#include "sipalg/engine/neighbour.h"

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
  for (const std::string& method : methods) {
    if (!allow.empty()) allow += ", ";
    allow += method;
  }
  supported = list_of(options);
}

bool Neighbour::allows(std::string_view method) const noexcept {
  for (const std::string& allowed : methods)
    if (allowed == method) return true;
  return false;
}

}  // namespace sallyport::sip
