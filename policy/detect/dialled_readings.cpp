// dialled_readings.cpp — see dialled_readings.h.
#include "policy/detect/dialled_readings.h"

#include <algorithm>

namespace sallyport::policy {
namespace {

constexpr std::size_t kPlusDigitsMin = 1, kDigitsMin = 9, kBareDigitsMin = 12;
constexpr std::array<std::string_view, 3> kAccessCodes{"0011", "011", "00"};
constexpr std::string_view kSeparators = "-.() ";

[[nodiscard]] int value_of(char digit) noexcept {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

[[nodiscard]] char unescaped(char high, char low) noexcept {
  const int value = value_of(high) * 16 + value_of(low);
  return value_of(high) < 0 || value_of(low) < 0 ? '%' : static_cast<char>(value);
}

[[nodiscard]] std::size_t digits_at_front(std::string_view text) noexcept {
  return std::min(text.find_first_not_of("0123456789"), text.size());
}

}  // namespace

// Escapes of what is only there to be read ("%2D") are undone like those of digits ("%2B").
void DialledReadings::read_symbols(std::string_view number) noexcept {
  for (std::size_t i = 0; i < number.size() && size_ < kSymbolsMax; ++i) {
    char symbol = number[i];
    if (symbol == ';' || symbol == '@') break;
    if (symbol == '%' && i + 2 < number.size()) {
      symbol = unescaped(number[i + 1], number[i + 2]);
      i += 2;
    }
    if (kSeparators.find(symbol) != std::string_view::npos) continue;
    text_[size_++] = symbol;
  }
}

DialledReadings::DialledReadings(std::string_view number) noexcept {
  read_symbols(number);
  std::string_view text = plain();
  const bool has_plus = text.starts_with('+');
  if (has_plus) text.remove_prefix(1);
  if (digits_at_front(text) >= (has_plus ? kPlusDigitsMin : kBareDigitsMin)) add(text);
  for (const std::size_t outside : {std::size_t{0}, std::size_t{1}}) {
    if (outside == 1 && !text.starts_with('9') && !text.starts_with('0')) break;
    for (const std::string_view code : kAccessCodes) {
      if (!text.substr(std::min(outside, text.size())).starts_with(code)) continue;
      const std::string_view rest = text.substr(outside + code.size());
      if (digits_at_front(rest) >= kDigitsMin) add(rest);
    }
  }
}

}  // namespace sallyport::policy
