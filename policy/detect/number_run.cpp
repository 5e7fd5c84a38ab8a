// number_run.cpp — see number_run.h.
#include "policy/detect/number_run.h"

#include <algorithm>
#include <optional>

namespace sallyport::policy {
namespace {

constexpr unsigned kNumberBits = 27;
constexpr std::uint64_t kNumberMask = (1u << kNumberBits) - 1;
constexpr std::size_t kDigitsMin = 5, kDigitsMax = 8;  // short codes lie near one another anyway

// The last eight digits; nothing of what is no number.
[[nodiscard]] std::optional<std::uint32_t> number_of(std::string_view called) noexcept {
  std::uint32_t number = 0, place = 1;
  std::size_t digits = 0;
  for (auto at = called.rbegin(); at != called.rend() && digits < kDigitsMax; ++at) {
    if (*at < '0' || *at > '9') {
      if (*at == '+' && at + 1 == called.rend()) break;
      return std::nullopt;
    }
    number += place * static_cast<std::uint32_t>(*at - '0');
    place *= 10;
    ++digits;
  }
  if (digits < kDigitsMin) return std::nullopt;
  return number;
}

}  // namespace

unsigned NumberRun::add(std::uint64_t payer, std::string_view called) noexcept {
  const std::optional<std::uint32_t> number = number_of(called.substr(0, called.find(';')));
  if (!number) return 0;
  unsigned run = 0;
  const auto worth = [](std::uint64_t state) { return 1 + (state >> kNumberBits); };
  words_.change(payer, worth, [&](std::optional<std::uint64_t> state) -> std::optional<std::uint64_t> {
    run = state ? static_cast<unsigned>(*state >> kNumberBits) : 0;
    const auto last = static_cast<std::uint32_t>(state ? *state & kNumberMask : *number);
    const std::uint32_t step = last > *number ? last - *number : *number - last;
    if (step > kStepMax)
      run /= 2;
    else if (step > 0)
      run = std::min(run + 1, kRunMax);
    return std::uint64_t{run} << kNumberBits | *number;
  });
  return run;
}

}  // namespace sallyport::policy
