// attribute_edits.cpp — set, replace and remove of attributes.
#include "sipalg/sdp/attribute_edits.h"

#include <algorithm>

#include "sipalg/body/text_output.h"
#include "sipalg/message/char_class.h"
#include "sipalg/message/message_writer.h"
#include "sipalg/sdp/session_description.h"

namespace sallyport::sip {
namespace {

bool is_name(std::string_view name) noexcept {
  return !name.empty() && std::ranges::all_of(name, [](char c) { return has_class(c, kToken); });
}

}  // namespace

bool is_own_attribute(std::string_view name) noexcept {
  for (const std::string_view own : {"rtpmap",
                                     "sendrecv",
                                     "sendonly",
                                     "recvonly",
                                     "inactive",
                                     "rtcp",
                                     "rtcp-mux",
                                     "rtcp-mux-only",
                                     "crypto",
                                     "fingerprint",
                                     "setup",
                                     "connection",
                                     "tls-id",
                                     "key-mgmt",
                                     "candidate",
                                     "remote-candidates",
                                     "ice-ufrag",
                                     "ice-pwd",
                                     "ice-lite",
                                     "ice-options",
                                     "end-of-candidates",
                                     "group",
                                     "mid",
                                     "bundle-only",
                                     "source-filter"})
    if (same_word(own, name)) return true;
  return false;
}

bool AttributeEditor::edit(std::string_view name, std::string_view& value) {
  const std::size_t steps = std::min(edits_.steps.size(), kStepsMax);
  for (std::size_t i = 0; i < steps; ++i) {
    const policy::SdpEdit& step = edits_.steps[i];
    if (!same_word(step.attribute, name) || is_own_attribute(name)) continue;
    switch (step.action) {
      case RuleAction::Set:
        return false;  // it takes the place of all that came
      case RuleAction::Remove:
        if (step.value == "all" || !done_.test(i)) {
          done_.set(i);
          return false;
        }
        break;
      case RuleAction::Replace:
        if (auto changed = edits_.rules->replace_sdp(step, value); changed && is_plain(*changed)) {
          value_ = std::move(*changed);
          value = value_;
        }
        break;
    }
  }
  return true;
}

void AttributeEditor::write_set(TextOutput& out) {
  const std::size_t steps = std::min(edits_.steps.size(), kStepsMax);
  for (std::size_t i = 0; i < steps; ++i) {
    const policy::SdpEdit& step = edits_.steps[i];
    if (step.action != RuleAction::Set || is_own_attribute(step.attribute) || !is_name(step.attribute))
      continue;
    const auto later = edits_.steps.subspan(i + 1, steps - i - 1);
    if (std::ranges::any_of(later, [&](const policy::SdpEdit& other) {
          return other.action != RuleAction::Replace && same_word(other.attribute, step.attribute);
        }))
      continue;
    if (!is_plain(step.value)) continue;
    out.add("a=");
    out.add(step.attribute);
    if (!step.value.empty()) {
      out.add(":");
      out.add(step.value);
    }
    out.add("\r\n");
  }
}

}  // namespace sallyport::sip
