// attribute_edits.h — steps of header rules on attributes of SDP (field sdp:ATTRIBUTE), done on the way to
// the other leg. They work on what crosses anyway, but for `set`, which an operator wrote: that crosses as it
// is.
#pragma once

#include <bitset>
#include <span>
#include <string>
#include <string_view>

#include "policy/route/rule_set.h"

namespace sallyport::sip {

class TextOutput;

struct AttributeEdits {
  std::span<const policy::SdpEdit> steps;  // in order
  const policy::RuleSet* rules = nullptr;  // whose steps they are
};

// Attributes that say where media flows and how, or that hold keys: no rule touches them.
[[nodiscard]] bool is_own_attribute(std::string_view name) noexcept;

// For one m-line. Each live m-line is edited in the same way.
class AttributeEditor {
 public:
  explicit AttributeEditor(const AttributeEdits& edits) noexcept : edits_(edits) {}

  // What a line becomes. False: it is left out. `value` may point into the editor afterwards, until the next
  // call.
  [[nodiscard]] bool edit(std::string_view name, std::string_view& value);
  // The lines that were set.
  void write_set(TextOutput& out);

 private:
  static constexpr std::size_t kStepsMax = 64;  // those beyond are not done

  AttributeEdits edits_;
  std::bitset<kStepsMax> done_;  // of "remove: first"
  std::string value_;
};

}  // namespace sallyport::sip
