// rule_set.cpp — see rule_set.h.
#include "policy/route/rule_set.h"

#include <algorithm>
#include <array>
#include <utility>

namespace sallyport::policy {
namespace {

enum class Field : std::uint8_t { Called, Caller, Identity, Diversion, Header, Sdp };

constexpr std::string_view kHeaderPrefix = "header:", kSdpPrefix = "sdp:";

struct Step {
  Field field = Field::Called;
  std::string name;  // of the header or attribute
  RuleAction action = RuleAction::Set;
  std::optional<Pattern> pattern;
  std::string value;
  bool is_own_header = false;
};

[[nodiscard]] constexpr char to_small(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
[[nodiscard]] bool is_same_name(std::string_view one, std::string_view other) noexcept {
  return one.size() == other.size() && std::equal(one.begin(), one.end(), other.begin(),
                                                  [](char a, char b) { return to_small(a) == to_small(b); });
}

[[nodiscard]] constexpr bool is_control(char c) noexcept {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}
[[nodiscard]] bool has_control(std::string_view text) noexcept {
  return std::any_of(text.begin(), text.end(), is_control);
}
// White space with a fold or a tab in it is one space (RFC 3261 §7.3.1), none at the ends; other control
// octets are left out.
[[nodiscard]] std::string cleaned(std::string_view text) {
  constexpr std::string_view kWhite = " \t\r\n";
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t end = std::min(text.find_first_not_of(kWhite, i), text.size());
    const std::string_view white = text.substr(i, end - i);
    if (!has_control(white))
      out += white;
    else if (!out.empty() && end < text.size())
      out += ' ';
    i = end;
    if (i < text.size() && !is_control(text[i])) out += text[i];
    ++i;
  }
  return out;
}

[[nodiscard]] Step compiled(const RuleStep& from) {
  constexpr std::array<std::string_view, 4> kNumbers{"called", "caller", "identity", "diversion"};
  Step step;
  const auto number = std::find(kNumbers.begin(), kNumbers.end(), from.field);
  if (number != kNumbers.end()) {
    step.field = static_cast<Field>(number - kNumbers.begin());
  } else if (from.field.starts_with(kSdpPrefix)) {
    step.field = Field::Sdp;
    step.name = from.field.substr(kSdpPrefix.size());
  } else {
    step.field = Field::Header;
    step.name = from.field.starts_with(kHeaderPrefix) ? from.field.substr(kHeaderPrefix.size()) : from.field;
    step.is_own_header = is_own_header(step.name);
  }
  step.action = from.action;
  step.value = cleaned(from.value);
  if (from.action == RuleAction::Replace)
    if (auto pattern = Pattern::compile(from.pattern)) step.pattern = std::move(*pattern);
  return step;
}

[[nodiscard]] std::string& number_of(RuleSubject& subject, Field field) noexcept {
  switch (field) {
    case Field::Called:
      return subject.called;
    case Field::Caller:
      return subject.caller;
    case Field::Identity:
      return subject.identity;
    default:
      return subject.diversion;
  }
}

// The value behind a step, in `out`; anything but Changed: the value stays as it is.
[[nodiscard]] RuleEffect stepped(const Step& step, std::string_view value, std::size_t bytes_max,
                                 std::string& out) {
  if (step.action == RuleAction::Replace) {
    if (!step.pattern) return RuleEffect::NoMatch;
    const RewriteResult result = replace_first(*step.pattern, value, step.value, bytes_max, out);
    if (result == RewriteResult::NoMatch) return RuleEffect::NoMatch;
    if (result == RewriteResult::TooLong) return RuleEffect::TooLong;
  } else if (step.value.size() > bytes_max) {
    return RuleEffect::TooLong;
  } else {
    out = step.action == RuleAction::Set ? step.value : std::string();
  }
  return out == value ? RuleEffect::Unchanged : RuleEffect::Changed;
}

[[nodiscard]] RuleEffect step_number(const Step& step, std::string& number) {
  std::string result;
  const RuleEffect effect = stepped(step, number, kNumberBytesMax, result);
  if (effect != RuleEffect::Changed) return effect;
  if (step.field == Field::Called && result.empty()) return RuleEffect::WouldEmptyCalled;
  number = std::move(result);
  return RuleEffect::Changed;
}

[[nodiscard]] HeaderEdit as_received(std::string_view name, std::span<const HeaderView> headers) {
  HeaderEdit edit{std::string(name), {}, false};
  for (const HeaderView& header : headers)
    if (is_same_name(header.name, name)) edit.values.push_back(cleaned(header.value));
  return edit;
}

[[nodiscard]] RuleEffect step_replace_fields(const Step& step, HeaderEdit& edit) {
  RuleEffect effect = RuleEffect::NoMatch;
  for (std::string& value : edit.values) {
    std::string result;
    const RuleEffect one = stepped(step, value, kHeaderValueBytesMax, result);
    if (one == RuleEffect::Changed) value = std::move(result);
    if (one == RuleEffect::NoMatch || effect == RuleEffect::Changed) continue;
    effect = one;
  }
  return effect;
}

[[nodiscard]] RuleEffect step_fields(const Step& step, HeaderEdit& edit) {
  if (step.is_own_header) return RuleEffect::OwnHeader;
  if (step.action == RuleAction::Replace) return step_replace_fields(step, edit);
  if (step.action == RuleAction::Remove) {
    if (edit.values.empty()) return RuleEffect::Unchanged;
    if (step.value == "first")
      edit.values.erase(edit.values.begin());
    else
      edit.values.clear();
    return RuleEffect::Changed;
  }
  if (step.value.size() > kHeaderValueBytesMax) return RuleEffect::TooLong;
  edit.values.assign(1, step.value);
  edit.is_set = true;
  return RuleEffect::Changed;
}

[[nodiscard]] std::string joined(const std::vector<std::string>& values) {
  std::string out;
  for (const std::string& value : values) {
    if (!out.empty()) out += ", ";
    out += value;
  }
  return out;
}

[[nodiscard]] constexpr bool is_refusal(RuleEffect effect) noexcept {
  return effect == RuleEffect::WouldEmptyCalled || effect == RuleEffect::TooLong ||
         effect == RuleEffect::OwnHeader;
}

}  // namespace

struct RuleSet::Rule {
  std::string name;
  std::vector<std::string> methods;
  std::vector<Step> steps;

