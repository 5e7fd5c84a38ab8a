// costly_prefixes.cpp — see costly_prefixes.h.
#include "policy/detect/costly_prefixes.h"

#include <algorithm>

#include "policy/detect/dialled_readings.h"

namespace sallyport::policy {

CostlyPrefixes::CostlyPrefixes(const std::vector<std::string>& prefixes) {
  for (const std::string& prefix : prefixes) {
    const DialledReadings readings(prefix);
    const std::string_view plain = readings.plain();
    if (plain.find_first_not_of('+') == std::string_view::npos) continue;  // it would be every number
    if (plain.starts_with('+'))
      abroad_.emplace_back(plain.substr(1));
    else
      as_dialled_.emplace_back(plain);
  }
}

bool CostlyPrefixes::has(std::string_view called) const noexcept {
  if (abroad_.empty() && as_dialled_.empty()) return false;
  const DialledReadings readings(called);
  const auto begins_with_one_of = [](std::string_view number, const std::vector<std::string>& prefixes) {
    return std::ranges::any_of(prefixes, [&](const std::string& one) { return number.starts_with(one); });
  };
  return begins_with_one_of(readings.plain(), as_dialled_) ||
         std::ranges::any_of(readings.abroad(),
                             [&](std::string_view reading) { return begins_with_one_of(reading, abroad_); });
}

}  // namespace sallyport::policy
