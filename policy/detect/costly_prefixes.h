// costly_prefixes.h — costly numbers in all the ways in which they are dialled. Threats I7: who dials for
// money tries "+", 00, 011, 0011 and a digit for the outside line in front, until one of them gets through.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sallyport::policy {

// Beginnings of numbers. One with "+" is an international number, however its "+" is dialled:
//   "+"; or 00, 011, 0011, each also behind a "+" (where no number has them) or behind 0 or 9 (the outside
//   line), then at least nine digits, so that no number of Turin or Reading (011...) is taken for one; or
//   nothing in front, then at least twelve, so that no Texan one (979 555 1234) is.
// One without "+" is looked for as it stands. Visual separators do not count, nor does what follows a ';'.
class CostlyPrefixes {
 public:
  CostlyPrefixes() = default;
  explicit CostlyPrefixes(const std::vector<std::string>& prefixes);

  [[nodiscard]] bool has(std::string_view called) const noexcept;

 private:
  [[nodiscard]] bool is_abroad(std::string_view digits) const noexcept;
  std::vector<std::string> abroad_;  // without their "+"
  std::vector<std::string> as_dialled_;
};

}  // namespace sallyport::policy
