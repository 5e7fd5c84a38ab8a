// dialled_readings.h — one number in all the ways in which it may be meant: international numbers are dialled
// behind "+", 00, 011, 0011 or nothing, with a digit for the outside line in front or none (threats I7).
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

namespace sallyport::policy {

// Views point into the object.
class DialledReadings {
 public:
  // Visual separators do not count, nor does what follows a ';'.
  explicit DialledReadings(std::string_view number) noexcept;
  DialledReadings(const DialledReadings&) = delete;
  DialledReadings& operator=(const DialledReadings&) = delete;

  // As it stands.
  [[nodiscard]] std::string_view plain() const noexcept { return {text_.data(), size_}; }
  // The digits of the international number that it may be, for each such reading:
  //   behind "+"; or behind 00, 011, 0011, each also behind a "+" (where no number has them) or behind 0 or 9
  //   (the outside line), then at least nine digits, so that no number of Turin or Reading (011...) is taken
  //   for one; or with nothing in front, then at least twelve, so that no Texan one (979 555 1234) is.
  [[nodiscard]] std::span<const std::string_view> abroad() const noexcept {
    return {abroad_.data(), abroad_count_};
  }

 private:
  // Longer than any number; what lies behind it says nothing about the beginning.
  static constexpr std::size_t kSymbolsMax = 40;
  static constexpr std::size_t kReadingsMax = 7;  // one, and three access codes with and without a digit

  void read_symbols(std::string_view number) noexcept;
  void add(std::string_view reading) noexcept { abroad_[abroad_count_++] = reading; }

  std::array<char, kSymbolsMax> text_{};
  std::size_t size_ = 0;
  std::array<std::string_view, kReadingsMax> abroad_{};
  std::size_t abroad_count_ = 0;
};

}  // namespace sallyport::policy
