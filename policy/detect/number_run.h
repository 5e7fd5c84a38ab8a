// number_run.h — who dials one number after the next, as machines do that look for somebody who answers, or
// for numbers that cost (threats I7, I8). Evidence, no proof: it makes a finding surer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "policy/decide/keyed_words.h"

namespace sallyport::policy {

class NumberRun {
 public:
  explicit NumberRun(std::size_t capacity) : words_(capacity) {}

  // How many of the last numbers each lay at most kStepMax above or below the one before. The same number
  // again (a redial) changes nothing; one from elsewhere halves it.
  [[nodiscard]] unsigned add(std::uint64_t payer, std::string_view called) noexcept;

  static constexpr unsigned kRunMax = 63;  // counts no further
  static constexpr std::uint32_t kStepMax = 5;

  [[nodiscard]] static std::size_t memory_for(std::size_t capacity) noexcept {
    return Words::memory_for(capacity);
  }

 private:
  // From the top: 31 bits of the hash, 6 bits of run, 27 bits: the last eight digits.
  using Words = KeyedWords<33>;
  Words words_;
};

}  // namespace sallyport::policy
