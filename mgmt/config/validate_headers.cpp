// validate_headers.cpp — header fields that profiles let cross: some cross under no configuration. RFC 3261
// §20, RFC 3325.
#include "mgmt/config/quoted.h"
#include "mgmt/config/validate_config.h"
#include "sipalg/hiding/crossing_rules.h"

namespace sallyport::mgmt {
namespace {

// What is listed for nothing, and what to do instead; empty: it crosses.
[[nodiscard]] ValueError why_not(const std::string& name) {
  switch (sip::crossing_rule(sip::header_name_of(name), name).form) {
    case sip::CrossingForm::Never:
      return {in_quotes(name) + " never crosses: it belongs to one leg, where Sallyport writes its own",
              "leave it out"};
    case sip::CrossingForm::EditOnly:
      return {in_quotes(name) + " never crosses by itself: it is identity, written anew at the trust border",
              "leave it out and use identity.accept, identity.send and identity.privacy"};
    default:
      return {};
  }
}

void check_pass(const Checked& checked, const Section& headers) {
  const YamlNode* const list = headers.written("pass");
  if (list == nullptr) return;
  const auto check = [&](const YamlNode& name) {
    if (ValueError why = why_not(name.text); !why.what.empty())
      checked.problems.warning(name.place, headers.shown("pass"), std::move(why));
  };
  if (list->is_scalar()) check(*list);
  for (const YamlNode& item : list->items)
    if (item.is_scalar()) check(item);
}

}  // namespace

void validate_headers(const Checked& checked) {
  for (const char* const list : {"profiles", "peers"})
    for (const Section& item : checked.root.items(list)) check_pass(checked, item.child("headers"));
}

}  // namespace sallyport::mgmt
