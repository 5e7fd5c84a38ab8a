// costly_prefixes.h — costly numbers in all the ways in which they are dialled. Threats I7: who dials for
// money tries "+", 00, 011, 0011 and a digit for the outside line in front, until one of them gets through.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sallyport::policy {

// Beginnings of numbers. One with "+" is an international number, however its "+" is dialled
// (dialled_readings.h). One without "+" is looked for as it stands. Visual separators do not count, nor does
// what follows a ';'.
class CostlyPrefixes {
 public:
  CostlyPrefixes() = default;
  explicit CostlyPrefixes(const std::vector<std::string>& prefixes);

  [[nodiscard]] bool has(std::string_view called) const noexcept;

 private:
  std::vector<std::string> abroad_;  // without their "+"
  std::vector<std::string> as_dialled_;
};

}  // namespace sallyport::policy
