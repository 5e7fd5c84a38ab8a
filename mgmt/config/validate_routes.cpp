// validate_routes.cpp — routes, header rules and emergency: keys that exclude or need each other.
#include <algorithm>
#include <array>

#include "mgmt/config/quoted.h"
#include "mgmt/config/validate_config.h"
#include "policy/route/rule_set.h"

namespace sallyport::mgmt {
namespace {

template <std::size_t N>
std::ptrdiff_t count_written(const Section& section, const std::array<std::string_view, N>& keys) {
  return std::count_if(keys.begin(), keys.end(),
                       [&section](std::string_view key) { return section.has_key(key); });
}

void check_targets(const Checked& checked, const Section& section) {
  constexpr std::array<std::string_view, 4> kKinds{"registrar", "table", "redirect", "reject"};
  for (const Section& target : section.items("to"))
    if (count_written(target, kKinds) != 1)
      checked.problems.error(
          target.place(), target.shown(),
          {"is not exactly one target", "write one of registrar, table, redirect or reject"});
  const YamlNode* const list = section.value("to");
  if (list == nullptr) return;
  bool has_ended = false;
  for (std::size_t i = 0; i < list->items.size(); ++i) {
    const YamlNode& target = list->items[i];
    if (has_ended)
      checked.problems.warning(
          target.place, section.shown("to") + "[" + std::to_string(i) + "]",
          {"stands behind a redirect or reject, so it is never tried", "write redirect or reject last"});
    has_ended = has_ended || target.find("redirect") != nullptr || target.find("reject") != nullptr;
  }
}

// "with" may use the captures that the pattern has.
void check_replacement(const Checked& checked, const Section& step) {
  const auto pattern = policy::Pattern::compile(step.text("replace"));
  if (!pattern) return;  // said already, with the pattern
  const std::string problem = pattern->rewrite_problem(step.text("with"));
  if (!problem.empty())
    checked.problems.error(step.place("with"), step.shown("with"),
                           {in_quotes(step.text("with")) + " can't replace the match: " + problem,
                            "write \\1 to \\9 for what the pattern captured, \\\\ for a backslash"});
}

void check_set(const Checked& checked, const Section& step) {
  const std::string value = step.text("set"), field = step.text("field");
  const bool is_number = !field.starts_with("header:") && !field.starts_with("sdp:");
  const std::size_t bytes_max = is_number ? policy::kNumberBytesMax : policy::kHeaderValueBytesMax;
  if (value.size() > bytes_max)
    checked.problems.error(step.place("set"), step.shown("set"),
                           {"is longer than a value of this field can be",
                            "write at most " + std::to_string(bytes_max) + " octets"});
  if (std::any_of(value.begin(), value.end(),
                  [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }))
    checked.problems.error(step.place("set"), step.shown("set"),
                           {"holds a control character", "write the value on one line"});
  if (field == "called" && value.empty())
    checked.problems.error(step.place("set"), step.shown("set"),
                           {"would leave no called number", "write a number, or reject the call by a route"});
}

void check_field(const Checked& checked, const Section& step) {
  const std::string field = step.text("field");
  if (field.starts_with("sdp:"))
    checked.problems.warning(
        step.place("field"), step.shown("field"),
        {in_quotes(field) + " is not built yet", "it is checked but has no effect in this version"});
  if (field.starts_with("header:") && policy::is_own_header(std::string_view(field).substr(7)))
    checked.problems.error(step.place("field"), step.shown("field"),
                           {in_quotes(field) + " is written by Sallyport itself for each leg",
                            "name another header; called and caller change To and From"});
  if (field == "called" && step.has_key("remove"))
    checked.problems.error(step.place("remove"), step.shown("remove"),
                           {"would leave no called number", "write a number, or reject the call by a route"});
}

void check_steps(const Checked& checked, const Section& rule) {
  constexpr std::array<std::string_view, 3> kActions{"replace", "set", "remove"};
  for (const Section& step : rule.items("steps")) {
    check_field(checked, step);
    if (step.has_key("replace") && step.has_key("with")) check_replacement(checked, step);
    if (step.has_key("set")) check_set(checked, step);
    if (count_written(step, kActions) != 1)
      checked.problems.error(
          step.place(), step.shown(),
          {"is not exactly one change", "write one of replace (with with), set or remove"});
    else if (step.has_key("replace") != step.has_key("with"))
      checked.problems.error(step.place(), step.shown("with"),
                             {step.has_key("with") ? "stands without replace" : "is missing",
                              "write replace: \"pattern\" and with: \"text\" together"});
  }
}

}  // namespace

void validate_routes(const Checked& checked) {
  for (const Section& rule : checked.root.items("header_rules")) check_steps(checked, rule);
  for (const Section& route : checked.root.items("routes")) check_targets(checked, route);
  check_targets(checked, checked.root.child("emergency"));
}

}  // namespace sallyport::mgmt
