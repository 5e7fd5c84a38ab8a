// second_of.h — a time as the second that fits into a word of KeyedWords: 28 bits, eight years.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "policy/base/time.h"

namespace sallyport::policy {

// Times before the first second are the first, those behind the last the last.
[[nodiscard]] inline std::uint64_t second_of(Timestamp time) noexcept {
  const auto second = std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
  return static_cast<std::uint64_t>(std::clamp<std::int64_t>(second, 0, (1 << 28) - 1));
}

}  // namespace sallyport::policy