  [[nodiscard]] bool is_for(std::string_view method) const noexcept {
    return methods.empty() || std::find(methods.begin(), methods.end(), method) != methods.end();
  }
};

namespace {

// What one step works on.
struct Stage {
  const Step& step;
  RuleSubject& subject;
  RuleEdits& edits;
  RuleTrace& trace;
};

void run_on_number(const Stage& stage) {
  std::string& number = number_of(stage.subject, stage.step.field);
  if (stage.edits.trace != nullptr) stage.trace.before = number;
  stage.trace.effect = step_number(stage.step, number);
  if (stage.edits.trace != nullptr) stage.trace.after = number;
}

void run_on_header(const Stage& stage) {
  std::vector<HeaderEdit>& edits = stage.edits.headers;
  const auto known = std::find_if(edits.begin(), edits.end(), [&](const HeaderEdit& edit) {
    return is_same_name(edit.name, stage.step.name);
  });
  const bool is_new = known == edits.end();
  HeaderEdit fresh = is_new ? as_received(stage.step.name, stage.subject.headers) : HeaderEdit{};
  HeaderEdit& edit = is_new ? fresh : *known;
  if (stage.edits.trace != nullptr) stage.trace.before = joined(edit.values);
  stage.trace.effect = step_fields(stage.step, edit);
  if (stage.edits.trace != nullptr) stage.trace.after = joined(edit.values);
  if (is_new && stage.trace.effect == RuleEffect::Changed) edits.push_back(std::move(fresh));
}

void run_on_sdp(const Stage& stage) {
  const RuleTrace& here = stage.trace;
  stage.edits.sdp.push_back({stage.step.name, stage.step.action, stage.step.value, here.rule, here.step});
  stage.trace.effect = RuleEffect::Deferred;
}

void run(const Stage& stage) {
  if (stage.step.field == Field::Sdp)
    run_on_sdp(stage);
  else if (stage.step.field == Field::Header)
    run_on_header(stage);
  else
    run_on_number(stage);
  if (is_refusal(stage.trace.effect)) ++stage.edits.refused;
  if (stage.edits.trace != nullptr) stage.edits.trace->push_back(stage.trace);
}

}  // namespace

std::string_view to_string(RuleEffect effect) noexcept {
  constexpr std::array<std::string_view, 8> kNames{"changed",
                                                   "unchanged",
                                                   "no match",
                                                   "left to SDP",
                                                   "not done: the called number would be empty",
                                                   "not done: the result is too long",
                                                   "not done: Sallyport writes this header itself",
                                                   "not for this method"};
  return kNames[static_cast<std::size_t>(effect)];
}

bool is_own_header(std::string_view name) noexcept {
  constexpr std::array<std::string_view, 26> kNames{"Via",
                                                    "v",
                                                    "From",
                                                    "f",
                                                    "To",
                                                    "t",
                                                    "Call-ID",
                                                    "i",
                                                    "CSeq",
                                                    "Contact",
                                                    "m",
                                                    "Route",
                                                    "Record-Route",
                                                    "Max-Forwards",
                                                    "Content-Length",
                                                    "l",
                                                    "Content-Type",
                                                    "c",
                                                    "Require",
                                                    "Proxy-Require",
                                                    "Supported",
                                                    "k",
                                                    "RAck",
                                                    "RSeq",
                                                    "Session-Expires",
                                                    "x"};
  return std::any_of(kNames.begin(), kNames.end(),
                     [name](std::string_view own) { return is_same_name(own, name); });
}

const HeaderEdit* RuleEdits::find(std::string_view name) const noexcept {
  const auto found = std::find_if(headers.begin(), headers.end(),
                                  [name](const HeaderEdit& edit) { return is_same_name(edit.name, name); });
  return found == headers.end() ? nullptr : &*found;
}

RuleSet::RuleSet(const std::vector<HeaderRuleConfig>& rules) {
  rules_.reserve(rules.size());
  for (const HeaderRuleConfig& from : rules) {
    Rule& rule = rules_.emplace_back(Rule{from.name, from.when_methods, {}});
    for (const RuleStep& step : from.steps) rule.steps.push_back(compiled(step));
  }
}

RuleSet::~RuleSet() = default;

void RuleSet::apply(std::span<const std::uint16_t> rules, RuleSubject& subject,
                    RuleEdits& edits) const noexcept {
  if (rules.empty()) return;
  for (std::string* number : {&subject.called, &subject.caller, &subject.identity, &subject.diversion})
    if (has_control(*number)) *number = cleaned(*number);
  for (const std::uint16_t position : rules) {
    if (position >= rules_.size()) continue;
    const Rule& rule = rules_[position];
    if (!rule.is_for(subject.method)) {
      if (edits.trace != nullptr) edits.trace->push_back({position, 0, RuleEffect::OtherMethod, {}, {}});
      continue;
    }
    for (std::size_t i = 0; i < rule.steps.size(); ++i) {
      RuleTrace trace{position, static_cast<std::uint16_t>(i), RuleEffect::Unchanged, {}, {}};
      run({rule.steps[i], subject, edits, trace});
    }
  }
}

std::optional<std::string> RuleSet::replace_sdp(const SdpEdit& edit, std::string_view value) const noexcept {
  if (edit.rule >= rules_.size() || edit.step >= rules_[edit.rule].steps.size()) return std::nullopt;
  const Step& step = rules_[edit.rule].steps[edit.step];
  std::string result;
  if (step.field != Field::Sdp || step.action != RuleAction::Replace) return std::nullopt;
  if (stepped(step, cleaned(value), kHeaderValueBytesMax, result) != RuleEffect::Changed) return std::nullopt;
  return result;
}

std::vector<std::uint16_t> RuleSet::positions(const std::vector<std::string>& names) const {
  std::vector<std::uint16_t> found;
  for (const std::string& name : names)
    for (std::size_t i = 0; i < rules_.size(); ++i)
      if (rules_[i].name == name) found.push_back(static_cast<std::uint16_t>(i));
  return found;
}

std::string_view RuleSet::name_of(std::uint16_t rule) const noexcept {
  return rule < rules_.size() ? std::string_view(rules_[rule].name) : std::string_view();
}

std::size_t RuleSet::size() const noexcept { return rules_.size(); }

}  // namespace sallyport::policy
