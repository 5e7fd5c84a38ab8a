// crossing.cpp — the list of what crosses with what a profile adds to it: RFC 3261 §7.3.1; threats I12.
#include <algorithm>
#include <bitset>

#include "sipalg/hiding/leg_message.h"

namespace sallyport::sip {
namespace {

std::string in_small_letters(std::string_view text) {
  std::string small(text);
  for (char& c : small)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  return small;
}

CrossingForm form_in(const CrossingRule& rule, bool in_request, bool is_passed) noexcept {
  if (rule.crosses(in_request)) return rule.form;
  return is_passed && rule.form != CrossingForm::EditOnly ? rule.form : CrossingForm::Never;
}

}  // namespace

Crossing::Crossing(const ProfileConfig& far_profile, bool is_trusted)
    : keeps_privacy_(far_profile.honour_privacy && !is_trusted) {
  std::bitset<kHeaderNameCount> passed;
  for (const std::string& name : far_profile.headers_pass) {
    const HeaderName known = header_name_of(name);
    if (known == HeaderName::Other) {
      further_.push_back(in_small_letters(name));
    } else {
      passed.set(static_cast<std::size_t>(known));
    }
  }
  for (std::size_t i = 0; i < kHeaderNameCount; ++i) {
    const CrossingRule rule = crossing_rule(static_cast<HeaderName>(i), {});
    for (const bool in_request : {false, true})
      forms_[in_request][i] = form_in(rule, in_request, passed.test(i));
  }
}

CrossingForm Crossing::form_of_further(std::string_view name, bool in_request) const noexcept {
  const auto is_named = [name](const std::string& further) { return equals_ignoring_case(name, further); };
  return form_in(crossing_rule(HeaderName::Other, name), in_request, std::ranges::any_of(further_, is_named));
}

bool Crossing::passes(const SipMessage& message, const HeaderField& field) const noexcept {
  return form_of(field.name, message.name_of(field), message.is_request()) != CrossingForm::Never;
}

}  // namespace sallyport::sip
