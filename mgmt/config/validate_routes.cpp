// validate_routes.cpp — routes, header rules and emergency: keys that exclude or need each other.
#include <algorithm>
#include <array>

#include "mgmt/config/quoted.h"
#include "mgmt/config/validate_config.h"

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
}

void check_steps(const Checked& checked, const Section& rule) {
  constexpr std::array<std::string_view, 3> kActions{"replace", "set", "remove"};
  for (const Section& step : rule.items("steps")) {
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
